"""How a state file is laid out, and how one of an older version becomes one of this.

Every statement is fetched to its end: SQLite drops no table while another statement is open.

1  entries by the name of their namespace, and nothing else of namespaces
2  namespaces with id and title; entries by a name still
3  entries by a number of their namespace, whose id is what it is known by
4  large values in parts
5  checksums
"""

import sqlite3
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import aiosqlite

from queue_emulator.core.accounts import Namespace, namespace_of
from queue_emulator.core.errors import StateError
from queue_emulator.core.shown import one_line
from queue_emulator.kv.checksums import of_part
from queue_emulator.kv.foreign_database import check_schema
from queue_emulator.kv.large_values import TABLE, divide, drop_unused
from queue_emulator.kv.log_stamp import MAKE, RENEW
from queue_emulator.kv.log_stamp import TABLE as STAMP
from queue_emulator.kv.rows import ROW_CHECKSUM, of_row
from queue_emulator.kv.staging import CACHE, TABLES, finish_staged
from queue_emulator.kv.state_file import StateFile
from queue_emulator.kv.write_ahead_log import LOG_PAGES

APPLICATION_ID = 0x514B5631  # "QKV1", at byte 68 of the file: https://sqlite.org/fileformat2.html
SCHEMA_VERSION = 5
_NUMBERED, _IN_PARTS = 3, 4
CHECKED_WHOLE_BYTES_MAX = 16 << 20  # a third of a second, for some thirty thousand entries
_SHOWN_MAX = 200
# Some builds of SQLite, as Debian's, overwrite what is deleted: a large value is written twice, and to drop a table
# takes room in the log, which a full disk has not. https://www.sqlite.org/pragma.html#pragma_secure_delete
_SETTINGS = (
    "journal_mode = WAL",
    "foreign_keys = ON",
    "synchronous = NORMAL",
    "secure_delete = OFF",
    f"wal_autocheckpoint = {LOG_PAGES}",
    "journal_size_limit = 0",  # nothing older stands behind a log's end
)
_VERSION_MAX = 1 << 62  # there is none after the last that SQLite holds


def check_header(state: StateFile) -> None:
    """Raises StateError for a file that is none of these, or of a newer version."""
    path, header = state.path, state.header(100)
    if header == b"":
        return
    application_id = int.from_bytes(header[68:72], "big")
    if header[:16] != b"SQLite format 3\0" or application_id != APPLICATION_ID:
        raise StateError(f"{path} is not a state file of queue-emulator; name another with --state")
    schema_version = int.from_bytes(header[60:64], "big")
    if schema_version > SCHEMA_VERSION:
        raise StateError(too_new(path, schema_version))


def too_new(path: Path, version: int) -> str:
    """Why it is refused."""
    return (
        f"state file {path} has schema version {version}; this queue-emulator reads versions up to "
        f"{SCHEMA_VERSION}: upgrade queue-emulator, or name another file with --state"
    )


async def prepare(connection: aiosqlite.Connection, database: sqlite3.Connection, state: StateFile) -> bool:
    """Take the file, lay it out or bring it to this version, and set how SQLite works on it; as `check_whole`."""
    state.take(database)
    check_schema(database, "entry", "namespace", STAMP, TABLE, *TABLES)
    database.create_function("entry_checksum", 7, of_row, deterministic=True)
    database.create_function("part_checksum", 3, of_part, deterministic=True)
    checked = await check_whole(connection)
    version = await _bring_up(connection, state)
    await finish_staged(connection)
    ((last,),) = await connection.execute_fetchall("SELECT coalesce(max(version), 0) FROM entry")
    if last > _VERSION_MAX:
        raise StateError(f"its last version is {last}; the highest possible is {_VERSION_MAX}")
    if version < _IN_PARTS:
        await divide(connection)
    await drop_unused(connection)
    await connection.execute_fetchall("COMMIT")
    if version < SCHEMA_VERSION:  # an older emulator looks into the header, not into a log
        await connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
    for statement in _SETTINGS:
        await connection.execute_fetchall(f"PRAGMA {statement}")
    await connection.execute_fetchall(CACHE)
    return checked


async def _bring_up(connection: aiosqlite.Connection, state: StateFile) -> int:
    """Lay out a new file, upgrade an older one; which version it had. In the transaction of the caller."""
    rows = list(await connection.execute_fetchall("SELECT count(*) FROM sqlite_master"))
    if rows[0][0] == 0:
        await lay_out(connection)
        await connection.execute_fetchall(f"PRAGMA application_id = {APPLICATION_ID}")
    await connection.execute_fetchall("SELECT version, namespace, key, deleted FROM entry LIMIT 1")
    ((version,),) = await connection.execute_fetchall("PRAGMA user_version")
    if version > SCHEMA_VERSION:  # the header is older than the log beside it
        raise StateError(too_new(state.path, version))
    if version < SCHEMA_VERSION:
        await upgrade(connection, version)
    return int(version)


async def check_whole(connection: aiosqlite.Connection) -> bool:
    """Raises StateError for a file whose tables and indexes do not belong together: it would seem to lack entries.

    Of a large file it takes long, and is left to `kv/whole.py`: False. What stands under a key is checked when it is
    read, in any file.
    """
    ((size_bytes,),) = await connection.execute_fetchall(_SIZE)
    if size_bytes > CHECKED_WHOLE_BYTES_MAX:
        return False
    ((found, *_), *_) = await connection.execute_fetchall("PRAGMA integrity_check(1)")
    if found != "ok":
        what = one_line(" ".join(str(found).split()))[:_SHOWN_MAX]
        raise StateError(f"it is damaged ({what}); restore it from a copy, or name another file with --state")
    return True


async def lay_out(connection: aiosqlite.Connection) -> None:
    """What is not there yet."""
    for statement in files("queue_emulator.kv").joinpath("schema.sql").read_text().split(";\n"):
        await connection.execute_fetchall(statement)
    for statement in (MAKE, RENEW):
        await connection.execute_fetchall(statement)
    await connection.execute_fetchall(f"PRAGMA user_version = {SCHEMA_VERSION}")


async def upgrade(connection: aiosqlite.Connection, version: int) -> None:
    """Within the transaction of the caller: a process that dies meanwhile leaves the file as it was.

    What an emulator that died had put aside, from version 3 on, is put aside still; large values are whole until then.
    """
    tables = [table for (table,) in await connection.execute_fetchall(_HAVING_CHECKSUMS)]
    for table in tables:
        if table != TABLE:
            await connection.execute_fetchall(_OF_THEIR_TYPES.format(table))
    if version < _NUMBERED:
        await _number(connection, version)
    else:
        await _add_checksums(connection, tables)


async def _add_checksums(connection: aiosqlite.Connection, tables: Sequence[str]) -> None:
    """To the tables that there are; version 3 has no parts."""
    for table in tables:
        await connection.execute_fetchall(f"ALTER TABLE {table} ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0")
    await lay_out(connection)
    for table in tables:
        await connection.execute_fetchall(_PART_CHECKSUM if table == TABLE else _ENTRY_CHECKSUM.format(table))


async def _number(connection: aiosqlite.Connection, version: int) -> None:
    """Give the namespaces of a file in which entries have them by a name their numbers."""
    names = await _names(connection, version)
    for statement in _PUT_ASIDE:
        await connection.execute_fetchall(statement)
    if version >= 2:
        await connection.execute_fetchall("ALTER TABLE namespace RENAME TO old_namespace")
    await lay_out(connection)
    for name, each in names:
        await connection.execute_fetchall(INSERT_NAMESPACE, (each.id, each.title, each.jurisdiction))
        await connection.execute_fetchall(_TAKE_OVER, (each.id, name))
    await connection.execute_fetchall("DROP TABLE old_entry")
    if version >= 2:
        await connection.execute_fetchall("DROP TABLE old_namespace")


async def _names(connection: aiosqlite.Connection, version: int) -> list[tuple[str, Namespace]]:
    """By the name that entries have it under, each namespace; entries of a deleted one are under none."""
    if version == 1:
        names = await connection.execute_fetchall("SELECT DISTINCT namespace FROM entry ORDER BY namespace")
        return [(name, namespace_of(name)) for (name,) in names]
    rows = await connection.execute_fetchall("SELECT name, id, title, jurisdiction FROM namespace ORDER BY rowid")
    return [(name, Namespace(id, title, jurisdiction)) for name, id, title, jurisdiction in rows]


INSERT_NAMESPACE = "INSERT INTO namespace (id, title, jurisdiction) VALUES (?, ?, ?)"
_PUT_ASIDE = (
    "DROP INDEX IF EXISTS entry_listing",
    "DROP INDEX IF EXISTS entry_expiring",
    "DROP INDEX IF EXISTS entry_deleted",
    "ALTER TABLE entry RENAME TO old_entry",
)
_TAKE_OVER = """
    INSERT INTO entry (version, namespace, key, written_ms, expiration_s, metadata, deleted, value, checksum)
    SELECT version, number, key, written_ms, expiration_s, metadata, deleted, value,
        entry_checksum(number, key, written_ms, expiration_s, CAST(metadata AS BLOB), value, 0)
    FROM old_entry, (SELECT number FROM namespace WHERE id = ?) WHERE namespace = ?
"""
_HAVING_CHECKSUMS = "SELECT name FROM sqlite_master WHERE name IN ('entry', 'staged', 'part')"
_OF_THEIR_TYPES = """
    UPDATE {} SET value = CAST(value AS BLOB), written_ms = CAST(written_ms AS INTEGER),
        expiration_s = CAST(expiration_s AS INTEGER), metadata = CAST(metadata AS TEXT)
    WHERE typeof(value) IN ('text', 'real') OR typeof(written_ms) <> 'integer'
        OR typeof(expiration_s) NOT IN ('integer', 'null') OR typeof(metadata) NOT IN ('text', 'null')
"""
_PART_CHECKSUM = "UPDATE part SET checksum = part_checksum(value, number, content)"
_ENTRY_CHECKSUM = f"UPDATE {{0}} SET checksum = {ROW_CHECKSUM}"  # noqa: S608
_SIZE = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
