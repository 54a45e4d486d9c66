"""How a state file is laid out, and how one of an older version becomes one of this.

Every statement is fetched to its end: SQLite drops no table while another statement is open.

1  entries by the name of their namespace, and nothing else of namespaces
2  namespaces with id and title; entries by a name still
3  entries by a number of their namespace, whose id is what it is known by
"""

from importlib.resources import files
from pathlib import Path

import aiosqlite

from queue_emulator.core.accounts import Namespace, namespace_of
from queue_emulator.core.errors import StateError
from queue_emulator.kv.state_file import StateFile

SCHEMA_VERSION = 3
APPLICATION_ID = 0x514B5631  # "QKV1", at byte 68 of the file: https://sqlite.org/fileformat2.html


async def lay_out(connection: aiosqlite.Connection) -> None:
    """In an empty file."""
    for statement in files("queue_emulator.kv").joinpath("schema.sql").read_text().split(";\n"):
        await connection.execute_fetchall(statement)
    await connection.execute_fetchall(f"PRAGMA user_version = {SCHEMA_VERSION}")


async def upgrade(connection: aiosqlite.Connection, version: int) -> None:
    """Within the transaction of the caller: a process that dies meanwhile leaves the file as it was."""
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


def check_header(state: StateFile) -> None:
    """Raises StateError for a file that is another program's, or of a newer version."""
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
    """What a user is told of a newer file."""
    return (
        f"state file {path} has schema version {version}; this queue-emulator reads versions up to "
        f"{SCHEMA_VERSION}: upgrade queue-emulator, or name another file with --state"
    )


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
    INSERT INTO entry (version, namespace, key, written_ms, expiration_s, metadata, deleted, value)
    SELECT version, (SELECT number FROM namespace WHERE id = ?), key, written_ms, expiration_s, metadata, deleted, value
    FROM old_entry WHERE namespace = ?
"""
