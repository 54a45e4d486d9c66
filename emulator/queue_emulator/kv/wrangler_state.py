"""Wrangler's local KV: read from a copy while `wrangler dev` may run, written as a whole while nothing else does.

A row names the blob of its value. Blobs are written first and removed last, so that no row ever names one that is not
there. Beside kv/sqlite.py the only one that speaks SQL.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import NamedTuple

from queue_emulator.core.clock import Clock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import StateError
from queue_emulator.core.limits import VALUE_BYTES_MAX
from queue_emulator.core.options import PutRequest
from queue_emulator.kv.folder import Folder, check_size
from queue_emulator.kv.foreign_database import COMPANIONS, check_schema, copied, is_empty, locked
from queue_emulator.kv.wrangler_layout import ALARMS, BLOB_ID, Layout, OpenLayout, open_layout, take_back

_COPIES_MAX = 20  # of a database that is written to while it is read
_CELL_BYTES_MAX = 1 << 20  # keys have 512 bytes at most, metadata 1024
_MISSING_MAX = 100_000
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


class _Row(NamedTuple):
    key: bytes
    blob_id: str
    expiration_ms: int | None
    metadata: bytes | None


def read_rows(layout: Layout) -> Iterator[StoredRow]:
    """All rows in key order, from a copy of the database; the values from where they lie.

    A value that was replaced since the copy was made is looked up in a new one; None is what then still cannot be read.
    Raises StateError before the first row if a row or a file is none of miniflare's.
    """
    missing: set[bytes] | None = None
    with _opened(layout) as folders:
        for _ in range(_COPIES_MAX):
            found, again = missing, set[bytes]()
            with copied(folders.objects, layout.database_name) as database:
                if is_empty(database):  # whoever made it was killed before it made the table
                    return
                _check(database, reading=True)
                if found is None:
                    _check_blobs(database, folders.blobs)
                for row in _rows(database):
                    if found is not None and row.key not in found:
                        continue
                    value = _blob(folders.blobs, row.blob_id)
                    if value is None:
                        _add(again, row.key)
                    else:
                        yield StoredRow(row.key, value, row.expiration_ms, row.metadata)
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
        self._locks: list[sqlite3.Connection] = []
        self._owned = False
        with _explaining(layout):
            self._folders = open_layout(layout, make=True)
            try:
                self._blobs = self._take()
            except BaseException:
                self._undo()
                raise

    def _take(self) -> Folder:
        """The databases, and then the folder of the values, which others may be about to use until they are ours."""
        objects, name = self._folders.objects, self._layout.database_name
        if objects.file(ALARMS) is not None:
            self._locks.append(locked(objects, ALARMS))
        self._database = locked(objects, name, make=True)
        self._locks.append(self._database)
        self._owned = is_empty(self._database)
        self._prepare()
        self._folders = self._folders.with_values(self._layout)
        assert self._folders.blobs is not None
        return self._folders.blobs

    def write(self, requests: Sequence[PutRequest]) -> None:
        """Values into blobs, then the rows that name them, in the transaction that `finish` ends."""
        with _explaining(self._layout):
            for request in requests:
                blob_id = self._blob_id()
                self._database.execute("INSERT INTO written VALUES (?)", (blob_id,))
                self._blobs.write(blob_id, request.value)
                key, expiration_s = request.key.decode(), request.expiration_s
                expiration_ms = None if expiration_s is None else expiration_s * 1000
                self._database.execute(_REPLACED, (key,))
                self._database.execute(_WRITE, (key, blob_id, expiration_ms, request.metadata))

    def finish(self) -> None:
        """Make it visible, then remove the values that nothing names any more."""
        with _explaining(self._layout):
            replaced = self._ids("replaced")
            self._database.execute("COMMIT")
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
        """Raises StateError for a database that is not as miniflare makes it, before anything is changed in it."""
        if not self._owned:
            _check(self._database)
            _check_blobs(self._database, self._folders.blobs)
        for statement in (*_SCHEMA, *_OUR_NOTES):
            self._database.execute(statement)

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
                self._blobs.unlink(blob_id)

    def _undo(self) -> None:
        """Remove what was made, and close: only who has the database to himself removes it, before he gives it up."""
        take_back(self._folders.values)
        if self._owned:
            for suffix in ("", *COMPANIONS):
                with suppress(OSError):
                    self._folders.objects.unlink(self._layout.database_name + suffix)
        if self._owned or self._folders.objects.file(self._layout.database_name) is None:
            take_back(self._folders.databases)
        self._close()

    def _close(self) -> None:
        for connection in self._locks:
            with suppress(sqlite3.Error):
                connection.close()
        self._folders.close()


_READ = """
    SELECT CAST(key AS BLOB), CAST(blob_id AS BLOB), expiration, CAST(metadata AS BLOB), typeof(key), typeof(blob_id)
    FROM _mf_entries INDEXED BY sqlite_autoindex__mf_entries_1 ORDER BY key
"""
_WRITE = "INSERT OR REPLACE INTO _mf_entries (key, blob_id, expiration, metadata) VALUES (?, ?, ?, ?)"
_REPLACED = "INSERT INTO replaced SELECT blob_id FROM _mf_entries WHERE key = ?"


def check_free(layout: Layout) -> None:
    """Raises StateError if a running workerd has the databases, or if they are none of miniflare's; changes nothing."""
    with _explaining(layout):
        try:
            folders = open_layout(layout)
        except FileNotFoundError:
            return
        try:
            for name in (ALARMS, layout.database_name):
                if folders.objects.file(name) is None:
                    continue
                with closing(locked(folders.objects, name)) as database:
                    if name != ALARMS and not is_empty(database):
                        _check(database)
                        _check_blobs(database, folders.blobs)
        finally:
            folders.close()


def _check(database: sqlite3.Connection, *, reading: bool = False) -> None:
    """Raises StateError for another database than miniflare's; columns that it may get are no obstacle to reading."""
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _CELL_BYTES_MAX)
    check_schema(database, "_mf_entries")
    columns = [row[1] for row in database.execute("PRAGMA table_info(_mf_entries)")]
    known = columns[: len(_COLUMNS)] if reading else columns
    ((encoding,),) = database.execute("PRAGMA encoding")
    if known != _COLUMNS or encoding != "UTF-8":
        raise StateError(
            f"it does not have the format of miniflare 4: its columns are {columns}, its encoding is {encoding}"
        )


def _check_blobs(database: sqlite3.Connection, blobs: Folder | None) -> None:
    """Every row and the file that it names, without reading that: nothing is done before all are known to be good."""
    for row in _rows(database):
        found = None if blobs is None else blobs.file(row.blob_id)
        if blobs is not None and found is not None:
            check_size(blobs.path / row.blob_id, found.st_size, VALUE_BYTES_MAX)


def _rows(database: sqlite3.Connection) -> Iterator[_Row]:
    """In key order; raises StateError at one that miniflare cannot have written: SQLite holds no column to its type.

    In order also means: to an end. Pages of a database that lead in a circle give no rows for ever.
    """
    last: bytes | None = None
    for key, blob_id, expiration_ms, metadata, *kinds in database.execute(_READ):
        named = repr(key[:80]) if isinstance(key, bytes) else "null"
        if kinds != ["text", "text"] or not isinstance(expiration_ms, int | None):
            raise StateError(
                f"the row of key {named} was not written by miniflare: {', '.join(kinds)}, {expiration_ms!r}"
            )
        if not BLOB_ID.fullmatch(blob_id):
            raise StateError(f"the row of key {named} names the blob {blob_id[:100]!r}, which is not 80 hex digits")
        if last is not None and key <= last:
            raise StateError(f"the database is damaged: the row of key {named} is in the wrong order")
        last = key
        yield _Row(key, blob_id.decode(), expiration_ms, metadata)


def _blob(blobs: Folder | None, blob_id: str) -> bytes | None:
    if blobs is None:
        return None
    try:
        with blobs.reading(blob_id, VALUE_BYTES_MAX) as file:
            return file.read(VALUE_BYTES_MAX)
    except OSError:
        return None


def _add(missing: set[bytes], key: bytes) -> None:
    if len(missing) == _MISSING_MAX:
        raise StateError(f"the files of more than {_MISSING_MAX:,} values cannot be read")
    missing.add(key)


@contextmanager
def _opened(layout: Layout) -> Iterator[OpenLayout]:
    with _explaining(layout):
        folders = open_layout(layout)
        try:
            yield folders
        finally:
            folders.close()


@contextmanager
def _explaining(layout: Layout) -> Iterator[None]:
    """Turns what goes wrong there into a StateError in one line."""
    try:
        yield
    except (OSError, sqlite3.Error, StateError) as error:
        if isinstance(error, sqlite3.Error) and "locked" in str(error):
            raise StateError(
                f"{layout.folder} is in use by a running wrangler dev or miniflare: stop it first"
            ) from None
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise StateError(f"wrangler's local state in {layout.folder} failed: {why}") from None
    except UnicodeDecodeError:  # in the place of what SQLite says, which repeats a name of a damaged schema
        raise StateError(
            f"wrangler's local state in {layout.folder} failed: its schema has a name that is not UTF-8"
        ) from None
