"""The store in one SQLite file: the only SQL.

One process owns the file: the connection holds SQLite's exclusive lock from its opening to its close, so that
a second process is told so at once. Write-ahead log with synchronous=NORMAL: a write that was awaited survives
the death of this process; after a power cut the file is whole and may lack the last writes.

What is short, a row or a page, is asked where it is needed; what is long in aiosqlite's thread. To wake that thread
and be woken by it takes longer than to read or write a row.
"""

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiosqlite

from queue_emulator.core.accounts import Namespace, find_namespace, namespace_of
from queue_emulator.core.entries import Entry, Row
from queue_emulator.core.errors import NamespaceError, StateError
from queue_emulator.kv.schema import INSERT_NAMESPACE, LOG_PAGES, check_header, prepare
from queue_emulator.kv.staging import Overlay, StagedRows, Staging, Statements
from queue_emulator.kv.state_file import StateFile
from queue_emulator.kv.store import Staged, Written, tell_nobody

_NO_NUMBER = 0  # SQLite numbers from 1
_KEYS_AT_ONCE = 500  # below SQLite's limit on parameters, 999 in old builds
_SHORT_ROWS = 2_000  # about a millisecond
_SHORT_BYTES = 65_536
_LARGE_BYTES = 4 << 20  # in one transaction: what the log holds is then written to the file after it, not in it


class SqliteStore:
    """One namespace of a state file: empty before it is kept there, and not to be written to."""

    def __init__(self, file: "_File", id: str) -> None:
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
        found: dict[bytes, Entry] = {}
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            chunk = keys[start : start + _KEYS_AT_ONCE]
            rows = await self._file.ask(_READ.format(",".join("?" * len(chunk))), (self._namespace, *chunk))
            found.update((row[0], Entry(*row)) for row in rows)
            if self._file.staging.written and (written := self._written()) is not None:
                found.update((key, entry) for key in chunk if (entry := written.newest(key, found.get(key))))
        return [found.get(key) for key in keys]

    async def walk(self, first: bytes, before: bytes | None, limit: int) -> list[Row]:
        end = () if before is None else (before,)
        sql = _WALK.format("AND key < ?" if end else "")
        written = self._written()  # before, because it may be in its place after
        found = await self._file.ask(sql, (self._namespace, first, *end, limit), short=limit <= _SHORT_ROWS)
        rows = list(map(Row._make, found))
        written = written or self._written()
        return rows if written is None else written.walked(rows, first, before, limit)

    async def write(self, entries: Sequence[Entry], written: Written = tell_nobody) -> None:
        if len(entries) == 1 and len(entries[0].value or b"") <= _SHORT_BYTES:
            await self._file.ask(_WRITE, self._columns(entries[0]), writes=True)
            written()
        else:
            size_bytes = sum(len(entry.value or b"") for entry in entries)
            columns = [self._columns(entry) for entry in entries]
            await self._file.change([(_WRITE, columns)], written, size_bytes=size_bytes)

    async def stage(self, drafts: Iterable[Sequence[Entry]]) -> Staged:
        staged = StagedRows(self._file, self._namespace)
        await staged.fill(drafts)
        return staged

    async def purge(self, gone_before_ms: int) -> int:
        if self._written() is not None:
            return 0  # a tombstone may be newer than an entry that is not yet in its place
        # gone since expiration_s * 1000 < gone_before_ms, in whole seconds so that the index serves
        bounds = ((_PURGE_DELETED, gone_before_ms), (_PURGE_EXPIRED, -(-gone_before_ms // 1000)))
        return await self._file.change([(sql, [(self._namespace, bound)]) for sql, bound in bounds])

    async def clear(self) -> None:
        staging, number = self._file.staging, self._namespace
        await self._file.change(
            lambda: [(_CLEAR, [(number,)]), *staging.forgetting(number)], partial(staging.forgot, number)
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

    def _columns(self, entry: Entry) -> tuple[Any, ...]:
        return (
            self._namespace,
            entry.key,
            entry.value,
            entry.version,
            entry.written_ms,
            entry.expiration_s,
            entry.metadata,
            entry.value is None,
        )


class SqliteCatalogue:
    """The namespaces of a state file."""

    def __init__(self, file: "_File") -> None:
        self._file = file

    @classmethod
    async def open(cls, path: Path) -> "SqliteCatalogue":
        """Open or create the state file; raises StateError, and then leaves the file as it was."""
        return cls(await _open(path))

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
            staging.forgot(number)

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
            partial(staging.forgot, None),
        )
        self._file.numbers = numbers

    def store(self, id: str) -> SqliteStore:
        return SqliteStore(self._file, id)

    async def close(self) -> None:
        await self._file.close()

    async def discard(self) -> None:
        """As `close`, of a start that failed: a file that was not there before is removed."""
        await self._file.close(take_back=True)


class _File:
    """The connection. One statement or transaction has it at a time, for a transaction is not its task's alone.

    `thread` is aiosqlite's way to the same `database`. `numbers` gives a namespace's number by its id.
    """

    def __init__(self, database: sqlite3.Connection, thread: aiosqlite.Connection, state: StateFile) -> None:
        self._database = database
        self._thread = thread
        self._state = state
        self.numbers: dict[str, int] = {}
        self.staging = Staging()
        self._turn = asyncio.Lock()
        self._underway: set[asyncio.Future[int]] = set()
        self._large_changes = 0

    async def ask(self, sql: str, parameters: Sequence[Any], *, short: bool = True, writes: bool = False) -> list[Any]:
        """One statement, a transaction of its own; the rows that it gives. Nothing is waited for after a short one."""
        await asyncio.sleep(0)  # other requests go on meanwhile, as they do while a thread is waited for
        try:
            if short and not self._turn.locked():  # it is done before anybody else can begin
                return self._at_once(sql, parameters, writes)
            async with self._turn:
                if short:
                    return self._at_once(sql, parameters, writes)
                return list(await self._thread.execute_fetchall(sql, parameters))
        except sqlite3.Error as error:
            raise _failed(error) from error

    def _at_once(self, sql: str, parameters: Sequence[Any], writes: bool) -> list[Any]:
        if writes:
            self._state.check_there()
        return self._database.execute(sql, parameters).fetchall()

    async def change(
        self,
        statements: Statements,
        changed: Written = tell_nobody,
        *,
        size_bytes: int = 0,
    ) -> int:
        """Statements with their parameters, all or none; how many rows they changed. One without parameters is DDL.

        About so many bytes are written by them.

        Nobody's cancellation ends this half-way: a cursor that nobody closes would keep the file locked. It is raised
        when the change has ended, so that what comes next finds it done.
        """
        large = size_bytes >= _LARGE_BYTES
        task = asyncio.ensure_future(
            self._large_change(statements, changed) if large else self._change(statements, changed)
        )
        self._underway.add(task)
        task.add_done_callback(self._underway.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait((task,))
            raise

    async def close(self, *, take_back: bool = False) -> None:
        """With `take_back` a file that was made here is removed, before anybody else can have it."""
        self.staging.closed = True
        async with self._turn:
            if take_back:
                self._state.take_back()
            await self._thread.close()
            self._state.close()

    async def _large_change(self, statements: Statements, changed: Written) -> int:
        """As `_change`; between the transaction and what the log wants then others have their turn."""
        self._large_changes += 1
        try:
            await self._in_turn("PRAGMA wal_autocheckpoint = 0")
            return await self._change(statements, changed)
        finally:
            self._large_changes -= 1
            try:
                # One that fails takes nothing back: the log holds the change, and the next one is SQLite's own.
                with suppress(StateError):
                    await self._in_turn("PRAGMA wal_checkpoint(PASSIVE)")
            finally:
                if not self._large_changes:
                    await self._in_turn(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")

    async def _in_turn(self, sql: str) -> None:
        async with self._turn:
            if not self.staging.closed:
                await self._long(sql)

    async def _change(self, statements: Statements, changed: Written) -> int:
        rows = 0
        async with self._turn:
            self._state.check_there()
            await self._long("BEGIN IMMEDIATE")
            try:
                for sql, parameters in statements() if callable(statements) else statements:
                    if parameters == ():
                        await self._thread.execute_fetchall(sql)
                        continue
                    async with self._thread.executemany(sql, parameters) as cursor:
                        rows += cursor.rowcount
            except BaseException as error:
                await self._long("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise _failed(error) from error
                raise
            await self._long("COMMIT")
            changed()
        return rows

    async def _long(self, sql: str) -> None:
        try:
            await self._thread.execute_fetchall(sql)
        except sqlite3.Error as error:
            raise _failed(error) from error


def _failed(error: Exception) -> StateError | NamespaceError:
    if isinstance(error, sqlite3.IntegrityError) and "FOREIGN KEY" in str(error):
        return NamespaceError("gone", "namespace not found")  # it was deleted since the write was asked for
    return StateError(f"the state file failed: {error}")


_READ = """
    SELECT key, CAST(value AS BLOB), version, CAST(written_ms AS INTEGER), CAST(expiration_s AS INTEGER),
        CAST(metadata AS TEXT)
    FROM entry WHERE namespace = ? AND key IN ({})
"""
_WALK = """
    SELECT key, version, CAST(written_ms AS INTEGER), CAST(expiration_s AS INTEGER), CAST(metadata AS TEXT), deleted
    FROM entry WHERE namespace = ? AND key >= ? {} ORDER BY key LIMIT ?
"""
_WRITE = """
    INSERT OR REPLACE INTO entry (namespace, key, value, version, written_ms, expiration_s, metadata, deleted)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_PURGE_DELETED = "DELETE FROM entry WHERE namespace = ? AND deleted AND written_ms < ?"
_PURGE_EXPIRED = "DELETE FROM entry WHERE namespace = ? AND expiration_s < ?"
_CLEAR = "DELETE FROM entry WHERE namespace = ?"
_CLEAR_ALL = "DELETE FROM entry"
_RENAME = "UPDATE namespace SET id = ?, title = ? WHERE number = ?"
_UNTITLE = "UPDATE namespace SET title = char(0) || number"  # so that titles can be exchanged: each is there once
_REMOVE = "DELETE FROM namespace WHERE number = ?"


async def _open(path: Path) -> _File:
    with _explaining(path):
        state = StateFile.open(path)
        try:
            check_header(state)
            # What cannot be opened is refused before a thread is begun for it.
            database = state.connect()
            thread = await aiosqlite.Connection(lambda: database, iter_chunk_size=_KEYS_AT_ONCE)
        except BaseException:
            state.close()
            raise
        file = _File(database, thread, state)
        try:
            await prepare(thread, database, state)
        except BaseException:
            await file.close(take_back=True)
            raise
        file.numbers.update(database.execute("SELECT id, number FROM namespace").fetchall())
    return file


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    """Turns what goes wrong with the file into a StateError that names it."""
    try:
        yield
    except (OSError, sqlite3.Error, StateError) as error:
        if isinstance(error, sqlite3.Error) and "locked" in str(error):
            raise StateError(f"state file {path} is in use by another process (a running queue-emulator?)") from None
        if isinstance(error, StateError) and str(path) in str(error):
            raise
        raise StateError(f"cannot use state file {path}: {error}") from None
