"""Which state file a log belongs to: each log begins with a new stamp, and with the one that its file had until then.

A process that is killed leaves its log beside the file. If another file has come into its place meanwhile, such as a
copy from before, SQLite would read the log as that one's: it would hide that file's data, or make a mixture of both.
The stamp is a row, so it gets into the file with all else that the log has. A file belongs to a log that has its stamp.
"""

import os
import sqlite3
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from urllib.parse import quote

from queue_emulator.core.errors import StateError
from queue_emulator.kv.folder import Folder
from queue_emulator.kv.foreign_database import LOG, check_schema, distrust

TABLE = "log_stamp"
MAKE = f"""
    CREATE TABLE IF NOT EXISTS {TABLE} (number INTEGER PRIMARY KEY, stamp BLOB NOT NULL, before BLOB NOT NULL)
"""
RENEW = f"""
    INSERT INTO {TABLE} (number, stamp, before) VALUES (1, randomblob(16), zeroblob(16))
    ON CONFLICT (number) DO UPDATE SET before = stamp, stamp = randomblob(16)
"""  # noqa: S608
OF_ANOTHER = ".log-of-the-file-before"
_READ = f"SELECT stamp, before FROM {TABLE} WHERE number = 1"  # noqa: S608
_BYTES = 16
_NONE = bytes(_BYTES)

# The row in a page of its own: a leaf of a table with one cell, whose payload has 36 bytes and the row's number 1; then
# how long the record's header is, and its types: NULL for the number, two of 16 bytes.
# https://www.sqlite.org/fileformat2.html, "B-tree Pages" and "Record Format"
_LEAF, _ONE_CELL, _CELL = 0x0D, b"\0\1", b"\x24\x01\x04\x00\x2c\x2c"


def renew(connection: sqlite3.Connection) -> frozenset[bytes]:
    """Stamp the log; which stamps it has then. The connection is in no transaction."""
    connection.execute(MAKE)
    connection.execute(RENEW)
    return frozenset(connection.execute(_READ).fetchone())


def stamps_in(page: bytes) -> frozenset[bytes]:
    """Those of the row, if this page of a database is the one that has it."""
    if page[0] != _LEAF or page[3:5] != _ONE_CELL:
        return frozenset()
    at = int.from_bytes(page[8:10], "big")
    first = at + len(_CELL)
    if page[at:first] != _CELL:
        return frozenset()
    return frozenset((page[first : first + _BYTES], page[first + _BYTES : first + 2 * _BYTES]))


def belongs(folder: Folder, name: str, stamps: frozenset[bytes]) -> bool:
    """Whether a log that has these stamps is one of the file as it is. One that cannot be asked is left as it is."""
    if not stamps or (found := folder.file(name)) is None:
        return True
    if found.st_size == 0:
        return False
    try:
        return _stamp_of(folder, name) in stamps
    except (sqlite3.Error, StateError):  # which opening it tells
        return True


def set_aside(folder: Folder, name: str) -> Path:
    """Give the log of another file a name of its own, and overwrite none; which it is. Raises OSError."""
    for number in count(1):
        aside = f"{name}{OF_ANOTHER}" + (f"-{number}" if number > 1 else "")
        with suppress(FileExistsError):
            folder.write(aside, b"")
            folder.replace(aside, by=name + LOG)
            break
    return folder.path / aside


def _stamp_of(folder: Folder, name: str) -> bytes:
    """What the file has without any log, and without a lock; it may be anybody's."""
    path = f"file:{quote(os.fsencode(folder.path.resolve() / name))}?mode=ro&immutable=1"
    with closing(sqlite3.connect(path, isolation_level=None, uri=True)) as connection:
        distrust(connection)
        check_schema(connection, TABLE)
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (TABLE,)).fetchone():
            return _NONE
        row = connection.execute(_READ).fetchone()
        return row[0] if row is not None else _NONE
