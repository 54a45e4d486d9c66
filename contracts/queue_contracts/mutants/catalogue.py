"""The mutants as data: what is broken, the change of the reference Worker that breaks it, the check that must notice.

The tables are the `*.toml` files beside this one. A change replaces text that occurs exactly once in a file of the
Worker: where the Worker has moved on, its mutants are refused instead of testing something else.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import msgspec.toml

from queue_contracts.untrusted.files import read_small

_FILE_BYTES_MAX = 1 << 27
TABLES = Path(__file__).resolve().parent


class MutantError(Exception):
    """A table, or a change that no longer fits the Worker; the message names the mutant."""


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Text of one file of the Worker, and what stands there instead."""

    file: str
    before: str
    after: str


class Mutant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`name` completes "a Worker that ..."; `caught_by` is "test_file.py::test_name" or, of one case, "...[case]".

    throws  whether it shows by an exception that escapes it, which no other mutant may do
    """

    name: str
    caught_by: str
    changes: tuple[Change, ...] = msgspec.field(name="change")
    throws: bool = False


def load_mutants(tables: Path = TABLES) -> tuple[Mutant, ...]:
    """All mutants, in the order of the files' names and of the tables in them."""
    mutants = tuple(mutant for file in sorted(tables.glob("*.toml")) for mutant in _read(file))
    twice = [name for name, count in Counter(mutant.name for mutant in mutants).items() if count > 1]
    if twice:
        raise MutantError(f"more than one mutant is called {', '.join(map(repr, twice))}")
    return mutants


def selected(mutants: Sequence[Mutant], words: str | None) -> tuple[Mutant, ...]:
    """Those whose name or check contains `words`; all without any. None at all is a MutantError."""
    found = tuple(each for each in mutants if words is None or words in f"{each.name}\n{each.caught_by}")
    if not found:
        raise MutantError(f"no mutant has {words!r} in its name or in the name of its check")
    return found


def write_mutant(mutant: Mutant, worker: Path, folder: Path) -> None:
    """A copy of the Worker in `worker` with the mutant's changes, in `folder`, which must not exist yet."""
    _copy(worker, folder)
    for change in mutant.changes:
        path = folder / change.file
        if not path.is_file():
            raise MutantError(f"the mutant that {mutant.name}: there is no {change.file} in {worker}")
        source = path.read_text(encoding="utf-8")
        found = source.count(change.before)
        if found != 1:
            raise MutantError(
                f"the mutant that {mutant.name}: the text to replace occurs {found} times in {change.file}, not once:\n"
                f"{change.before}"
            )
        path.write_text(source.replace(change.before, change.after), encoding="utf-8")


def _copy(worker: Path, folder: Path) -> None:
    """The files, those that links lead to as well; a linked folder is not looked into, and stays where it is."""
    folder.mkdir()
    for path in sorted(worker.iterdir()):
        copy = folder / path.name
        if path.is_symlink() and path.is_dir():
            copy.symlink_to(path.resolve())
        elif path.is_dir():
            _copy(path, copy)
        else:
            try:
                content = read_small(path, _FILE_BYTES_MAX)
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else error
                raise MutantError(f"the Worker cannot be copied: {path}: {why}") from None
            copy.write_bytes(content)


class _Table(msgspec.Struct):
    """A file of mutants."""

    mutant: list[Mutant]


def _read(file: Path) -> list[Mutant]:
    try:
        mutants = msgspec.toml.decode(file.read_bytes(), type=_Table).mutant
    except msgspec.MsgspecError as error:
        raise MutantError(f"{file.name}: {error}") from None
    for mutant in mutants:
        if not mutant.changes or any(change.before == change.after for change in mutant.changes):
            raise MutantError(f"{file.name}: {mutant.name}: it changes nothing")
    return mutants
