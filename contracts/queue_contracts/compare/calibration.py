"""The scores of the emulator as once measured against workerd: kept with their date, and not to fall below."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec

from queue_contracts.compare.scores import Score
from queue_contracts.untrusted.files import read_small, write_whole


class CalibrationError(ValueError):
    """A file of recorded scores that cannot be used, and why."""


@dataclass(frozen=True)
class Calibration:
    """When the scores were measured, with which versions, and what they were."""

    date: date
    versions: dict[str, str]
    scores: tuple[Score, ...]

    def __str__(self) -> str:
        return f"{self.date}, " + ", ".join(f"{name} {version}" for name, version in self.versions.items())


def packaged_calibration() -> Traversable:
    """The file of this package."""
    return files(__package__) / "calibration.json"


def read_calibration(file: Traversable | Path) -> Calibration:
    """Raises CalibrationError."""
    try:
        return msgspec.json.decode(read_small(file), type=Calibration)
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise CalibrationError(f"{file.name} is not a file of scores: {error}") from None


def write_calibration(path: Path, calibration: Calibration) -> None:
    """As a whole or not at all, a line for each operation."""
    lines = ",\n".join("    " + json.dumps(asdict(score)) for score in calibration.scores)
    head = f'  "date": "{calibration.date}",\n  "versions": {json.dumps(calibration.versions)},\n'
    write_whole(path, f'{{\n{head}  "scores": [\n{lines}\n  ]\n}}\n')


def worse(recorded: Calibration, now: tuple[Score, ...]) -> Iterator[str]:
    """Every operation that does worse than it did, or is compared in less, a sentence each."""
    by_operation = {score.operation: score for score in now}
    for before in recorded.scores:
        score = by_operation.get(before.operation, Score(before.operation))
        if score.compared < before.compared:
            yield f"{score.operation}: {score.compared} answers were compared, {before.compared} on {recorded.date}"
        if score.share < before.share:
            figures = f"{score.equal} of {score.compared} equal, {before.equal} of {before.compared}"
            yield f"{score.operation}: {figures} on {recorded.date}"
