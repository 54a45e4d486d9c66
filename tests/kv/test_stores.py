"""What the service needs of a store: every store gives it."""

import pytest

from queue_emulator.core.entries import Entry, Row
from queue_emulator.kv.store import Store

pytestmark = pytest.mark.anyio


def entry(key: bytes, version: int, value: bytes | None = b"v", **members: int | str | None) -> Entry:
    return Entry(key, value, version, written_ms=version * 10, **members)  # type: ignore[arg-type]


async def walked(store: Store, first: bytes = b"", before: bytes | None = None, limit: int = 1_000) -> list[bytes]:
    return [row.key for row in await store.walk(first, before, limit)]


async def test_an_empty_store_holds_nothing(store: Store) -> None:
    assert await store.read([b"k"]) == [None]
    assert await store.read([]) == []
    assert await store.walk(b"", None, 10) == []
    assert await store.last_version() == 0


async def test_what_was_written_is_read_in_the_order_asked_duplicates_included(store: Store) -> None:
    one, two = entry(b"a", 1, b"", metadata='{"m":1}'), entry(b"b", 2, b"\x00\xff", expiration_s=99)
    await store.write([two, one])
    assert await store.read([b"b", b"miss", b"a", b"b"]) == [two, None, one, two]


async def test_writing_nothing_changes_nothing(store: Store) -> None:
    await store.write([])
    assert await walked(store) == []


async def test_a_write_replaces_all_that_stood_under_the_key(store: Store) -> None:
    await store.write([entry(b"k", 1, expiration_s=99, metadata="1")])
    await store.write([entry(b"k", 2, b"new")])
    assert await store.read([b"k"]) == [entry(b"k", 2, b"new")]
    assert await walked(store) == [b"k"]


async def test_the_last_of_several_writes_of_one_key_stands(store: Store) -> None:
    await store.write([entry(b"k", 1), entry(b"other", 2), entry(b"k", 3, b"last")])
    assert await store.read([b"k"]) == [entry(b"k", 3, b"last")]
    assert await walked(store) == [b"k", b"other"]


async def test_a_tombstone_is_held_like_any_entry(store: Store) -> None:
    await store.write([entry(b"k", 1)])
    await store.write([entry(b"k", 2, None)])
    assert await store.read([b"k"]) == [entry(b"k", 2, None)]
    assert await store.walk(b"", None, 10) == [Row(b"k", 2, 20, None, None, deleted=True)]


async def test_an_empty_value_is_no_tombstone(store: Store) -> None:
    await store.write([entry(b"k", 1, b"")])
    assert await store.walk(b"", None, 10) == [Row(b"k", 1, 10, None, None, deleted=False)]


async def test_a_walk_gives_everything_but_the_value(store: Store) -> None:
    await store.write([entry(b"k", 1, b"large", expiration_s=5, metadata='"m"')])
    assert await store.walk(b"", None, 10) == [Row(b"k", 1, 10, 5, '"m"', deleted=False)]


async def test_a_walk_goes_in_the_order_of_bytes(store: Store) -> None:
    keys = [b"", b"\0", b"A", b"a", b"a\0", b"a\0b", b"aa", b"z", "é".encode(), "😀".encode(), b"\xff", b"\xff\xff"]
    await store.write([entry(key, version) for version, key in enumerate(reversed(keys), 1)])
    assert await walked(store) == keys


async def test_a_walk_has_a_first_key_a_bound_and_a_limit(store: Store) -> None:
    await store.write([entry(bytes([letter]), letter) for letter in b"abcde"])
    assert await walked(store, b"b", b"d") == [b"b", b"c"]
    assert await walked(store, b"bb", b"d") == [b"c"]
    assert await walked(store, b"b", None, 2) == [b"b", b"c"]
    assert await walked(store, b"b", b"d", 0) == []


@pytest.mark.parametrize("before", [b"a", b"b", b"c"])
async def test_a_walk_between_bounds_that_cross_gives_nothing(store: Store, before: bytes) -> None:
    await store.write([entry(key, version) for version, key in enumerate((b"a", b"b", b"c"), 1)])
    assert await walked(store, b"c", before) == []


async def test_a_walk_sees_keys_inserted_one_by_one_and_many_at_once(store: Store) -> None:
    for version, key in enumerate((b"m", b"c", b"x"), 1):
        await store.write([entry(key, version)])
    await store.write([entry(key, version) for version, key in enumerate((b"z", b"a", b"n"), 4)])
    assert await walked(store) == [b"a", b"c", b"m", b"n", b"x", b"z"]


async def test_many_keys_are_read_at_once(store: Store) -> None:
    entries = [entry(f"{number:04}".encode(), number + 1) for number in range(1_200)]
    await store.write(entries)
    assert await store.read([each.key for each in reversed(entries)]) == entries[::-1]


@pytest.mark.parametrize(("gone_before_ms", "left"), [(20_000, [b"k"]), (20_001, []), (20_999, [])])
async def test_a_purge_drops_what_expired_before_that_millisecond(
    store: Store, gone_before_ms: int, left: list[bytes]
) -> None:
    await store.write([entry(b"k", 1, expiration_s=20)])
    assert await store.purge(gone_before_ms) == 1 - len(left)
    assert await walked(store) == left


@pytest.mark.parametrize(("gone_before_ms", "left"), [(50, [b"k"]), (51, [])])
async def test_a_purge_drops_what_was_deleted_before_that_millisecond(
    store: Store, gone_before_ms: int, left: list[bytes]
) -> None:
    await store.write([entry(b"k", 5, None)])
    assert await store.purge(gone_before_ms) == 1 - len(left)
    assert await walked(store) == left


async def test_a_purge_leaves_everything_else(store: Store) -> None:
    await store.write([entry(b"old", 1), entry(b"later", 2, expiration_s=10**6), entry(b"", 3, b"")])
    await store.write([entry(b"dead", 4, None), entry(b"expired", 5, expiration_s=1)])
    assert await store.purge(100_000) == 2
    assert await walked(store) == [b"", b"later", b"old"]
    assert await store.purge(100_000) == 0
    assert await store.read([b"dead", b"expired"]) == [None, None]


async def test_cleared_it_holds_nothing_and_can_be_written_again(store: Store) -> None:
    await store.write([entry(b"k", 1), entry(b"dead", 2, None)])
    await store.clear()
    assert await walked(store) == []
    assert await store.read([b"k"]) == [None]
    await store.write([entry(b"k", 3)])
    assert await walked(store) == [b"k"]


async def test_the_last_version_is_the_highest_held_tombstones_included(store: Store) -> None:
    await store.write([entry(b"a", 3), entry(b"b", 7)])
    await store.write([entry(b"b", 9, None)])
    await store.write([entry(b"c", 8)])
    assert await store.last_version() == 9


@pytest.mark.slow
async def test_the_largest_value_comes_back_byte_for_byte(store: Store) -> None:
    value = bytes(range(256)) * (25 * 4096)
    await store.write([entry(b"k", 1, value)])
    (held,) = await store.read([b"k"])
    assert held is not None
    assert held.value is not None
    assert (len(held.value), held.value == value) == (25 * 1024 * 1024, True)
