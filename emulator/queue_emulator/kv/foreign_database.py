"""SQLite databases that somebody else may have made: looked at before SQLite opens them, and again before a query.

What a database file may bring with it: a rollback journal that names another file, which SQLite then removes
(https://www.sqlite.org/fileformat2.html, "The Super-Journal"); triggers, views and generated columns, which run when a
table is used; cells and pages of any size and order. A table here is a plain table, or it is refused.
"""

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from queue_emulator.core.errors import StateError
from queue_emulator.kv.folder import Folder, check_size, private_folder

LOG, _JOURNAL = "-wal", "-journal"
COMPANIONS = (LOG, "-shm", _JOURNAL)
_COPIED = ("", LOG, _JOURNAL)
_BUSY_S = 0.5  # how long opening waits for a process that is just closing the file
_JOURNAL_END = bytes.fromhex("d9d505f920a163d7")  # of a journal that names a super-journal
_BYTES_MAX = 4 << 30  # of a database to be copied: room for some ten million keys
_COPIES_MAX = 20  # attempts at a copy that nobody wrote to meanwhile
_CHUNK_BYTES = 1 << 20
_PLAIN = re.compile(r"create\s+(table|(unique\s+)?index)\s", re.IGNORECASE)
_EXPRESSION = -2  # https://www.sqlite.org/pragma.html#pragma_index_info


def locked(folder: Folder, name: str, *, make: bool = False) -> sqlite3.Connection:
    """As `_locked`. Of those who make a database at once each would be in the way of all others: they take turns."""
    if not make:
        return _locked(folder, name, make=False)
    with folder.turn():
        return _locked(folder, name, make=True)


def _locked(folder: Folder, name: str, *, make: bool) -> sqlite3.Connection:
    """A connection that has the database to itself, in a transaction: a running workerd holds a lock of its own.

    With `make` a database that is not there is made. Raises StateError, OSError or sqlite3.Error.
    """
    if make and folder.file(name) is None:
        _check_files(folder, name)  # a companion that is refused leaves no empty database beside it
        with suppress(FileExistsError):  # somebody else has just made it
            folder.write(name, b"")
    before = folder.file(name)
    connection = connect(folder, name)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        check_same(connection, folder, name, before)
        if make and is_empty(connection):
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = WAL")  # as workerd makes it
            connection.execute("BEGIN EXCLUSIVE")
    except BaseException:
        connection.close()
        raise
    return connection


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether nothing has been made in the database yet."""
    return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None


def connect(folder: Folder, name: str, *, check_same_thread: bool = True) -> sqlite3.Connection:
    """A connection to a database that is there, after a look at it and its companions."""
    _check_files(folder, name)
    path = f"file:{quote(os.fsencode(folder.path.resolve() / name))}?mode=rw"  # which never makes one
    connection = sqlite3.connect(
        path, isolation_level=None, timeout=_BUSY_S, uri=True, check_same_thread=check_same_thread
    )
    distrust(connection)
    return connection


def check_same(connection: sqlite3.Connection, folder: Folder, name: str, before: os.stat_result | None) -> None:
    """Raises sqlite3.Error unless SQLite opened the file that was looked at before, and that is still there."""
    path = folder.path.resolve() / name
    ((opened,),) = connection.execute("SELECT CAST(file AS BLOB) FROM pragma_database_list")  # it need not be text
    after = folder.file(name)
    same = before is not None and after is not None and os.path.samestat(before, after)
    if not same or opened != os.fsencode(path) or not folder.still_at(path.parent):
        raise sqlite3.OperationalError("locked: the process that used it has just removed it")


@contextmanager
def copied(folder: Folder, name: str) -> Iterator[sqlite3.Connection]:
    """A copy of the database with its write-ahead log, as it was at one moment; raises as `locked` does."""
    with private_folder() as temporary:
        copy = temporary / "copy.sqlite"
        _copy(folder, name, copy)
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            distrust(connection)
            yield connection


def distrust(connection: sqlite3.Connection) -> None:
    """Let a schema call no function that does more than to compute, and attach nothing."""
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)


def check_schema(connection: sqlite3.Connection, *tables: str) -> None:
    """Raises StateError if using these tables does more than to read and write their rows."""
    for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master"):
        if sql is not None and not _PLAIN.match(str(sql)):
            raise StateError(
                f"its schema has {str(name)[:80]!r}, of the kind {str(kind)[:80]!r}: only plain tables and indexes "
                "are allowed"
            )
    for table in tables:
        if any(hidden for *_, hidden in connection.execute(f"PRAGMA table_xinfo({table})")):
            raise StateError(f"its table {table} has computed columns")
        for _, index, *_ in connection.execute(f"PRAGMA index_list({table})").fetchall():
            columns = connection.execute("SELECT cid FROM pragma_index_xinfo(?)", (index,)).fetchall()
            if (_EXPRESSION,) in columns:
                raise StateError(f"its index {str(index)[:80]!r} has computed columns")


def _check_files(folder: Folder, name: str) -> None:
    """Raises StateError for a database, or a companion of it, that leads to another file."""
    for each in (name, *(name + suffix for suffix in COMPANIONS)):
        found = folder.file(each)
        if found is not None:
            check_size(folder.path / each, found.st_size, _BYTES_MAX)
    _check_journal(folder, name)


def _check_journal(folder: Folder, name: str) -> None:
    with suppress(FileNotFoundError), folder.reading(name + _JOURNAL, _BYTES_MAX) as journal:
        journal.seek(-min(journal.seek(0, os.SEEK_END), len(_JOURNAL_END)), os.SEEK_END)
        if journal.read() == _JOURNAL_END:
            raise StateError(f"{folder.path / name}{_JOURNAL} refers to another file, which SQLite would delete")


def _copy(folder: Folder, name: str, copy: Path) -> None:
    """Copy database, log and journal until all are still the same afterwards: then they were so at one moment.

    That is what a process leaves that is killed then, and what SQLite starts from. No lock is taken, nothing touched.
    """
    for _ in range(_COPIES_MAX):
        _check_journal(folder, name)
        made = [_copied_file(folder, name + suffix, copy.with_name(copy.name + suffix)) for suffix in _COPIED]
        if made == [_digest(folder, name + suffix) for suffix in _COPIED]:
            if made[0] is None:
                raise FileNotFoundError(2, "No such file or directory")
            return
    raise StateError(
        f"{folder.path / name} changed while it was copied, several times: stop wrangler dev, or try again"
    )


def _copied_file(folder: Folder, name: str, copy: Path) -> bytes | None:
    """The digest of what was copied; None if there is nothing."""
    copy.unlink(missing_ok=True)
    try:
        with folder.reading(name, _BYTES_MAX) as original, copy.open("wb") as into:
            shutil.copyfileobj(original, into, _CHUNK_BYTES)
    except FileNotFoundError:
        return None
    with copy.open("rb") as made:
        return _digest_of(made)


def _digest(folder: Folder, name: str) -> bytes | None:
    try:
        with folder.reading(name, _BYTES_MAX) as file:
            return _digest_of(file)
    except FileNotFoundError:
        return None


def _digest_of(file: BinaryIO) -> bytes:
    digest = blake2b()
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.digest()
