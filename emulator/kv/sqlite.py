"""The store in one SQLite file: the only SQL.

One process owns the file: the connection holds SQLite's exclusive lock from its opening to its close, so that
a second process is told so at once. Write-ahead log with synchronous=NORMAL: a write that was awaited survives
the death of this process; after a power cut the file is whole and may lack the last writes.
"""

import asyncio
import sqlite3
from collections.abc import Coroutine, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from emulator.core.entries import Entry, Row
from emulator.core.errors import StateError

APPLICATION_ID = 0x514B5631  # "QKV1", at byte 68 of the file: https://sqlite.org/fileformat2.html
SCHEMA_VERSION = 1
_BUSY_S = 0.5  # how long opening waits for a process that is just closing the file
_KEYS_AT_ONCE = 500  # below SQLite's limit on parameters, 999 in old builds


Result = TypeVar("Result")


class SqliteStore:
    """One namespace of a state file."""

    def __init__(
        self, connection: aiosqlite.Connection, namespace: str, *, writing: asyncio.Lock | None = None
    ) -> None:
        self._connection = connection
        self._namespace = namespace
        # A transaction is the connection's, not the task's: no write may join another's.
        self._writing = writing or asyncio.Lock()
        self._underway: set[asyncio.Future[Any]] = set()

    @classmethod
    async def open(cls, path: Path, *, namespace: str = "CACHE") -> "SqliteStore":
        """Open or create the state file; raises StateError, and then leaves the file as it was."""
        _check_file(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            sqlite3.connect(path).close()  # what cannot be opened is refused before a thread is begun for it
            connection = await aiosqlite.connect(path, isolation_level=None, timeout=_BUSY_S)
        except (OSError, sqlite3.Error) as error:
            raise StateError(f"cannot open state file {path}: {error}") from None
        try:
            await _prepare(connection)
        except sqlite3.Error as error:
            await connection.close()
            raise StateError(_explain(path, error)) from None
        return cls(connection, namespace)

    def beside(self, namespace: str) -> "SqliteStore":
        """Another namespace of the file, on the same connection: closing either closes both."""
        return SqliteStore(self._connection, namespace, writing=self._writing)

    async def read(self, keys: Sequence[bytes]) -> list[Entry | None]:
        found: dict[bytes, Entry] = {}
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            chunk = keys[start : start + _KEYS_AT_ONCE]
            rows = await self._fetch(_READ.format(",".join("?" * len(chunk))), (self._namespace, *chunk))
            found.update((row[0], Entry(*row)) for row in rows)
        return [found.get(key) for key in keys]

    async def walk(self, first: bytes, before: bytes | None, limit: int) -> list[Row]:
        if before is None:
            rows = await self._fetch(_WALK.format(""), (self._namespace, first, limit))
        else:
            rows = await self._fetch(_WALK.format("AND key < ?"), (self._namespace, first, before, limit))
        return [
            Row(key, version, at, expires, metadata, bool(gone)) for key, version, at, expires, metadata, gone in rows
        ]

    async def write(self, entries: Sequence[Entry]) -> None:
        rows = [self._columns(entry) for entry in entries]
        if len(rows) == 1:
            async with self._writing:
                await self._fetch(_WRITE, rows[0])
        else:
            await self._to_the_end(self._write_all(rows))

    async def purge(self, gone_before_ms: int) -> int:
        return await self._to_the_end(self._purge(gone_before_ms))

    async def clear(self) -> None:
        async with self._writing:
            await self._fetch("DELETE FROM entry WHERE namespace = ?", (self._namespace,))

    async def last_version(self) -> int:
        ((version,),) = await self._fetch("SELECT coalesce(max(version), 0) FROM entry")
        return int(version)

    async def close(self) -> None:
        async with self._writing:
            await self._connection.close()

    async def _to_the_end(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Let nobody's cancellation end this half-way: a cursor that nobody closes would keep the file locked."""
        task = asyncio.ensure_future(work)
        self._underway.add(task)
        task.add_done_callback(self._underway.discard)
        return await asyncio.shield(task)

    async def _write_all(self, rows: Sequence[tuple[Any, ...]]) -> None:
        async with self._writing:
            await self._fetch("BEGIN IMMEDIATE")
            try:
                await (await self._connection.executemany(_WRITE, rows)).close()
            except BaseException as error:
                await self._fetch("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise StateError(f"the state file failed: {error}") from error
                raise
            await self._fetch("COMMIT")

    async def _purge(self, gone_before_ms: int) -> int:
        # gone since expiration_s * 1000 < gone_before_ms, in whole seconds so that the index serves
        purges = ((_PURGE_DELETED, gone_before_ms), (_PURGE_EXPIRED, -(-gone_before_ms // 1000)))
        purged = 0
        async with self._writing:
            for sql, bound in purges:
                async with self._connection.execute(sql, (self._namespace, bound)) as cursor:
                    purged += cursor.rowcount
        return purged

    async def _fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        try:
            return list(await self._connection.execute_fetchall(sql, parameters))
        except sqlite3.Error as error:
            raise StateError(f"the state file failed: {error}") from error

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


_READ = """
    SELECT key, value, version, written_ms, expiration_s, metadata
    FROM entry WHERE namespace = ? AND key IN ({})
"""
_WALK = """
    SELECT key, version, written_ms, expiration_s, metadata, deleted
    FROM entry WHERE namespace = ? AND key >= ? {} ORDER BY key LIMIT ?
"""
_WRITE = """
    INSERT OR REPLACE INTO entry (namespace, key, value, version, written_ms, expiration_s, metadata, deleted)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_PURGE_DELETED = "DELETE FROM entry WHERE namespace = ? AND deleted AND written_ms < ?"
_PURGE_EXPIRED = "DELETE FROM entry WHERE namespace = ? AND expiration_s < ?"


async def _prepare(connection: aiosqlite.Connection) -> None:
    await connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    await connection.execute("BEGIN EXCLUSIVE")
    rows = list(await connection.execute_fetchall("SELECT count(*) FROM sqlite_master"))
    if rows[0][0] == 0:
        for statement in _schema().split(";\n"):
            await connection.execute(statement)
        await connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        await connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    await connection.execute_fetchall("SELECT version, namespace, key, deleted FROM entry LIMIT 1")
    await connection.execute("COMMIT")
    await connection.execute("PRAGMA journal_mode = WAL")
    await connection.execute("PRAGMA synchronous = NORMAL")
    await connection.execute("PRAGMA cache_size = -32768")


def _schema() -> str:
    return files("emulator.kv").joinpath("schema.sql").read_text()


def _check_file(path: Path) -> None:
    """Look at the header alone, without SQLite, which might create files beside it."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StateError(f"cannot read state file {path}: {error.strerror or error}") from None
    if header == b"":
        return
    application_id = int.from_bytes(header[68:72], "big")
    if header[:16] != b"SQLite format 3\0" or application_id != APPLICATION_ID:
        raise StateError(f"{path} is not a state file of queue-emulator; name another with --state")
    schema_version = int.from_bytes(header[60:64], "big")
    if schema_version > SCHEMA_VERSION:
        raise StateError(
            f"state file {path} has schema version {schema_version}, this queue-emulator reads up to "
            f"{SCHEMA_VERSION}: upgrade queue-emulator or name another file with --state"
        )


def _explain(path: Path, error: sqlite3.Error) -> str:
    if "locked" in str(error):
        return f"state file {path} is in use by another process (a running queue-emulator?)"
    return f"cannot use state file {path}: {error}"
