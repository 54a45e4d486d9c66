"""Differences that are known: each with a reason, the date it was found and the date it must be looked at again."""

from collections.abc import Iterable
from collections.abc import Sequence as List
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import msgspec

from queue_contracts.compare.steps import NOT_DESCRIBED
from queue_contracts.described.operations import packaged_description
from queue_contracts.untrusted.files import read_yaml


class KnownError(ValueError):
    """A file of known differences that cannot be used, and why."""


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry. In `operation`, `field` and `sequence` a `*` stands for anything.

    between   the names of the two targets, in either order; without it any two
    operation its operationId, or `(not described)`
    field     as a report names it: `status`, `content-type`, `header allow`, `body.task.priority`
    found     the day on which it was found, `date` in a file
    expires   the last day on which it counts
    """

    operation: str
    field: str
    reason: Annotated[str, msgspec.Meta(min_length=1)]
    found: date = msgspec.field(name="date")
    expires: date
    sequence: str = "*"
    between: Annotated[frozenset[str], msgspec.Meta(min_length=2, max_length=2)] = frozenset()

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
    return tuple(_known(each, f"{file.name}, entry {number}") for number, each in enumerate(data, 1))


def _known(given: object, where: str) -> Known:
    try:
        known = msgspec.convert(given, Known)
    except msgspec.ValidationError as error:
        raise KnownError(f"{where}: {error}; an entry has {', '.join(Known.__struct_encode_fields__)}") from None
    operations = [*packaged_description().operations, NOT_DESCRIBED]
    if not any(_fits(known.operation, each) for each in operations):
        raise KnownError(f"{where}: there is no operation {known.operation[:80]!r}, only {', '.join(operations)}")
    return known


def _fits(pattern: str, text: str) -> bool:
    """Whether `*`, which stands for anything, makes the text of the pattern.

    What stands between two of them is looked for once: a regular expression would go through all their ways to share
    the text, hours with twenty of them.
    """
    first, *others = pattern.split("*")
    if not others:
        return text == pattern
    *between, last = others
    at = len(first)
    for each in between:
        found = text.find(each, at)
        if found < 0:
            return False
        at = found + len(each)
    return text.startswith(first) and text.endswith(last) and at <= len(text) - len(last)
