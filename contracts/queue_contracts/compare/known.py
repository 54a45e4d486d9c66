"""Differences that are known: each with a reason, the date it was found and the date it must be looked at again."""

import re
from collections.abc import Iterable
from collections.abc import Sequence as List
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from queue_contracts.compare.steps import NOT_DESCRIBED
from queue_contracts.described.operations import packaged_description
from queue_contracts.foreign.files import read_yaml

_MEMBERS = ("between", "operation", "field", "sequence", "reason", "date", "expires")
_REQUIRED = ("operation", "field", "reason", "date", "expires")


class KnownError(ValueError):
    """A file of known differences that cannot be used, and why."""


@dataclass(frozen=True)
class Known:
    """One entry. In `operation`, `field` and `sequence` a `*` stands for anything.

    between   the names of the two targets, in either order; without it any two
    operation its operationId, or `(not described)`
    field     as a report names it: `status`, `content-type`, `header allow`, `body.task.priority`
    expires   the last day on which it counts
    """

    operation: str
    field: str
    reason: str
    found: date
    expires: date
    sequence: str = "*"
    between: frozenset[str] = frozenset()

    def applies(self, sides: Iterable[str]) -> bool:
        return not self.between or self.between == frozenset(sides)

    def is_about(self, operation: str, sequence: str) -> bool:
        return _fits(self.operation, operation) and _fits(self.sequence, sequence)

    def covers(self, operation: str, sequence: str, field: str) -> bool:
        return self.is_about(operation, sequence) and _fits(self.field, field)

    def __str__(self) -> str:
        days = f"found {self.found}, until {self.expires}"
        return f"{self.operation} {self.field} in {self.sequence!r} ({days}): {self.reason}"


def packaged_known() -> tuple[Known, ...]:
    """The file of this package."""
    return _read(files(__package__) / "known.yaml")


def read_known(path: Path) -> tuple[Known, ...]:
    """The entries of a file of one's own. Raises KnownError."""
    return _read(path)


def expired(entries: List[Known], today: date) -> list[Known]:
    return [entry for entry in entries if entry.expires < today]


def _read(file: Traversable | Path) -> tuple[Known, ...]:
    try:
        data = read_yaml(file)
    except (OSError, ValueError) as error:
        raise KnownError(f"{file.name}: {error}") from None
    if not isinstance(data, list):
        raise KnownError(f"{file.name}: must be a list of known differences, [] for none")
    return tuple(_entry(each, f"{file.name}, entry {number}") for number, each in enumerate(data, 1))


def _entry(given: Any, where: str) -> Known:
    if not isinstance(given, dict):
        raise KnownError(f"{where}: must be a mapping")
    unknown = sorted(str(name) for name in set(given) - set(_MEMBERS))
    missing = [name for name in _REQUIRED if not given.get(name)]
    if unknown or missing:
        problem = f"unknown member {unknown[0]!r}" if unknown else f"{missing[0]} is missing"
        raise KnownError(f"{where}: {problem}; an entry has {', '.join(_MEMBERS)}")
    for name in ("date", "expires"):
        if type(given[name]) is not date:
            raise KnownError(f"{where}: {name} must be a day as 2026-11-23, not {given[name]!r}")
    between = given.get("between", [])
    if (
        not isinstance(between, list)
        or len(between) not in (0, 2)
        or not all(isinstance(each, str) for each in between)
    ):
        raise KnownError(f"{where}: between must be a list of two targets")
    texts = {name: str(given.get(name, "*")) for name in ("operation", "field", "reason", "sequence")}
    operations = [*packaged_description().operations, NOT_DESCRIBED]
    if not any(_fits(texts["operation"], each) for each in operations):
        raise KnownError(f"{where}: there is no operation {texts['operation']!r}, only {', '.join(operations)}")
    return Known(**texts, found=given["date"], expires=given["expires"], between=frozenset(between))


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text) is not None
