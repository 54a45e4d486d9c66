"""A state file that is open: the one connection to it, and whose turn it is there.

What is short, a row or a page, is asked where it is needed; what is long in aiosqlite's thread. To wake that thread
and be woken by it takes longer than to read or write a row.
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiosqlite

from queue_emulator.core.errors import NamespaceError, StateError
from queue_emulator.core.shown import one_line
from queue_emulator.kv.large_values import LargeValues
from queue_emulator.kv.schema import check_header, prepare
from queue_emulator.kv.staging import Staging, Statements
from queue_emulator.kv.state_file import READ_ONLY, StateFile
from queue_emulator.kv.store import Written, tell_nobody
from queue_emulator.kv.whole import Comparison

_IN_USE = "in use by another process, such as a running emulator: stop that one, or name another file"
_ROWS_AT_ONCE = 500  # that the thread hands over
_SHOWN_MAX = 300


class SqliteFile:
    """The connection. One statement or transaction has it at a time, for a transaction is not its task's alone.

    `thread` is aiosqlite's way to the same `database`. `numbers` gives a namespace's number by its id.
    """

    def __init__(self, database: sqlite3.Connection, thread: aiosqlite.Connection, state: StateFile) -> None:
        self._database = database
        self._thread = thread
        self._state = state
        self.numbers: dict[str, int] = {}
        self.staging = Staging()
        self.large = LargeValues(self)
        self.whole = Comparison(self)
        self._turn = asyncio.Lock()
        self._underway: set[asyncio.Future[int]] = set()

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
        if not writes:
            return self._database.execute(sql, parameters).fetchall()
        self._state.check_there()
        try:
            self._state.stamp(self._database)
            return self._database.execute(sql, parameters).fetchall()
        finally:
            self._state.wrote()

    async def change(
        self,
        statements: Statements,
        changed: Written = tell_nobody,
    ) -> int:
        """Statements with their parameters, all or none; how many rows they changed. One without parameters is DDL.

        Nobody's cancellation ends this half-way: a cursor that nobody closes would keep the file locked. It is raised
        when the change has ended, so that what comes next finds it done.
        """
        task = asyncio.ensure_future(self._change(statements, changed))
        self._underway.add(task)
        task.add_done_callback(self._underway.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait((task,))
            raise

    def forgot(self, number: int | None) -> None:
        """The entries of a namespace, or of all, are dropped."""
        self.staging.forgot(number)
        self.large.forgot(number)

    @property
    def log_set_aside(self) -> Path | None:
        """What became of a log beside the file that is none of its own."""
        return self._state.log_set_aside

    async def close(self, *, take_back: bool = False) -> None:
        """With `take_back` a file that was made here is removed, before anybody else can have it."""
        self.staging.closed = True
        await self.whole.close()
        await self.large.close()
        async with self._turn:
            if take_back:
                self._state.take_back()
            await self._thread.close()
            self._state.close()

    async def _change(self, statements: Statements, changed: Written) -> int:
        rows = 0
        async with self._turn:
            self._state.check_there()
            try:
                self._state.stamp(self._database)
                await self._thread.execute_fetchall("BEGIN IMMEDIATE")
                for sql, parameters in statements() if callable(statements) else statements:
                    if parameters == ():
                        await self._thread.execute_fetchall(sql)
                        continue
                    async with self._thread.executemany(sql, parameters) as cursor:
                        rows += cursor.rowcount
                await self._thread.execute_fetchall("COMMIT")
            except BaseException as error:
                if self._database.in_transaction:  # a disk that is full may have ended it
                    await self._long("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise _failed(error) from error
                raise
            finally:
                self._state.wrote()
            changed()
        return rows

    async def _long(self, sql: str) -> None:
        try:
            await self._thread.execute_fetchall(sql)
        except sqlite3.Error as error:
            raise _failed(error) from error


async def open_file(path: Path) -> SqliteFile:
    with _explaining(path):
        state = StateFile.open(path)
        try:
            check_header(state)
            # What cannot be opened is refused before a thread is begun for it.
            database = state.connect()
            thread = await aiosqlite.Connection(lambda: database, iter_chunk_size=_ROWS_AT_ONCE)
        except BaseException:
            state.take_back()
            state.close()
            raise
        file = SqliteFile(database, thread, state)
        try:
            checked = await prepare(thread, database, state)
            file.numbers.update(database.execute("SELECT id, number FROM namespace").fetchall())
            await file.large.load(thread)
        except BaseException:
            await file.close(take_back=True)
            raise
        state.wrote()
        if not checked:
            file.whole.begin()
    return file


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    """Turns what goes wrong with the file into a StateError that names it."""
    try:
        yield
    except (OSError, sqlite3.Error, StateError) as error:
        if isinstance(error, sqlite3.Error) and "locked" in str(error):
            raise StateError(f"state file {path} is {_IN_USE}") from None
        if isinstance(error, StateError) and str(path) in str(error):
            raise
        raise StateError(f"cannot use state file {path}: {_in_words(error)}") from None


def _failed(error: Exception) -> StateError | NamespaceError:
    if isinstance(error, sqlite3.IntegrityError) and "FOREIGN KEY" in str(error):
        return NamespaceError("gone", "namespace not found")  # it was deleted since the write was asked for
    return StateError(f"the state file failed: {_in_words(error)}")


def _in_words(error: Exception) -> str:
    """In one line: SQLite may quote what the file holds."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY:
        return READ_ONLY
    return one_line(str(error))[:_SHOWN_MAX]
