"""A long write to a state file: put aside in short transactions, made in one, and then moved in short ones.

One transaction of ten thousand rows takes a tenth of a second or more, in which nobody else reads or writes. What was
put aside is no entry until `staged_base` says from which version on; that is one row. From then on readers are answered
from memory what is not yet in its place. A process that dies before has written nothing of it, and one that dies after
has written all: the next start moves it.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter, eq
from typing import Protocol

import aiosqlite

from queue_emulator.core.entries import Entry, Row
from queue_emulator.kv.checksums import Parts
from queue_emulator.kv.large_values import LargeValues, Statement
from queue_emulator.kv.rows import COLUMNS, row_of
from queue_emulator.kv.store import Written, tell_nobody

TABLES = ("staged", "staged_base")

CACHE = "PRAGMA cache_size = -32768"  # KiB
_SMALL_CACHE = "PRAGMA cache_size = -2048"  # or the rows of a long write would be in memory once more

Statements = Sequence[Statement] | Callable[[], Sequence[Statement]]
"""A function gives those that depend on what is in the file when their turn has come."""


class Changes(Protocol):
    """The state file, as far as it is needed here."""

    staging: "Staging"
    large: LargeValues

    def change(self, statements: Statements, changed: Written = tell_nobody) -> Awaitable[int]:
        """Statements with their parameters, all or none."""
        ...


class Staging:
    """What the file's stores share: which of their entries are written and not yet in their place.

    Long writes go one after the other. `unfinished` is the one whose tables are in the file: it changes with them, in
    the same turn.
    """

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.written: dict[int, Overlay] = {}
        self.unfinished: StagedRows | None = None
        self.closed = False

    def forgetting(self, number: int | None) -> list[Statement]:
        """What also has to be done where the entries of a namespace, or of all, are dropped; ask in the file's turn."""
        if self.unfinished is None:
            return []
        return [("DELETE FROM staged", [()])] if number is None else [(_FORGET, [(number,)])]

    def forgot(self, number: int | None) -> None:
        """They are dropped."""
        if number is None:
            self.written.clear()
        else:
            self.written.pop(number, None)


class Overlay(Collection[bytes]):
    """Entries in key order, the last of each key: a collection of their keys. A dictionary would take far more."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = sorted(entries, key=_key)  # of one key the last stays last
        self._keys = [*self]
        if any(map(eq, self._keys, islice(self._keys, 1, None))):
            self._entries = [*{entry.key: entry for entry in self._entries}.values()]
            self._keys = [*self]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[bytes]:
        return map(_key, self._entries)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, bytes) and self.get(key) is not None

    def get(self, key: bytes) -> Entry | None:
        """What was written under a key."""
        at = bisect_left(self._keys, key)
        return self._entries[at] if at < len(self._keys) and self._keys[at] == key else None

    def newest(self, key: bytes, entry: Entry | None) -> Entry | None:
        """What stands under a key of which the table says `entry`."""
        written = self.get(key)
        if written is None or (entry is not None and entry.version > written.version):
            return entry
        return written

    def older(self, key: bytes, version: int) -> bool:
        """Whether what is here of a key, if there is anything, is older than a version."""
        written = self.get(key)
        return written is None or version > written.version

    def walked(self, rows: Sequence[Row], first: bytes, before: bytes | None, limit: int) -> list[Row]:
        """A walk of which the table gave `rows`, at most `limit` as well."""
        start = bisect_left(self._keys, first)
        end = len(self._keys) if before is None else bisect_left(self._keys, before, start)
        found = {row.key: row for row in rows}
        for written in self._entries[start : min(end, start + limit)]:
            row = found.get(written.key)
            if row is None or row.version < written.version:
                found[written.key] = Row.of(written)
        return [found[key] for key in sorted(found)[:limit]]


class StagedRows:
    """One long write of the namespace of this number."""

    def __init__(self, file: Changes, number: int) -> None:
        self._file = file
        self._staging = file.staging
        self._number = number
        self._drafts: list[tuple[int, int]] = []  # of each draft the first and the last
        self._aside: dict[bytes, Parts] = {}

    async def fill(self, drafts: Iterable[Sequence[Entry]]) -> None:
        """Put them aside."""
        await self._staging.turn.acquire()
        try:
            if self._staging.unfinished is not None:  # the disk was full
                await self._staging.unfinished.finish()
            await self._file.change([*_drop(), (_STAGED, ()), (_BASE, ()), (_SMALL_CACHE, ())], self._begun)
            for draft in drafts:
                self._drafts.append((draft[0].version, draft[-1].version))
                self._aside.update(await self._file.large.put_aside(self._number, draft))
                rows = [row_of(self._number, entry, self._aside) for entry in draft]
                await self._file.change([(_STAGE, rows)])
        except BaseException:
            await self.end()
            raise

    async def write(self, entries: Sequence[Entry], written: Written = tell_nobody) -> None:
        """All at once: from now on they can be read."""
        overlay = Overlay(entries)

        def changed() -> None:
            self._staging.written[self._number] = overlay
            aside, self._aside = self._aside, {}
            self._file.large.wrote(self._number, overlay, aside)
            written()

        await self._file.change([(_WRITTEN, [(entries[0].version - 1,)])], changed)

    async def end(self) -> None:
        """Nobody's cancellation ends this half-way."""
        task = asyncio.ensure_future(self._end())
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait((task,))
            raise

    async def finish(self) -> None:
        """Move what was written to its place, and forget what was put aside."""
        staging = self._staging
        if staging.unfinished is not self:
            return  # the tables are those of another write, which may be the only place where it is
        if self._number in staging.written:
            for first, last in self._drafts:
                if staging.closed:
                    return  # the next start does it
                await self._file.change([(_MOVE, [(first, last)])])
                await self._file.change([(_MOVED, [(first, last)])])
        if not staging.closed:
            await self._file.change([*_drop(), (CACHE, ())], self._gone)

    def _begun(self) -> None:
        self._staging.unfinished = self

    def _gone(self) -> None:
        self._staging.written.pop(self._number, None)
        self._staging.unfinished = None

    async def _end(self) -> None:
        self._file.large.drop(self._aside.values())
        try:
            await self.finish()
        finally:
            self._staging.turn.release()


async def finish_staged(connection: aiosqlite.Connection) -> None:
    """What an emulator that died has left: in the transaction of the caller, which opens the file."""
    if await connection.execute_fetchall("SELECT 1 FROM sqlite_master WHERE name = 'staged_base'"):
        await connection.execute_fetchall(_MOVE, (0, 1 << 62))
        for statement, _ in _drop():
            await connection.execute_fetchall(statement)


def _drop() -> list[Statement]:
    return [(f"DROP TABLE IF EXISTS {table}", ()) for table in TABLES]


_key: Callable[[Entry], bytes] = attrgetter("key")

_STAGED = """
    CREATE TABLE staged (
        number       INTEGER PRIMARY KEY,
        namespace    INTEGER NOT NULL,
        key          BLOB    NOT NULL,
        written_ms   INTEGER NOT NULL,
        expiration_s INTEGER,
        metadata     TEXT,
        deleted      INTEGER NOT NULL,
        value        BLOB,
        checksum     INTEGER NOT NULL
    )
"""
_BASE = "CREATE TABLE staged_base (version INTEGER NOT NULL)"
_STAGE = "INSERT INTO staged VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_WRITTEN = "INSERT INTO staged_base VALUES (?)"
_MOVE = (
    f"INSERT OR REPLACE INTO entry ({COLUMNS}) "  # noqa: S608
    """
    SELECT number + base.version, namespace, key, written_ms, expiration_s, metadata, deleted, value, checksum
    FROM staged_base AS base, staged
    WHERE number BETWEEN ? AND ? AND NOT EXISTS (
        SELECT 1 FROM entry
        WHERE entry.namespace = staged.namespace AND entry.key = staged.key
            AND entry.version > staged.number + base.version
    )
    """
)
_MOVED = "DELETE FROM staged WHERE number BETWEEN ? AND ?"
_FORGET = "DELETE FROM staged WHERE namespace = ?"
