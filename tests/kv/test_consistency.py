"""Locations: each sees its own writes at once, and the others' for as long late as its copies live."""

from collections.abc import Callable

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.profiles import CLOUDFLARE, LOCAL
from queue_emulator.kv.binding import Binding, ListResult

pytestmark = pytest.mark.anyio
IN_BOTH_PROFILES = pytest.mark.parametrize("profile", [CLOUDFLARE, LOCAL], ids=lambda profile: profile.name)


@pytest.fixture
def here(open_binding: Callable[..., Binding]) -> Binding:
    return open_binding("SJC")


@pytest.fixture
def there(open_binding: Callable[..., Binding]) -> Binding:
    return open_binding("NRT")


def names(page: ListResult) -> list[str]:
    return [key.name for key in page.keys]


@IN_BOTH_PROFILES
async def test_a_location_reads_its_own_writes_at_once(here: Binding, clock: MovableClock) -> None:
    assert await here.get("k") is None
    for value in ("one", "two"):
        await here.put("k", value)
        assert await here.get("k") == value
        assert await here.get_bulk(["k"]) == {"k": value}
        assert names(await here.list()) == ["k"]
        clock.advance(1_000)
    await here.delete("k")
    assert await here.get("k") is None
    assert names(await here.list()) == []


async def test_another_location_shows_its_copy_until_the_cache_ttl_is_over(
    here: Binding, there: Binding, clock: MovableClock
) -> None:
    await here.put("k", "old")
    assert await there.get("k") == "old"
    clock.advance(1_000)
    await here.put("k", "new")
    clock.advance(58_999)
    assert (await there.get("k"), await here.get("k")) == ("old", "new")
    clock.advance(1)
    assert await there.get("k") == "new"


async def test_a_location_that_has_no_copy_sees_a_write_at_once(here: Binding, there: Binding) -> None:
    await here.put("k", "v")
    assert await there.get("k") == "v"


async def test_a_miss_is_remembered_as_long_as_a_value(here: Binding, there: Binding, clock: MovableClock) -> None:
    assert await there.get("k") is None
    await here.put("k", "v")
    clock.advance(59_999)
    assert await there.get("k") is None
    clock.advance(1)
    assert await there.get("k") == "v"


async def test_a_deleted_key_is_still_there_elsewhere_for_a_while(
    here: Binding, there: Binding, clock: MovableClock
) -> None:
    await here.put("k", "v")
    assert await there.get("k") == "v"
    await here.delete("k")
    clock.advance(59_999)
    assert await there.get("k") == "v"
    clock.advance(1)
    assert await there.get("k") is None


async def test_a_longer_cache_ttl_shows_the_copy_for_longer(here: Binding, there: Binding, clock: MovableClock) -> None:
    await here.put("k", "old")
    assert await there.get("k", cache_ttl=300) == "old"
    clock.advance(1_000)
    await here.put("k", "new")
    clock.advance(298_999)
    assert await there.get("k", cache_ttl=300) == "old"
    clock.advance(1)
    assert await there.get("k", cache_ttl=300) == "new"


async def test_a_reader_with_a_lower_cache_ttl_settles_the_key_for_all_readers_there(
    here: Binding, there: Binding, clock: MovableClock
) -> None:
    await here.put("k", "old")
    assert await there.get("k", cache_ttl=300) == "old"
    clock.advance(1_000)
    await here.put("k", "new")
    clock.advance(28_999)
    assert await there.get("k", cache_ttl=30) == "old"
    clock.advance(1)
    assert await there.get("k", cache_ttl=30) == "new"
    assert await there.get("k", cache_ttl=300) == "new"


async def test_a_bulk_read_and_a_single_read_share_their_copies(
    here: Binding, there: Binding, clock: MovableClock
) -> None:
    await here.put("a", "old")
    assert await there.get_bulk(["a", "b"]) == {"a": "old", "b": None}
    clock.advance(1_000)
    await here.put("a", "new")
    await here.put("b", "new")
    assert (await there.get("a"), await there.get("b")) == ("old", None)
    clock.advance(59_000)
    assert await there.get_bulk(["a", "b"]) == {"a": "new", "b": "new"}


async def test_a_list_page_is_remembered_elsewhere_for_a_minute(
    here: Binding, there: Binding, clock: MovableClock
) -> None:
    await here.put("a", "v")
    assert names(await there.list()) == ["a"]
    await here.put("b", "v")
    await here.delete("a")
    clock.advance(59_999)
    assert names(await there.list()) == ["a"]
    clock.advance(1)
    assert names(await there.list()) == ["b"]


async def test_a_remembered_page_serves_only_the_same_request(here: Binding, there: Binding) -> None:
    await here.put("a", "v")
    assert names(await there.list()) == ["a"]
    await here.put("b", "v")
    assert names(await there.list(limit=5)) == ["a", "b"]
    assert names(await there.list(prefix="b")) == ["b"]


async def test_a_list_can_name_a_key_that_a_read_there_does_not_find_yet(here: Binding, there: Binding) -> None:
    assert await there.get("k") is None
    await here.put("k", "v")
    assert names(await there.list()) == ["k"]
    assert await there.get("k") is None


async def test_a_key_that_expired_is_in_no_copy(here: Binding, there: Binding, clock: MovableClock) -> None:
    await here.put("k", "v", expiration_ttl=60)
    clock.advance(30_000)
    assert (await there.get("k", cache_ttl=600), names(await there.list())) == ("v", ["k"])
    clock.advance(30_000)
    assert (await there.get("k", cache_ttl=600), names(await there.list())) == (None, [])


async def test_the_last_of_two_writes_from_two_places_wins_everywhere(
    here: Binding, there: Binding, clock: MovableClock
) -> None:
    await here.put("k", "here")
    clock.advance(1_000)
    await there.put("k", "there")
    assert (await here.get("k"), await there.get("k")) == ("here", "there")
    clock.advance(60_000)
    assert (await here.get("k"), await there.get("k")) == ("there", "there")


async def test_an_answer_says_whether_it_came_from_a_copy(here: Binding, there: Binding, clock: MovableClock) -> None:
    await here.put("k", "v")
    statuses = [(await each.get_with_metadata("k")).cache_status for each in (here, there, there)]
    assert statuses == ["HIT", "MISS", "HIT"]
    assert [(await there.list()).cache_status for _ in range(2)] == ["MISS", "HIT"]
    clock.advance(60_000)
    assert (await there.get_with_metadata("k")).cache_status == "MISS"
    assert [(await there.get_with_metadata("never")).cache_status for _ in range(2)] == ["MISS", "HIT"]


@pytest.mark.parametrize("profile", [LOCAL], ids=["local"])
async def test_the_local_runtime_shows_every_write_everywhere_at_once(here: Binding, there: Binding) -> None:
    assert await there.get("k") is None
    assert names(await there.list()) == []
    await here.put("k", "v")
    assert (await there.get("k"), names(await there.list())) == ("v", ["k"])
    assert (await there.get_with_metadata("k")).cache_status is None
    assert (await there.list()).cache_status is None
