"""Lists: the order, the pages, the cursors, and why only `list_complete` tells the last page."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import KVError
from queue_emulator.core.javascript import UNDEFINED
from queue_emulator.core.options import PutRequest
from queue_emulator.core.profiles import CLOUDFLARE, LOCAL
from queue_emulator.kv.binding import Binding, ListKey, ListResult
from queue_emulator.kv.service import KVService

pytestmark = pytest.mark.anyio
IN_BOTH_PROFILES = pytest.mark.parametrize("profile", [CLOUDFLARE, LOCAL], ids=lambda profile: profile.name)
IN_LOCAL = pytest.mark.parametrize("profile", [LOCAL], ids=["local"])


@pytest.fixture
def cache(open_binding: Callable[..., Binding]) -> Binding:
    return open_binding()


async def fill(cache: Binding, *names: str) -> None:
    assert isinstance(cache.service, KVService)
    await cache.service.load(cache.location, [PutRequest(name.encode(), b"v") for name in names])


async def pages(cache: Binding, **options: Any) -> list[list[str]]:
    found = []
    cursor: Any = UNDEFINED
    while True:
        page = await cache.list(cursor=cursor, **options)
        found.append(names(page))
        if page.list_complete:
            assert page.cursor is None
            return found
        cursor = page.cursor
        assert cursor


def names(page: ListResult) -> list[str]:
    return [key.name for key in page.keys]


@IN_BOTH_PROFILES
async def test_keys_come_in_the_order_of_their_utf8_bytes(cache: Binding) -> None:
    ordered = [" ", "10", "2", "B", "a", "a\0b", "a/", "aa", "é", "\ue000", "\uffff", "😀"]
    await fill(cache, *reversed(ordered))
    assert await pages(cache) == [ordered]
    assert await pages(cache, limit=5) == [ordered[:5], ordered[5:10], ordered[10:]]


@IN_BOTH_PROFILES
async def test_a_list_of_nothing_is_one_complete_page(cache: Binding) -> None:
    page = await cache.list(prefix="none")
    assert (page.keys, page.list_complete, page.cursor) == ((), True, None)


@IN_BOTH_PROFILES
async def test_a_key_has_its_expiration_and_metadata_if_it_has_any(cache: Binding) -> None:
    await cache.put("a", "v")
    await cache.put("b", "v", expiration_ttl=100, metadata=0)
    assert (await cache.list()).keys == (ListKey("a"), ListKey("b", 1_795_435_300, 0))


@IN_BOTH_PROFILES
async def test_a_prefix_bounds_every_page(cache: Binding) -> None:
    await fill(cache, "task", "task:", "task:1", "task:2", "task:\uffff", "task;", "lease:1")
    assert await pages(cache, prefix="task:", limit=2) == [["task:", "task:1"], ["task:2", "task:\uffff"]]


@IN_BOTH_PROFILES
async def test_exactly_a_page_of_keys_is_complete(cache: Binding) -> None:
    await fill(cache, "a", "b")
    assert await pages(cache, limit=2) == [["a", "b"]]
    assert await pages(cache, limit=1) == [["a"], ["b"]]


@IN_BOTH_PROFILES
@pytest.mark.parametrize("limit", [UNDEFINED, None, 0, -5, 0.9, "abc", 1000])
async def test_a_page_has_a_thousand_keys_unless_a_positive_limit_says_less(cache: Binding, limit: Any) -> None:
    await fill(cache, *(f"{number:04}" for number in range(1_001)))
    page = await cache.list(limit=limit)
    assert (len(page.keys), page.list_complete) == (1_000, False)


@IN_BOTH_PROFILES
async def test_a_list_is_refused_for_its_limit_before_its_prefix(cache: Binding) -> None:
    with pytest.raises(KVError) as caught:
        await cache.list(limit=1001, prefix="x" * 513)
    reason = "Invalid key_count_limit of 1001. Please specify an integer less than 1000."
    assert str(caught.value) == f"KV GET failed: 400 {reason}"
    with pytest.raises(KVError) as caught:
        await cache.list(prefix="x" * 513)
    assert str(caught.value) == "KV GET failed: 414 UTF-8 encoded length of 513 exceeds key length limit of 512."


@IN_BOTH_PROFILES
async def test_keys_inserted_and_deleted_between_pages_neither_repeat_nor_hide_others(cache: Binding) -> None:
    await fill(cache, "b", "d", "f", "h")
    first = await cache.list(limit=2)
    await fill(cache, "a", "e")
    await cache.delete("d")
    await cache.delete("f")
    rest = await cache.list(cursor=first.cursor)
    assert (names(first), names(rest), rest.list_complete) == (["b", "d"], ["e", "h"], True)


@IN_BOTH_PROFILES
@pytest.mark.parametrize("cursor", [UNDEFINED, None, ""])
async def test_no_cursor_is_the_first_page(cache: Binding, cursor: Any) -> None:
    await fill(cache, "a")
    assert names(await cache.list(cursor=cursor)) == ["a"]


async def test_a_cursor_is_opaque_and_good_for_its_prefix_only(cache: Binding) -> None:
    await fill(cache, "task:1", "task:2", "task:3")
    cursor = (await cache.list(prefix="task:", limit=1)).cursor
    assert cursor
    assert cursor != base64.b64encode(b"task:1").decode()
    assert names(await cache.list(prefix="task:", cursor=cursor)) == ["task:2", "task:3"]
    for prefix in ("", "task"):
        with pytest.raises(KVError) as caught:
            await cache.list(prefix=prefix, cursor=cursor)
        assert str(caught.value) == "KV GET failed: 400 Invalid list keys cursor"


@pytest.mark.parametrize("cursor", ["garbage", "AAAA", "MTA=", "é", "\ud800", 5, True])
async def test_a_cursor_that_no_list_gave_is_refused(cache: Binding, cursor: Any) -> None:
    with pytest.raises(KVError, match=r"^KV GET failed: 400 Invalid list keys cursor$"):
        await cache.list(cursor=cursor)


@IN_LOCAL
async def test_the_local_runtime_refuses_no_cursor(cache: Binding) -> None:
    await fill(cache, "a", "b")
    assert (await cache.list(limit=1)).cursor == "YQ=="
    assert names(await cache.list(cursor="YQ")) == ["b"]
    assert names(await cache.list(cursor="%%%")) == ["a", "b"]
    assert names(await cache.list(prefix="a", cursor="eg==")) == []


async def test_a_page_of_deleted_keys_is_empty_and_not_the_last(cache: Binding) -> None:
    await fill(cache, "a", "b", "c", "d", "e")
    for name in ("b", "c", "d"):
        await cache.delete(name)
    assert await pages(cache, limit=2) == [["a"], [], ["e"]]


async def test_a_page_of_expired_keys_is_short(cache: Binding, clock: MovableClock) -> None:
    await cache.put("a", "v", expiration_ttl=60)
    await fill(cache, "b", "c")
    clock.advance(60_000)
    assert await pages(cache, limit=2) == [["b"], ["c"]]


async def test_a_key_gone_for_an_hour_is_no_longer_walked(
    open_binding: Callable[..., Binding], clock: MovableClock
) -> None:
    cache = open_binding("SJC")
    await cache.put("a", "v", expiration_ttl=60)
    await fill(cache, "b", "c", "d")
    await cache.delete("b")
    clock.advance(3_600_000 - 1)
    assert await pages(open_binding("NRT"), limit=2) == [[], ["c", "d"]]
    clock.advance(1)
    assert await pages(open_binding("FRA"), limit=2) == [["c"], ["d"]]
    clock.advance(60_000)
    assert await pages(open_binding("NRT"), limit=2) == [["c", "d"]]


@IN_LOCAL
async def test_the_local_runtime_walks_no_deleted_or_expired_keys(cache: Binding, clock: MovableClock) -> None:
    await cache.put("a", "v", expiration_ttl=60)
    await fill(cache, "b", "c", "d")
    await cache.delete("b")
    clock.advance(60_000)
    assert await pages(cache, limit=2) == [["c", "d"]]


@IN_BOTH_PROFILES
async def test_a_list_that_meets_many_dead_keys_goes_on_to_a_full_page(cache: Binding, clock: MovableClock) -> None:
    await fill(cache, *(f"k{number:04}" for number in range(2_500)), "k1250!", "z")
    assert isinstance(cache.service, KVService)
    for number in range(2_500):
        await cache.service.delete(cache.location, f"k{number:04}".encode())
    clock.advance(3_600_001)
    assert await pages(cache, limit=10) == [["k1250!", "z"]]
    assert await pages(cache, limit=10) == [["k1250!", "z"]]
