"""Wrangler's local KV: read from a copy while `wrangler dev` may run, written as a whole while nothing else does.

A row names the blob of its value. Blobs are written first and removed last, so that no row ever names one that is not
there. Beside kv/sqlite.py the only one that speaks SQL.
"""

import hashlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from queue_emulator.core.clock import Clock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import StateError
from queue_emulator.core.options import PutRequest
from queue_emulator.kv.wrangler_layout import Layout

_BUSY_S = 0.5
_COPIES_MAX = 20  # attempts at a copy that nobody wrote to meanwhile
_COLUMNS = ["key", "blob_id", "expiration", "metadata"]
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS _mf_entries "
    "(key TEXT PRIMARY KEY, blob_id TEXT NOT NULL, expiration INTEGER, metadata TEXT)",
    "CREATE INDEX IF NOT EXISTS _mf_entries_expiration_idx ON _mf_entries(expiration)",
)
_OUR_NOTES = (
    "CREATE TEMP TABLE written (blob_id TEXT NOT NULL)",
    "CREATE TEMP TABLE replaced (blob_id TEXT NOT NULL)",
)


class StoredRow(NamedTuple):
    """A row as it stands. `value` None: its blob cannot be read. `expiration_ms` in milliseconds since the epoch."""

    key: bytes
    value: bytes | None
    expiration_ms: int | None
    metadata: bytes | None


def read_rows(layout: Layout) -> Iterator[StoredRow]:
    """All rows in key order, from a copy of the database; the values from where they lie.

    A value that was replaced since the copy was made is looked up in a new one; None is what then still cannot be read.
    """
    missing: set[bytes] | None = None
    for _ in range(_COPIES_MAX):
        found, again = missing, set[bytes]()
        with _copied(layout) as database:
            for key, blob_id, expiration_ms, metadata in database.execute(_READ):
                _check_row(key, expiration_ms)
                if found is not None and key not in found:
                    continue
                value = _blob(layout, blob_id)
                if value is None:
                    again.add(key)
                else:
                    yield StoredRow(key, value, expiration_ms, metadata)
        if not again or again == missing:
            break
        missing = again
    yield from (StoredRow(key, None, None, None) for key in sorted(again))


class WranglerWriter:
    """Writes a namespace: all of it becomes visible with `finish`, or nothing with `abandon`."""

    def __init__(self, layout: Layout, clock: Clock, dice: Dice | None = None) -> None:
        """Takes the databases for itself, creating the namespace's; StateError if workerd or anybody else has them."""
        self._layout = layout
        self._clock = clock
        self._dice = dice or Dice()
        self._count = 0
        self._made = [path for path in _paths(layout) if not path.exists()]
        self._locks: list[sqlite3.Connection] = []
        self._owned = False
        try:
            layout.database.parent.mkdir(parents=True, exist_ok=True)
            layout.blobs.mkdir(parents=True, exist_ok=True)
            if layout.alarms.exists():
                self._locks.append(_lock(layout.alarms))
            self._database = _lock(layout.database, new=layout.database in self._made)
            self._locks.append(self._database)
            self._owned = True
            self._prepare()
        except (OSError, sqlite3.Error, StateError) as error:
            self._undo()
            raise _explained(layout, error) from None

    def write(self, requests: Sequence[PutRequest]) -> None:
        """Values into blobs, then the rows that name them, in the transaction that `finish` ends."""
        try:
            for request in requests:
                blob_id = self._blob_id()
                self._database.execute("INSERT INTO written VALUES (?)", (blob_id,))
                (self._layout.blobs / blob_id).write_bytes(request.value)
                key, expiration_s = request.key.decode(), request.expiration_s
                expiration_ms = None if expiration_s is None else expiration_s * 1000
                self._database.execute(_REPLACED, (key,))
                self._database.execute(_WRITE, (key, blob_id, expiration_ms, request.metadata))
        except (OSError, sqlite3.Error) as error:
            raise _explained(self._layout, error) from None

    def finish(self) -> None:
        """Make it visible, then remove the values that nothing names any more."""
        try:
            replaced = self._ids("replaced")
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            raise _explained(self._layout, error) from None
        self._remove(replaced)
        self._close()

    def abandon(self) -> None:
        """Leave everything as it was."""
        written = self._ids("written")
        with suppress(sqlite3.Error):
            self._database.execute("ROLLBACK")
        self._remove(written)
        self._undo()

    def _prepare(self) -> None:
        for statement in (*_SCHEMA, *_OUR_NOTES):
            self._database.execute(statement)
        columns = [row[1] for row in self._database.execute("PRAGMA table_info(_mf_entries)")]
        if columns != _COLUMNS:
            raise StateError(f"{self._layout.database} is not as miniflare 4 keeps KV: its columns are {columns}")

    def _blob_id(self) -> str:
        """32 bytes of chance and 8 of time, as miniflare's: nobody finds a blob but by its row."""
        self._count += 1
        chance = "".join(f"{self._dice.bits(64, 'blob', self._count, part):016x}" for part in range(4))
        return f"{chance}{self._clock.now_ms():016x}"

    def _ids(self, table: str) -> list[str]:
        with suppress(sqlite3.Error):
            return [row[0] for row in self._database.execute(f"SELECT blob_id FROM temp.{table}")]  # noqa: S608
        return []

    def _remove(self, blob_ids: Sequence[str]) -> None:
        for blob_id in blob_ids:
            with suppress(OSError):
                (self._layout.blobs / blob_id).unlink()

    def _undo(self) -> None:
        """Remove what was made, and close. Only who has the database to himself removes it, before he gives it up."""
        made = self._made if self._owned else []
        if self._layout.database in made:
            for path in (self._layout.database, *_companions(self._layout.database)):
                with suppress(OSError):
                    path.unlink()
        self._close()
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()

    def _close(self) -> None:
        for connection in self._locks:
            with suppress(sqlite3.Error):
                connection.close()


_READ = """
    SELECT CAST(key AS BLOB), CAST(blob_id AS BLOB), expiration, CAST(metadata AS BLOB)
    FROM _mf_entries ORDER BY key
"""
_WRITE = "INSERT OR REPLACE INTO _mf_entries (key, blob_id, expiration, metadata) VALUES (?, ?, ?, ?)"
_REPLACED = "INSERT INTO replaced SELECT blob_id FROM _mf_entries WHERE key = ?"


def check_free(layout: Layout) -> None:
    """Raises StateError if a running workerd has the databases; creates and changes nothing."""
    for path in (layout.alarms, layout.database):
        if path.exists():
            try:
                _lock(path).close()
            except sqlite3.Error as error:
                raise _explained(layout, error) from None


def _check_row(key: object, expiration_ms: object) -> None:
    """SQLite holds no column to its type; raises StateError for what miniflare cannot have written."""
    if not isinstance(key, bytes) or not isinstance(expiration_ms, int | None):
        raise StateError(f"wrangler's local state is damaged: the row of key {key!r} is none of miniflare's")


def _lock(path: Path, *, new: bool = False) -> sqlite3.Connection:
    """A connection that has the database to itself, in a transaction: a running workerd holds a lock of its own."""
    if new:
        path.touch()
    before = path.stat().st_ino
    connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_S)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        if new:
            connection.execute("PRAGMA journal_mode = WAL")  # as workerd makes it
        connection.execute("BEGIN EXCLUSIVE")
        if not path.exists() or path.stat().st_ino != before:
            raise sqlite3.OperationalError("locked: who had it gave it up and removed it meanwhile")
    except (OSError, sqlite3.Error):
        connection.close()
        raise
    return connection


@contextmanager
def _copied(layout: Layout) -> Iterator[sqlite3.Connection]:
    """A copy of the database with its write-ahead log, as it was at one moment."""
    with tempfile.TemporaryDirectory(prefix="queue-emulator-") as folder:
        copy = Path(folder) / "copy.sqlite"
        try:
            _copy(layout.database, copy)
            with closing(sqlite3.connect(copy)) as database:
                yield database
        except (OSError, sqlite3.Error) as error:
            raise _explained(layout, error) from None


def _copy(source: Path, copy: Path) -> None:
    """Copy database and log until both are still the same afterwards: no lock is taken, and nothing is touched."""
    pairs = [(source, copy), *zip(_companions(source)[:1], _companions(copy)[:1], strict=True)]
    for _ in range(_COPIES_MAX):
        for original, made in pairs:
            made.unlink(missing_ok=True)
            if original == source or original.exists():
                shutil.copyfile(original, made)
        if all(_digest(original) == _digest(made) for original, made in pairs):
            return
    raise StateError(f"{source} is written to all the time: stop wrangler dev, or try again")


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").digest()
    except FileNotFoundError:
        return b""


def _blob(layout: Layout, blob_id: bytes | None) -> bytes | None:
    if not blob_id or not blob_id.isalnum():
        return None
    try:
        return (layout.blobs / blob_id.decode()).read_bytes()
    except OSError:
        return None


def _paths(layout: Layout) -> list[Path]:
    """The folders of the namespace and its database, outermost first."""
    inner = (layout.database.parent, layout.blobs)
    folders = {folder for each in inner for folder in (each, *each.parents)}
    return [*sorted(folders, key=lambda folder: len(folder.parts)), layout.database]


def _companions(database: Path) -> list[Path]:
    return [database.with_name(database.name + suffix) for suffix in ("-wal", "-shm")]


def _explained(layout: Layout, error: Exception) -> StateError:
    if isinstance(error, StateError):
        return error
    if isinstance(error, sqlite3.Error) and "locked" in str(error):
        return StateError(f"{layout.folder} is in use by a running wrangler dev or miniflare: stop it first")
    why = error.strerror if isinstance(error, OSError) and error.strerror else error
    return StateError(f"wrangler's local state in {layout.folder} failed: {why}")
