"""What each location would be shown of a key, looked at from outside."""

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.faults import Rule, Verdict
from queue_emulator.core.options import ListRequest, PutRequest
from queue_emulator.kv.service import KVService
from queue_emulator.kv.sights import Kept, Seen

pytestmark = pytest.mark.anyio
AT = ("SJC", "NRT")


async def seen(service: KVService, key: bytes, location: str) -> Seen:
    return (await service.sight(key, AT))[1].seen[location]


async def test_a_copy_is_told_with_its_age_and_its_end_and_what_it_misses(
    service: KVService, clock: MovableClock
) -> None:
    await service.put("SJC", PutRequest(b"k", b"one"))
    assert (await seen(service, b"k", "NRT")).kept is Kept.NOTHING
    await service.get("NRT", b"k")
    clock.advance(20_000)
    told = await seen(service, b"k", "NRT")
    assert (told.kept, told.age_ms, told.stale) == (Kept.COPY, 20_000, False)
    assert told.until_ms == clock.now_ms() + 40_000
    await service.put("SJC", PutRequest(b"k", b"two"))
    told = await seen(service, b"k", "NRT")
    assert told.entry is not None
    assert (told.stale, told.entry.value) == (True, b"one")
    clock.advance(40_000)
    assert (await seen(service, b"k", "NRT")).kept is Kept.NOTHING, "its minute is over"


async def test_a_miss_that_is_kept_is_told(service: KVService) -> None:
    await service.get("NRT", b"k")
    assert await seen(service, b"k", "NRT") == Seen(Kept.MISS, None, 0, service.clock.now_ms() + 60_000)
    await service.put("SJC", PutRequest(b"k", b"v"))
    assert (await seen(service, b"k", "NRT")).stale


async def test_looking_keeps_nothing_and_makes_nothing_live_longer(service: KVService, clock: MovableClock) -> None:
    await service.put("SJC", PutRequest(b"k", b"one"))
    await service.get("NRT", b"k")
    before = service.journal.last_position
    for _ in range(3):
        clock.advance(19_000)
        await service.sights(ListRequest(), AT)
        await service.sight(b"k", AT)
    assert service.journal.last_position == before
    clock.advance(3_000)
    assert (await service.get("NRT", b"k")).cache_status == "MISS", "it is a minute old, however often one looked"


async def test_a_write_that_has_not_arrived_is_told(service: KVService) -> None:
    await service.put("SJC", PutRequest(b"k", b"one"))
    service.faults.add(Rule(Verdict("drop_replication", delay_ms=60_000, location="NRT")))
    await service.put("SJC", PutRequest(b"l", b"two"))
    told = await seen(service, b"l", "NRT")
    assert (told.kept, told.entry, told.stale) == (Kept.LATE, None, True)


async def test_a_key_that_is_gone_is_listed_while_a_location_still_shows_it(
    service: KVService, clock: MovableClock
) -> None:
    await service.put("SJC", PutRequest(b"k", b"v"))
    await service.get("NRT", b"k")
    await service.delete("SJC", b"k")
    (sight,), cursor = await service.sights(ListRequest(), AT)
    assert (sight.key, sight.row is not None and sight.row.live(clock.now_ms()), cursor) == (b"k", False, None)
    assert sight.seen["NRT"].stale
    clock.advance(60_000)
    assert await service.sights(ListRequest(), AT) == ([], None)


async def test_pages_follow_each_other_and_the_next_expiry_is_found(service: KVService, clock: MovableClock) -> None:
    assert await service.next_expiry_s() is None
    now_s = clock.now_ms() // 1000
    for number in range(5):
        await service.put("SJC", PutRequest(b"k%d" % number, b"v", now_s + 100 + number))
    assert await service.next_expiry_s() == now_s + 100
    keys: list[bytes] = []
    cursor: str | None = ""
    while cursor is not None:
        page, cursor = await service.sights(ListRequest(b"", 2, cursor), AT)
        keys += [each.key for each in page]
    assert keys == [b"k0", b"k1", b"k2", b"k3", b"k4"]
