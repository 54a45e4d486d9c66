"""A large value is kept in parts: others go on between them, it is there whole or not at all, and nothing is left."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from msgspec import structs

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import NamespaceError, ResetError, StateError
from queue_emulator.core.options import PutRequest
from queue_emulator.core.wire_names import API_LOCATION as API
from queue_emulator.kv.large_values import PART_BYTES
from queue_emulator.kv.schema import SCHEMA_VERSION
from queue_emulator.kv.service import KVService
from queue_emulator.kv.sqlite import SqliteStore
from tests.kv.opening import opened

pytestmark = pytest.mark.anyio

PARTS = 4


def value(letter: bytes, parts: float = PARTS - 0.5) -> bytes:
    return letter * int(parts * PART_BYTES)


def large(letter: bytes, version: int, key: bytes = b"k") -> Entry:
    return Entry(key, value(letter), version, 5, 4_000_000_000, '{"m":1}')


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


def parts_in(path: Path) -> int:
    """How many there are in a file that is closed."""
    with closing(sqlite3.connect(path)) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM part")
    return int(count)


async def dropped(store: SqliteStore) -> int:
    """How many parts there are when nothing is left to drop."""
    while store._file.large._unused:
        await store._file.ask("SELECT 1", ())
    ((count,),) = await store._file.ask("SELECT count(*) FROM part", ())
    return int(count)


@pytest.mark.parametrize("size_bytes", [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES, 3_500_000])
async def test_it_is_read_as_it_was_written(path: Path, size_bytes: int) -> None:
    entry = Entry(b"k", (b"0123456789" * (size_bytes // 10 + 1))[:size_bytes], 1, 5, 60, '{"m":1}')
    async with opened(path) as store:
        await store.write([entry])
        assert await store.read([b"k", b"absent"]) == [entry, None]
    async with opened(path) as store:
        assert await store.read([b"k"]) == [entry]
        assert [row.expiration_s for row in await store.walk(b"", None, 9)] == [60]
    assert parts_in(path) == (-(-size_bytes // PART_BYTES) if size_bytes > PART_BYTES else 0)


async def test_others_write_and_read_between_its_parts(path: Path) -> None:
    async with opened(path) as store:
        writing = asyncio.ensure_future(store.write([large(b"a", 1)]))
        between = 0
        while not writing.done():
            await store.write([Entry(b"small", b"%d" % between, 2 + between, 0)])
            assert await store.read([b"k"]) in ([None], [large(b"a", 1)])
            between += 1
        await writing
        reading = asyncio.ensure_future(store.read([b"k"]))
        beside = 0
        while not reading.done():
            await store.write([Entry(b"small", b"v", 100 + between + beside, 0)])
            beside += 1
    assert between >= PARTS
    assert beside >= PARTS - 1
    assert reading.result() == [large(b"a", 1)]


Drop = Callable[[SqliteStore], Awaitable[object]]


async def remove(store: SqliteStore) -> None:
    catalogue = store.catalogue()
    (namespace,) = await catalogue.namespaces()
    await catalogue.remove(namespace.id)


async def reset(store: SqliteStore) -> None:
    await store.catalogue().reset(await store.catalogue().namespaces())


async def staged(store: SqliteStore, *entries: Entry) -> None:
    """A write of several steps."""
    drafts = [[structs.replace(entry, version=number)] for number, entry in enumerate(entries, 1)]
    prepared = await store.stage(drafts)
    await prepared.write(entries)
    await prepared.end()


REPLACED: dict[str, tuple[Drop, int]] = {
    "a small value": (lambda store: store.write([Entry(b"k", b"small", 9, 0)]), PARTS),
    "a deletion": (lambda store: store.write([Entry(b"k", None, 9, 0)]), PARTS),
    "a large value": (lambda store: store.write([large(b"b", 9)]), 2 * PARTS),
    "small values at once": (lambda store: store.write([Entry(b"k", b"", 9, 0), Entry(b"l", b"", 10, 0)]), PARTS),
    "a long write": (lambda store: staged(store, large(b"b", 9), Entry(b"l", b"", 10, 0)), 2 * PARTS),
    "a long write of small values": (
        lambda store: staged(store, Entry(b"k", b"", 9, 0), Entry(b"l", b"", 10, 0)),
        PARTS,
    ),
    "a purge": (lambda store: store.purge(4_000_000_001_000), 0),
    "a clear": (lambda store: store.clear(), 0),
    "a reset": (reset, 0),
    "a removed namespace": (remove, 0),
}


@pytest.mark.parametrize("name", REPLACED)
async def test_its_parts_go_when_it_is_replaced(path: Path, name: str) -> None:
    drop, left = REPLACED[name]
    async with opened(path) as store:
        await store.write([large(b"a", 1), large(b"o", 2, b"other")])
        assert await dropped(store) == 2 * PARTS
        await drop(store)
        assert await dropped(store) == left
    async with opened(path) as store:
        await store.write([Entry(b"last", b"", 99, 0)])
    assert parts_in(path) == left


@pytest.mark.parametrize("name", REPLACED)
async def test_who_reads_it_meanwhile_has_all_of_it(path: Path, name: str) -> None:
    async with opened(path) as store:
        await store.write([large(b"a", 1)])
        reading = [asyncio.ensure_future(store.read([b"k"])) for _ in range(2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await REPLACED[name][0](store)
        assert [await each for each in reading] == [[large(b"a", 1)]] * 2
        assert await store.read([b"k"]) != [large(b"a", 1)]


@pytest.mark.no_cover
@pytest.mark.slow
@pytest.mark.parametrize("long", [False, True])
async def test_a_process_that_dies_at_any_moment_leaves_all_of_it_or_nothing(path: Path, long: bool) -> None:
    killed = list[Path]()

    def kill() -> None:
        """What another process finds if this one is killed now."""
        folder = path.parent / str(len(killed))
        folder.mkdir()
        for file in path.parent.glob("state.sqlite*"):
            (folder / file.name).write_bytes(file.read_bytes())
        killed.append(folder / path.name)

    async with opened(path) as store:
        await store.write([large(b"a", 1)])
        work = staged(store, large(b"b", 2), Entry(b"l", b"", 3, 0)) if long else store.write([large(b"b", 2)])
        writing = asyncio.ensure_future(work)
        for steps in count():
            if steps % 4 == 0:
                kill()
            if writing.done() and not store._file.large._unused:
                break
            await store._file.ask("SELECT 1", ())
        kill()
    found = list[bytes]()
    for each in killed:
        async with opened(each) as store:
            (entry,) = await store.read([b"k"])
            assert entry is not None
            assert entry in (large(b"a", 1), large(b"b", 2))
            found.append(entry.value[:1] if entry.value else b"")
            assert await dropped(store) == PARTS
    assert sorted(found) == found
    assert set(found) == {b"a", b"b"}


@pytest.mark.parametrize("steps", [1, 4, 8, 16, 24, 32, 64])
async def test_cancelled_it_is_done_or_not_and_nothing_is_left(path: Path, steps: int) -> None:
    async with opened(path) as store:
        writing = asyncio.ensure_future(store.write([large(b"a", 1)]))
        for _ in range(steps):
            await store._file.ask("SELECT 1", ())
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        (entry,) = await store.read([b"k"])
        assert await dropped(store) == (PARTS if entry else 0)


async def test_the_last_write_stands_whichever_was_asked_for_first(path: Path, clock: MovableClock) -> None:
    """A large value and small ones beside it, to one key: what is served is what a restart finds."""
    async with opened(path) as store:
        service = KVService(store, clock=clock)
        writing = asyncio.ensure_future(service.put("SJC", PutRequest(b"k", value(b"a"))))
        versions = list[int]()
        while not writing.done():
            versions.append((await service.put(API, PutRequest(b"k", b"small"))).version)
        last = max(versions, default=0)
        expected = value(b"a") if writing.result().version > last else b"small"
        (found,) = await service.get_bulk(API, [b"k"])
        assert found.entry is not None
        assert found.entry.value == expected
        assert len(versions) > PARTS
        assert await dropped(store) == (PARTS if expected != b"small" else 0)
    async with opened(path) as store:
        assert [entry.value for entry in await store.read([b"k"]) if entry] == [expected]


async def test_of_two_large_values_at_once_the_higher_version_stands(path: Path, clock: MovableClock) -> None:
    async with opened(path) as store:
        service = KVService(store, clock=clock)
        puts = [service.put(API, PutRequest(b"k", value(letter, size))) for letter, size in ((b"a", 5), (b"b", 2))]
        last = max(await asyncio.gather(*puts), key=lambda entry: entry.version)
        assert await store.read([b"k"]) == [last]
        assert await dropped(store) == len(last.value or b"") // PART_BYTES


@pytest.mark.parametrize("steps", [1, 4, 8, 16, 32])
async def test_a_reset_meanwhile_leaves_nothing_of_it(path: Path, clock: MovableClock, steps: int) -> None:
    async with opened(path) as store:
        service = KVService(store, clock=clock)
        writing = asyncio.ensure_future(service.put("SJC", PutRequest(b"k", value(b"a"))))
        for _ in range(steps):
            await store._file.ask("SELECT 1", ())
        begun = not writing.done()
        await service.reset()
        (ended,) = await asyncio.gather(writing, return_exceptions=True)
        assert isinstance(ended, ResetError) or not begun or isinstance(ended, Entry)
        assert await store.read([b"k"]) == [None]
        assert await dropped(store) == 0


async def test_nothing_is_left_of_one_into_a_namespace_that_was_deleted_meanwhile(path: Path) -> None:
    async with opened(path) as store:
        writing = asyncio.ensure_future(store.write([large(b"a", 1)]))
        await store._file.ask("SELECT 1", ())
        await remove(store)
        with pytest.raises(NamespaceError, match="namespace not found"):
            await writing
        assert await dropped(store) == 0


async def test_a_purge_beside_a_long_write_leaves_what_is_not_yet_in_its_place(path: Path) -> None:
    entries = [large(b"a", 1), Entry(b"l", b"small", 2, 5)]
    async with opened(path) as store:
        prepared = await store.stage([[entry] for entry in entries])
        writing = asyncio.ensure_future(prepared.write(entries))
        await asyncio.gather(writing, store.purge(1))
        await prepared.end()
        assert await store.read([b"k", b"l"]) == entries
        assert await dropped(store) == PARTS
    async with opened(path) as store:
        assert await store.read([b"k", b"l"]) == entries


async def test_a_file_without_parts_is_upgraded(path: Path) -> None:
    small = Entry(b"s", b"small", 2, 5)
    async with opened(path) as store:
        await store.write([small])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE part")
        connection.execute("ALTER TABLE entry DROP COLUMN checksum")
        connection.execute(
            "INSERT INTO entry SELECT 1, namespace, ?, 5, 4000000000, '{\"m\":1}', 0, ? FROM entry", (b"k", value(b"a"))
        )
        connection.execute("PRAGMA user_version = 3")
    async with opened(path) as store:
        assert await store.read([b"k", b"s"]) == [large(b"a", 1), small]
        await store.write([large(b"b", 3)])
        assert await store.read([b"k", b"s"]) == [large(b"b", 3), small]
        assert await dropped(store) == PARTS
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchall() == [(SCHEMA_VERSION,)]
        assert connection.execute("SELECT max(length(value)) FROM entry").fetchall() == [(5,)]


@pytest.mark.parametrize("version", [3, 4])
async def test_a_file_without_checksums_is_upgraded(path: Path, version: int) -> None:
    """As an emulator leaves it that died in the midst of a long write; version 3 puts aside large values whole."""
    entries = [Entry(b"s", b"small", 2, 5), large(b"a", 3), Entry(b"gone", None, 4, 5)]
    async with opened(path) as store:
        await store.write(entries)
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in ("entry", "part"):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN checksum")
        columns = "key, written_ms, expiration_s, metadata, deleted, value"
        connection.execute(
            f"CREATE TABLE staged AS SELECT 1 AS number, namespace, {columns} FROM entry WHERE key = x'73'"
        )
        connection.execute("CREATE TABLE staged_base (version)")
        connection.execute("UPDATE staged SET value = CAST('staged' AS BLOB)")
        if version == 3:
            connection.execute("DROP TABLE part")
            connection.execute("UPDATE entry SET value = ? WHERE key = CAST('k' AS BLOB)", (entries[1].value,))
            entries.append(large(b"b", 10, b"l"))
            connection.execute("INSERT INTO staged SELECT 2, namespace, ?, 5, 4000000000, ?, 0, ? FROM staged",
                               (b"l", entries[-1].metadata, entries[-1].value))  # fmt: skip
        connection.execute("INSERT INTO staged_base VALUES (8)")
        connection.execute(f"PRAGMA user_version = {version}")
    for _ in range(2):
        async with opened(path) as store:
            found = await store.read([b"s", *(entry.key for entry in entries[1:])])
            assert found == [Entry(b"s", b"staged", 9, 5), *entries[1:]]


async def test_what_an_older_emulator_served_of_another_type_is_served_still(path: Path) -> None:
    async with opened(path) as store:
        await store.write([Entry(b"s", b"small", 2, 5), Entry(b"t", b"text", 3, 5)])
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in ("entry", "part"):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN checksum")
        changed = "value = 'text', written_ms = 'never', expiration_s = 'soon', metadata = x'7b7d'"
        connection.execute(f"UPDATE entry SET {changed} WHERE key = CAST('s' AS BLOB)")
        connection.execute("UPDATE entry SET metadata = CAST(x'ff0a' AS TEXT) WHERE key = CAST('t' AS BLOB)")
        connection.execute("PRAGMA user_version = 4")
    async with opened(path) as store:
        assert await store.read([b"s"]) == [Entry(b"s", b"text", 2, 0, 0, "{}")]
        with pytest.raises(StateError, match="what it holds under key 't' is not what was written"):
            await store.read([b"t"])


@pytest.mark.parametrize("wrong", ["number = 1", "number = 0"])
async def test_a_value_that_lacks_a_part_is_refused(path: Path, wrong: str) -> None:
    async with opened(path) as store:
        await store.write([large(b"a", 1)])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"DELETE FROM part WHERE {wrong}")
    async with opened(path) as store:
        with pytest.raises(StateError, match="what it holds under key 'k' is not what was written"):
            await store.read([b"k"])
