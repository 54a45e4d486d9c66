"""No read, page or purge of the SQLite store scans: each is answered by searching an index."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from queue_emulator.core.entries import Entry
from queue_emulator.kv import sqlite
from queue_emulator.kv.rows import of_row
from queue_emulator.kv.sqlite import SqliteStore

pytestmark = pytest.mark.anyio


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[sqlite3.Connection]:
    """The file of a store that has held a few entries of each sort."""
    store = await SqliteStore.open(tmp_path / "state.sqlite")
    try:
        await store.write(
            [Entry(b"%d" % n, None if n % 3 else b"v", n, n, n if n % 3 == 0 else None) for n in range(1, 60)]
        )
    finally:
        await store.close()
    connection = sqlite3.connect(tmp_path / "state.sqlite")
    connection.create_function("entry_checksum", 7, of_row, deterministic=True)
    yield connection
    connection.close()


def plan(connection: sqlite3.Connection, sql: str, *parameters: object) -> str:
    rows = connection.execute("EXPLAIN QUERY PLAN " + sql, parameters).fetchall()
    return "; ".join(row[3] for row in rows)


async def test_a_read_searches_by_key(connection: sqlite3.Connection) -> None:
    searched = plan(connection, sqlite._READ.format("?,?"), "CACHE", b"a", b"b")
    assert searched.startswith("SEARCH entry USING INDEX")
    assert "(namespace=? AND key=?)" in searched
    assert "SCAN" not in searched


@pytest.mark.parametrize(
    ("bound", "parameters", "range_"),
    [
        ("AND key < ?", ("CACHE", b"a", b"b", 10), "(namespace=? AND key>? AND key<?)"),
        ("", ("CACHE", b"a", 10), "(namespace=? AND key>?)"),
    ],
)
async def test_a_page_is_read_from_the_covering_index_alone_in_its_order(
    connection: sqlite3.Connection, bound: str, parameters: tuple[object, ...], range_: str
) -> None:
    searched = plan(connection, sqlite._WALK.format(bound), *parameters)
    assert searched == f"SEARCH entry USING COVERING INDEX entry_listing {range_}"


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        (sqlite._PURGE_DELETED, "entry_deleted (namespace=? AND written_ms<?)"),
        (sqlite._PURGE_EXPIRED, "entry_expiring (namespace=? AND expiration_s<?)"),
    ],
)
async def test_a_purge_searches_only_what_can_be_gone(connection: sqlite3.Connection, sql: str, index: str) -> None:
    searched = plan(connection, sql, "CACHE", 10)
    assert searched.startswith("SEARCH entry USING")
    assert index in searched
    assert "SCAN" not in searched


async def test_the_last_version_is_found_by_the_primary_key(connection: sqlite3.Connection) -> None:
    searched = plan(connection, "SELECT coalesce(max(version), 0) FROM entry")
    assert searched == "SEARCH entry"
