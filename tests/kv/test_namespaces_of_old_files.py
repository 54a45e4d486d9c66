"""A state file of an older schema version is upgraded when it is opened, and holds what it held."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from queue_emulator.core.accounts import Namespace, namespace_of
from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import StateError
from queue_emulator.kv.schema import APPLICATION_ID, SCHEMA_VERSION
from queue_emulator.kv.sqlite import SqliteCatalogue
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
VERSION_2 = f"""{VERSION_1}
CREATE TABLE namespace (
    name         TEXT PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    title        TEXT NOT NULL UNIQUE,
    jurisdiction TEXT
);
"""
ROWS = [
    (1, "CACHE", b"a", 5, 60, '{"m":1}', False, b"\x00value"),
    (2, "CACHE", b"b", 6, None, None, True, None),
    (3, "SESSIONS", b"a", 7, None, None, False, b""),
]


CREATED = "0f2ac74b498b48028cb68387c421e279"
NAMESPACES: list[tuple[str, str, str, str | None]] = [
    ("CACHE", namespace_of("CACHE").id, "renamed", None),
    (CREATED, CREATED, "created", "eu"),
    ("SESSIONS", namespace_of("SESSIONS").id, "SESSIONS", None),
]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file as version 1 laid it out, with two namespaces."""
    return laid_out(tmp_path / "state.sqlite", 1, VERSION_1, ROWS)


@pytest.fixture
def version_2(tmp_path: Path) -> Path:
    """A file as version 2 laid it out, with three namespaces, and an entry of one that was deleted meanwhile."""
    path = laid_out(tmp_path / "state.sqlite", 2, VERSION_2, [*ROWS, (9, "gone", b"k", 7, None, None, False, b"late")])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("INSERT INTO namespace VALUES (?, ?, ?, ?)", NAMESPACES)
    return path


def laid_out(path: Path, version: int, schema: str, rows: Sequence[tuple[object, ...]]) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(schema)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
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
        assert await catalogue.store(namespace_of("CACHE").id).read([b"a", b"b"]) == [
            Entry(b"a", b"\x00value", 1, 5, 60, '{"m":1}'),
            Entry(b"b", None, 2, 6),
        ]
        assert await catalogue.store(namespace_of("SESSIONS").id).read([b"a"]) == [Entry(b"a", b"", 3, 7)]
    finally:
        await catalogue.close()
    assert looked_at(old, "PRAGMA user_version") == [(SCHEMA_VERSION,)]


async def test_namespaces_of_version_2_are_known_by_their_ids_and_have_their_titles_and_entries(
    version_2: Path,
) -> None:
    catalogue = await SqliteCatalogue.open(version_2)
    try:
        assert await catalogue.namespaces() == [
            Namespace(id, title, jurisdiction) for _, id, title, jurisdiction in NAMESPACES
        ]
        found = {name: await catalogue.store(id).walk(b"", None, 10) for name, id, *_ in NAMESPACES}
        assert {name: [row.key for row in rows] for name, rows in found.items()} == {
            "CACHE": [b"a", b"b"],
            CREATED: [],
            "SESSIONS": [b"a"],
        }
        assert await catalogue.store(namespace_of("CACHE").id).last_version() == 3
    finally:
        await catalogue.close()
    assert looked_at(version_2, "SELECT count(*) FROM entry") == [(3,)]


async def test_an_emulator_of_before_sees_at_once_that_the_file_is_too_new(version_2: Path) -> None:
    catalogue = await SqliteCatalogue.open(version_2)
    try:
        header = await asyncio.to_thread(version_2.read_bytes)  # all that it looks at, also while the file is in use
        assert int.from_bytes(header[60:64], "big") == SCHEMA_VERSION
    finally:
        await catalogue.close()


async def test_a_file_whose_log_is_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path, copied = tmp_path / "state.sqlite", tmp_path / "copied.sqlite"
    async with opened(path):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
        copied.write_bytes(path.read_bytes())
        copied.with_name("copied.sqlite-wal").write_bytes(path.with_name("state.sqlite-wal").read_bytes())
    with pytest.raises(
        StateError, match=f"has schema version {SCHEMA_VERSION + 1}; .* reads versions up to {SCHEMA_VERSION}"
    ):
        await SqliteCatalogue.open(copied)


@pytest.mark.parametrize("version", ["old", "version_2"])
async def test_it_is_laid_out_as_a_new_file_is(version: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    old, new = request.getfixturevalue(version), tmp_path / "new.sqlite"
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
