"""Reads and writes at the central store, past every edge: what Cloudflare's REST API does."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import KVError, QuotaError
from queue_emulator.core.faults import Rule, Verdict
from queue_emulator.core.options import ListRequest, PutRequest
from queue_emulator.core.plans import FREE
from queue_emulator.core.profiles import CLOUDFLARE, LOCAL
from queue_emulator.core.wire_names import API_LOCATION as API
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.kv.waiting import advance_instead

pytestmark = pytest.mark.anyio
LAGGING = pytest.mark.parametrize("profile", [replace(CLOUDFLARE, lag_ms=(5_000, 5_000))])


async def values(service: KVService, *keys: bytes) -> list[bytes | None]:
    return [each.entry.value if each.entry else None for each in await service.get_bulk(API, keys)]


async def test_a_write_is_read_at_the_centre_at_once_and_where_a_copy_is_as_late_as_any_other(
    service: KVService, open_binding: Callable[..., Binding], clock: MovableClock
) -> None:
    here = open_binding()
    assert await here.get("k") is None
    await service.write(API, [PutRequest(b"k", b"1")])
    assert await values(service, b"k", b"other") == [b"1", None]
    assert await here.get("k") is None
    clock.advance(60_000)
    assert await here.get("k") == "1"


@LAGGING
async def test_a_write_reaches_every_location_after_its_lag_and_no_location_is_its_own(
    service: KVService, open_binding: Callable[..., Binding], clock: MovableClock
) -> None:
    await service.write(API, [PutRequest(b"k", b"1")])
    assert await values(service, b"k") == [b"1"]
    assert [key.key for key in (await service.list(API, ListRequest())).rows] == [b"k"]
    assert [await open_binding(at).get("k", cache_ttl=30) for at in ("SJC", "NRT")] == [None, None]
    clock.advance(65_000)
    assert [await open_binding(at).get("k") for at in ("SJC", "NRT")] == ["1", "1"]


@LAGGING
async def test_the_centre_sees_what_a_location_wrote_before_other_locations_do(
    service: KVService, open_binding: Callable[..., Binding]
) -> None:
    await open_binding("SJC").put("k", "1")
    assert await open_binding("NRT").get("k") is None
    assert await values(service, b"k") == [b"1"]


async def test_the_rate_of_a_key_is_the_binding_s_alone(
    service: KVService, open_binding: Callable[..., Binding]
) -> None:
    await service.write(API, [PutRequest(b"k", b"1")])
    await service.write(API, [PutRequest(b"k", b"2"), PutRequest(b"k", b"3")])
    await open_binding().put("k", "4")
    await service.write(API, [PutRequest(b"k", b"5")])
    assert await values(service, b"k") == [b"5"]


async def test_of_several_writes_all_happen_or_none(service: KVService) -> None:
    service.faults.add(Rule(Verdict("fail_before", 503), operation="put", key_prefix="b"))
    with pytest.raises(KVError, match="503"):
        await service.write(API, [PutRequest(b"a", b"1"), PutRequest(b"b", b"2")])
    assert await values(service, b"a", b"b") == [None, None]


async def test_a_rule_for_the_api_falls_on_no_location(
    service: KVService, open_binding: Callable[..., Binding]
) -> None:
    service.faults.add(Rule(Verdict("fail_before", 500), location=API))
    await open_binding().put("k", "1")
    with pytest.raises(KVError, match="500"):
        await service.get(API, b"k")


async def test_what_fails_afterwards_has_happened(service: KVService) -> None:
    service.faults.add(Rule(Verdict("fail_after", 500), operation="delete", times=1))
    await service.write(API, [PutRequest(b"a", b"1"), PutRequest(b"b", b"2"), PutRequest(b"c", b"3")])
    with pytest.raises(KVError, match="500"):
        await service.delete(API, b"a", b"b")
    assert await values(service, b"a", b"b", b"c") == [None, None, b"3"]


async def test_every_key_is_noted_and_counted(service: KVService) -> None:
    await service.write(API, [PutRequest(b"a", b"1"), PutRequest(b"b", b"2")])
    await service.get_bulk(API, [b"a", b"x"])
    await service.list(API, ListRequest())
    await service.delete(API, b"a")
    noted = [(event.operation, event.key, event.location) for event in service.journal.after(0)]
    assert noted == [
        ("put", b"a", API), ("put", b"b", API), ("get_bulk", b"a", API), ("get_bulk", b"x", API),
        ("list", b"", API), ("delete", b"a", API),
    ]  # fmt: skip


async def test_a_delay_of_many_keys_is_waited_for_once(clock: MovableClock) -> None:
    service = KVService(MemoryStore(), clock=clock, sleep=advance_instead(clock))
    service.faults.add(Rule(Verdict("delay", delay_ms=3_000), operation="put"))
    before_ms = clock.now_ms()
    await service.write(API, [PutRequest(b"%d" % number, b"v") for number in range(100)])
    assert clock.now_ms() == before_ms + 3_000


async def test_a_fault_keeps_away_the_keys_that_it_names_and_no_other(
    service: KVService, open_binding: Callable[..., Binding], clock: MovableClock
) -> None:
    service.faults.add(Rule(Verdict("drop_replication", delay_ms=600_000, location="NRT"), key_prefix="a"))
    await service.write(API, [PutRequest(b"a", b"1"), PutRequest(b"b", b"2")])
    tokyo, san_jose = open_binding("NRT"), open_binding("SJC")
    assert [await tokyo.get(key) for key in "ab"] == [None, "2"]
    assert [await san_jose.get(key) for key in "ab"] == ["1", "2"]
    clock.advance(660_000)
    assert await tokyo.get("a") == "1"


@pytest.mark.parametrize("profile", [replace(CLOUDFLARE, plan=FREE)])
async def test_a_bulk_write_beyond_the_day_s_quota_is_refused_as_a_whole(service: KVService) -> None:
    await service.write(API, [PutRequest(b"%d" % number, b"v") for number in range(999)])
    with pytest.raises(QuotaError):
        await service.write(API, [PutRequest(b"x", b"v"), PutRequest(b"y", b"v")])
    assert await values(service, b"x", b"y") == [None, None]
    await service.write(API, [PutRequest(b"x", b"v")])


@pytest.mark.parametrize("profile", [CLOUDFLARE, LOCAL])
async def test_a_cursor_is_good_for_its_own_prefix_only(service: KVService) -> None:
    await service.write(API, [PutRequest(b"p:%d" % number, b"v") for number in range(3)])
    first = await service.list(API, ListRequest(b"p:", 2))
    assert first.cursor is not None
    rest = await service.list(API, ListRequest(b"p:", 2, first.cursor))
    assert ([row.key for row in (*first.rows, *rest.rows)], rest.cursor) == ([b"p:0", b"p:1", b"p:2"], None)
    with pytest.raises(KVError, match="Invalid list keys cursor"):
        await service.list(API, ListRequest(b"p", 2, first.cursor))


async def test_nothing_to_write_is_nothing_written(service: KVService) -> None:
    await service.write(API, [])
    await service.delete(API)
    assert (await service.list(API, ListRequest())).rows == ()


async def test_pages_of_entries_hold_all_that_lives_and_are_noted_nowhere(
    service: KVService, open_binding: Callable[..., Binding], clock: MovableClock
) -> None:
    await service.write(API, [PutRequest(b"p:%d" % n, b"%d" % n) for n in range(5)])
    await service.write(API, [PutRequest(b"q", b"6"), PutRequest(b"p:9", b"9", clock.now_ms() // 1000 + 60)])
    await service.delete(API, b"p:1")
    clock.advance(60_000)
    position, found, cursor = service.journal.last_position, [], ""
    while True:
        entries, following = await service.entries(ListRequest(b"p:", 2, cursor))
        found += [entry.value for entry in entries]
        if following is None:
            break
        cursor = following
    assert found == [b"0", b"2", b"3", b"4"]
    assert service.journal.last_position == position
