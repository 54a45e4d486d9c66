"""A state file of schema version 1, which knew no namespaces but by their entries, is upgraded when it is opened."""

import sqlite3
from pathlib import Path

import pytest

from queue_emulator.core.accounts import namespace_of
from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import StateError
from queue_emulator.kv.sqlite import APPLICATION_ID, SCHEMA_VERSION, SqliteCatalogue
from tests.kv.opening import opened

pytestmark = pytest.mark.anyio

VERSION_1 = """
CREATE TABLE entry (
    version      INTEGER PRIMARY KEY,
    namespace    TEXT    NOT NULL,
    key          BLOB    NOT NULL,
    written_ms   INTEGER NOT NULL,
    expiration_s INTEGER,
    metadata     TEXT,
    deleted      INTEGER NOT NULL CHECK (deleted = (value IS NULL)),
    value        BLOB,
    UNIQUE (namespace, key)
);
CREATE INDEX entry_listing ON entry (namespace, key, written_ms, expiration_s, metadata, deleted);
CREATE INDEX entry_expiring ON entry (namespace, expiration_s) WHERE expiration_s IS NOT NULL;
CREATE INDEX entry_deleted ON entry (namespace, written_ms) WHERE deleted;
"""
ROWS = [
    (1, "CACHE", b"a", 5, 60, '{"m":1}', False, b"\x00value"),
    (2, "CACHE", b"b", 6, None, None, True, None),
    (3, "SESSIONS", b"a", 7, None, None, False, b""),
]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file as version 1 laid it out, with two namespaces."""
    path = tmp_path / "state.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_1)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 1")
    connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)", ROWS)
    connection.commit()
    connection.close()
    return path


def looked_at(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    rows = connection.execute(sql).fetchall()
    connection.close()
    return rows


async def test_its_entries_stay_and_its_namespaces_are_known(old: Path) -> None:
    catalogue = await SqliteCatalogue.open(old)
    try:
        assert await catalogue.namespaces() == [namespace_of("CACHE"), namespace_of("SESSIONS")]
        assert await catalogue.store("CACHE").read([b"a", b"b"]) == [
            Entry(b"a", b"\x00value", 1, 5, 60, '{"m":1}'),
            Entry(b"b", None, 2, 6),
        ]
        assert await catalogue.store("SESSIONS").read([b"a"]) == [Entry(b"a", b"", 3, 7)]
    finally:
        await catalogue.close()
    assert looked_at(old, "PRAGMA user_version") == [(SCHEMA_VERSION,)]


async def test_it_is_laid_out_as_a_new_file_is(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite"
    for path in (old, new):
        async with opened(path) as store:
            await store.write([Entry(b"c", b"v", 4, 8)])
    names = "SELECT type, name, tbl_name FROM sqlite_master ORDER BY name"
    assert looked_at(old, names) == looked_at(new, names)
    columns = "SELECT name, type, \"notnull\", pk FROM pragma_table_info('{}')"
    for table in ("entry", "namespace"):
        assert looked_at(old, columns.format(table)) == looked_at(new, columns.format(table))


async def test_an_upgrade_that_fails_changes_nothing(old: Path) -> None:
    connection = sqlite3.connect(old)
    connection.execute("CREATE TABLE namespace (name TEXT PRIMARY KEY)")
    connection.commit()
    connection.close()
    before = looked_at(old, "SELECT name, sql FROM sqlite_master ORDER BY name")
    with pytest.raises(StateError, match="cannot use state file"):
        await SqliteCatalogue.open(old)
    assert looked_at(old, "SELECT name, sql FROM sqlite_master ORDER BY name") == before
    assert looked_at(old, "PRAGMA user_version") == [(1,)]
    assert looked_at(old, "SELECT * FROM entry") == ROWS
