"""The store in one SQLite file: the only SQL.

One process owns the file: the connection holds SQLite's exclusive lock from its opening to its close, so that
a second process is told so at once. Write-ahead log with synchronous=NORMAL: a write that was awaited survives
the death of this process; after a power cut the file is whole and may lack the last writes.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from queue_emulator.core.accounts import Namespace, find_namespace, namespace_of
from queue_emulator.core.entries import Entry, Row
from queue_emulator.kv.checksums import Parts, damaged, of_entry
from queue_emulator.kv.large_values import Aside, Statement, is_large
from queue_emulator.kv.rows import INSERT, ROW_CHECKSUM, row_of
from queue_emulator.kv.schema import INSERT_NAMESPACE
from queue_emulator.kv.sqlite_file import SqliteFile, open_file
from queue_emulator.kv.staging import Overlay, StagedRows
from queue_emulator.kv.store import Staged, Written, tell_nobody

_NO_NUMBER = 0  # SQLite numbers from 1
_NOTHING: Aside = {}
_KEYS_AT_ONCE = 500  # below SQLite's limit on parameters, 999 in old builds
_SHORT_ROWS = 2_000  # about a millisecond
_SHORT_BYTES = 65_536


class SqliteStore:
    """One namespace of a state file: empty before it is kept there, and not to be written to."""

    def __init__(self, file: SqliteFile, id: str) -> None:
        self._file = file
        self._id = id
        self._number: int | None = None

    @classmethod
    async def open(cls, path: Path, *, namespace: str = "CACHE") -> "SqliteStore":
        """Open or create the state file, and the namespace of this name or id.

        Raises StateError, and then leaves the file as it was.
        """
        catalogue = await SqliteCatalogue.open(path)
        found = find_namespace(await catalogue.namespaces(), namespace)
        if found is None:
            found = namespace_of(namespace)
            await catalogue.keep(found)
        return catalogue.store(found.id)

    def catalogue(self) -> "SqliteCatalogue":
        """The namespaces of the file, on the same connection."""
        return SqliteCatalogue(self._file)

    async def read(self, keys: Sequence[bytes]) -> list[Entry | None]:
        self._file.whole.check()
        found: dict[bytes, Entry] = {}
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            chunk = keys[start : start + _KEYS_AT_ONCE]
            rows = await self._file.ask(_READ.format(",".join("?" * len(chunk))), (self._namespace, *chunk))
            written = self._written() if self._file.staging.written else None
            there = {row[0]: self._entry(row) for row in rows if written is None or written.older(row[0], row[2])}
            if written is not None:
                there.update((key, entry) for key in chunk if (entry := written.newest(key, there.get(key))))
            if self._file.large:
                await self._fill_in(there)
            found |= there
        return [found.get(key) for key in keys]

    async def walk(self, first: bytes, before: bytes | None, limit: int) -> list[Row]:
        self._file.whole.check()
        end = () if before is None else (before,)
        sql = _WALK.format("AND key < ?" if end else "")
        written = self._written()  # before, because it may be in its place after
        found = await self._file.ask(sql, (self._namespace, first, *end, limit), short=limit <= _SHORT_ROWS)
        rows = list(map(Row._make, found))
        written = written or self._written()
        return rows if written is None else written.walked(rows, first, before, limit)

    async def write(self, entries: Sequence[Entry], written: Written = tell_nobody) -> None:
        if len(entries) == 1 and len(entries[0].value or b"") <= _SHORT_BYTES:
            number = self._namespace
            await self._file.ask(INSERT, row_of(number, entries[0]), writes=True)
            if self._file.large:
                self._file.large.wrote(number, (entries[0].key,), _NOTHING)
            written()
        else:
            staged = await self.stage((entries,))
            try:
                await staged.write(entries, written)
            finally:
                await staged.end()

    async def stage(self, drafts: Iterable[Sequence[Entry]]) -> Staged:
        each = iter(drafts)
        first, second = next(each, ()), next(each, None)
        if second is None:
            return _OneStep(self._file, self._namespace, await self._file.large.put_aside(self._namespace, first))
        staged = StagedRows(self._file, self._namespace)
        await staged.fill(chain((first, second), each))
        return staged

    async def purge(self, gone_before_ms: int) -> int:
        # gone since expiration_s * 1000 < gone_before_ms, in whole seconds so that the index serves
        bounds = ((_PURGE_DELETED, gone_before_ms), (_PURGE_EXPIRED, -(-gone_before_ms // 1000)))
        number, held = self._namespace, dict[bytes, Parts]()

        def statements() -> list[Statement]:
            if self._written() is not None:
                return []  # a tombstone may be newer than an entry that is not yet in its place
            held.update(self._file.large.held(number))
            return [(sql, [(number, bound)]) for sql, bound in bounds]

        gone = await self._file.change(statements)
        await self._file.large.purged(number, held)
        return gone

    async def clear(self) -> None:
        staging, number = self._file.staging, self._namespace
        await self._file.change(
            lambda: [(_CLEAR, [(number,)]), *staging.forgetting(number)], partial(self._file.forgot, number)
        )

    async def last_version(self) -> int:
        ((version,),) = await self._file.ask("SELECT coalesce(max(version), 0) FROM entry", ())
        return int(version)

    async def close(self) -> None:
        await self._file.close()

    @property
    def _namespace(self) -> int:
        """Its number, which stays its own when another namespace gets this id."""
        if self._number is None:
            self._number = self._file.numbers.get(self._id)
        return self._number or _NO_NUMBER

    def _written(self) -> Overlay | None:
        return self._file.staging.written.get(self._namespace)

    async def _fill_in(self, there: dict[bytes, Entry]) -> None:
        """Give each of these entries its value if it is a large one, and not there yet."""
        large, number = self._file.large, self._namespace
        kept = {
            key: parts
            for key, entry in there.items()
            if (parts := large.of(number, key)) is not None and not is_large(entry)
        }
        with large.reading(kept.values()):
            for key, parts in kept.items():
                there[key] = msgspec.structs.replace(there[key], value=await large.value(key, parts))

    def _entry(self, row: tuple[Any, ...]) -> Entry:
        """A row as it was written, but for its large value; raises StateError for another."""
        key, value, version, written_ms, expiration_s, metadata, checksum = row
        kept = value
        if isinstance(value, int):
            parts = self._file.large.of(self._namespace, key)
            kept, value = (parts if parts is not None and parts.number == value else ""), b""
        if checksum != of_entry(self._namespace, key, written_ms, expiration_s, metadata, kept):
            raise damaged(key)
        return Entry(key, value, version, written_ms, expiration_s, metadata)


class _OneStep:
    """A write that is short but for its large values, which are put aside."""

    def __init__(self, file: SqliteFile, number: int, aside: Aside) -> None:
        self._file = file
        self._number = number
        self._aside = aside

    async def write(self, entries: Sequence[Entry], written: Written = tell_nobody) -> None:
        rows, keys = [row_of(self._number, each, self._aside) for each in entries], {each.key for each in entries}

        def changed() -> None:
            aside, self._aside = self._aside, _NOTHING
            self._file.large.wrote(self._number, keys, aside)
            written()

        await self._file.change([(INSERT, rows)], changed)

    async def end(self) -> None:
        self._file.large.drop(self._aside.values())


class SqliteCatalogue:
    """The namespaces of a state file."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    @classmethod
    async def open(cls, path: Path) -> "SqliteCatalogue":
        """Open or create the state file; raises StateError, and then leaves the file as it was."""
        return cls(await open_file(path))

    @property
    def warning(self) -> str | None:
        """What the user is to be told of the file's log."""
        aside = self._file.log_set_aside
        return (
            f"the log of a state file that was there before, with the last writes to it, is now {aside}"
            if aside
            else None
        )

    async def namespaces(self) -> Sequence[Namespace]:
        rows = await self._file.ask("SELECT id, title, jurisdiction FROM namespace ORDER BY number", ())
        return [Namespace(*row) for row in rows]

    async def keep(self, namespace: Namespace, *, instead_of: str | None = None) -> None:
        id, numbers = namespace.id, self._file.numbers
        number = numbers.get(id if instead_of is None else instead_of)
        if number is None:
            await self._file.ask(INSERT_NAMESPACE, (id, namespace.title, namespace.jurisdiction), writes=True)
            ((number,),) = await self._file.ask("SELECT number FROM namespace WHERE id = ?", (id,))
        else:
            await self._file.ask(_RENAME, (id, namespace.title, number), writes=True)
        numbers.pop(instead_of or "", None)
        numbers[id] = number

    async def remove(self, id: str) -> None:
        staging, numbers = self._file.staging, self._file.numbers
        if (number := numbers.get(id)) is None:
            return

        def removed() -> None:
            del numbers[id]
            self._file.forgot(number)

        await self._file.change(
            lambda: [(_CLEAR, [(number,)]), (_REMOVE, [(number,)]), *staging.forgetting(number)], removed
        )

    async def reset(self, kept: Sequence[Namespace]) -> None:
        numbers = {each.id: self._file.numbers[each.id] for each in kept}
        others = [(number,) for number in self._file.numbers.values() if number not in numbers.values()]
        staging = self._file.staging
        await self._file.change(
            lambda: [
                (_CLEAR_ALL, [()]),
                (_REMOVE, others),
                (_UNTITLE, [()]),
                (_RENAME, [(each.id, each.title, numbers[each.id]) for each in kept]),
                *staging.forgetting(None),
            ],
            partial(self._file.forgot, None),
        )
        self._file.numbers = numbers

    def store(self, id: str) -> SqliteStore:
        return SqliteStore(self._file, id)

    async def close(self) -> None:
        await self._file.close()

    async def discard(self) -> None:
        """As `close`, of a start that failed: a file that was not there before is removed."""
        await self._file.close(take_back=True)


_READ = """
    SELECT key, value, version, written_ms, expiration_s, metadata, checksum
    FROM entry WHERE namespace = ? AND key IN ({})
"""
_WALK = """
    SELECT key, version, CAST(written_ms AS INTEGER), CAST(expiration_s AS INTEGER), CAST(metadata AS TEXT), deleted
    FROM entry WHERE namespace = ? AND key >= ? {} ORDER BY key LIMIT ?
"""
# What is damaged may not have been gone. A text that is no UTF-8 would end the statement: no function gets it.
_AS_WRITTEN = f"""
    CASE WHEN 'text' IN (typeof(key), typeof(value), typeof(written_ms), typeof(expiration_s)) THEN 0
    ELSE checksum = {ROW_CHECKSUM.format("entry")} END
"""
_PURGE_DELETED = f"DELETE FROM entry WHERE namespace = ? AND deleted AND written_ms < ? AND {_AS_WRITTEN}"  # noqa: S608
_PURGE_EXPIRED = f"DELETE FROM entry WHERE namespace = ? AND expiration_s < ? AND {_AS_WRITTEN}"  # noqa: S608
_CLEAR = "DELETE FROM entry WHERE namespace = ?"
_CLEAR_ALL = "DELETE FROM entry"
_RENAME = "UPDATE namespace SET id = ?, title = ? WHERE number = ?"
_UNTITLE = "UPDATE namespace SET title = char(0) || number"  # so that titles can be exchanged: each is there once
_REMOVE = "DELETE FROM namespace WHERE number = ?"
