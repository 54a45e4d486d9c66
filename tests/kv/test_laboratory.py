"""What can be done to the service: faults, replication that lags, a plan's quota; and what it notes of it all."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import KVError, QuotaError
from queue_emulator.core.faults import Rule, Verdict
from queue_emulator.core.journal import Event
from queue_emulator.core.plans import FREE
from queue_emulator.core.profiles import CLOUDFLARE, compose
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.kv.waiting import advance_instead, sleep_on

pytestmark = pytest.mark.anyio


@pytest.fixture
def service(clock: MovableClock) -> KVService:
    return KVService(MemoryStore(), clock=clock, dice=Dice(7), sleep=advance_instead(clock))


def at(service: KVService, location: str = "SJC") -> Binding:
    return Binding(service, location, Invocation(name="run", route="GET /"))


def events(service: KVService) -> list[Event]:
    return list(service.journal.after(0))


async def test_an_operation_that_fails_before_did_not_happen(service: KVService) -> None:
    service.faults.add(Rule(Verdict("fail_before", 503), operation="put", times=1))
    with pytest.raises(KVError) as caught:
        await at(service).put("k", "v")
    assert (str(caught.value), caught.value.definite) == ("KV PUT failed: 503 Service Unavailable", True)
    assert await at(service).get("k") is None
    await at(service).put("k", "v")
    assert await at(service).get("k") == "v"


@pytest.mark.parametrize("operation", ["put", "delete"])
async def test_an_operation_that_fails_after_did_happen(service: KVService, operation: str) -> None:
    await at(service).put("k", "old")
    service.faults.add(Rule(Verdict("fail_after", 500), operation=operation))
    call = at(service).delete("k") if operation == "delete" else at(service).put("other", "v")
    with pytest.raises(KVError) as caught:
        await call
    assert not caught.value.definite
    found = await at(service).get_bulk(["k", "other"])
    assert found == ({"k": None, "other": None} if operation == "delete" else {"k": "old", "other": "v"})


async def test_a_list_and_a_bulk_read_fail_in_their_own_words(service: KVService) -> None:
    service.faults.add(Rule(Verdict("fail_after", 502)))
    with pytest.raises(KVError, match=r"^KV GET failed: 502 Bad Gateway$"):
        await at(service).list()
    with pytest.raises(KVError, match=r"^KV GET_BULK failed: 502 Bad Gateway$"):
        await at(service).get_bulk(["k"])


async def test_a_delayed_operation_happens_later(service: KVService, clock: MovableClock) -> None:
    service.faults.add(Rule(Verdict("delay", delay_ms=70_000), operation="put"))
    await at(service).put("k", "v", expiration=1_795_435_265)
    assert await at(service).get("k") is None
    assert clock.now_ms() == 1_795_435_270_000


async def test_the_lifetime_of_a_delayed_write_begins_when_it_is_written(
    service: KVService, clock: MovableClock
) -> None:
    """The runtime sends a ttl as it is: `PUT /<key>?expiration_ttl=60`, and the service reckons from it."""
    service.faults.add(Rule(Verdict("delay", delay_ms=70_000), operation="put"))
    await at(service).put("k", "v", expiration_ttl=60)
    clock.advance(59_999)
    assert await at(service).get("k") == "v"
    clock.advance(1)
    assert await at(service).get("k") is None


async def test_replication_held_back_from_a_location_arrives_there_in_the_end(
    service: KVService, clock: MovableClock
) -> None:
    await at(service).put("k", "old", metadata=1)
    clock.advance(1_000)
    service.faults.add(Rule(Verdict("drop_replication", delay_ms=300_000, location="NRT")))
    await at(service).put("k", "new")
    await at(service).put("added", "v")
    await at(service).delete("never")
    clock.advance(299_999)
    assert (await at(service, "NRT").get("k"), await at(service, "FRA").get("k")) == ("old", "new")
    listed = (await at(service, "NRT").list()).keys
    assert [(key.name, key.metadata) for key in listed] == [("k", 1)]
    assert [event.stale for event in events(service)[-3:]] == [True, False, True]
    clock.advance(60_000)
    assert await at(service, "NRT").get("k") == "new"
    assert [key.name for key in (await at(service, "NRT").list()).keys] == ["added", "k"]


async def test_a_write_lags_elsewhere_and_is_there_at_once_where_it_was_made(clock: MovableClock) -> None:
    service = KVService(MemoryStore(), clock=clock, profile=compose("cloudflare", lag_ms=(500, 500)), dice=Dice(7))
    await at(service).put("k", "v")
    assert (await at(service).get("k"), await at(service, "NRT").get("k")) == ("v", None)
    assert [key.name for key in (await at(service).list()).keys] == ["k"]
    clock.advance(500)
    assert await at(service, "FRA").get("k") == "v"
    assert await at(service, "NRT").get("k") is None


async def test_with_read_your_writes_off_a_location_s_own_copy_stays(clock: MovableClock) -> None:
    service = KVService(MemoryStore(), clock=clock, profile=compose("cloudflare", without=["read-your-writes"]))
    assert await at(service).get("k") is None
    await at(service).put("k", "v")
    assert await at(service).get("k") is None
    clock.advance(60_000)
    assert await at(service).get("k") == "v"


async def test_a_plan_s_quota_ends_writes_for_the_day_and_leaves_reads(clock: MovableClock) -> None:
    plan = replace(FREE, per_day={"writes": 2})
    service = KVService(MemoryStore(), clock=clock, profile=replace(CLOUDFLARE, plan=plan))
    for key in ("a", "b"):
        await at(service).put(key, "v")
    with pytest.raises(QuotaError, match=r"^KV put\(\) limit exceeded for the day\.$"):
        await at(service).put("c", "v")
    assert await at(service).get("a") == "v"
    clock.advance(12 * 3_600_000)
    await at(service).put("c", "v")


async def test_every_operation_is_noted_with_who_what_and_how_old(service: KVService, clock: MovableClock) -> None:
    await at(service).put("k", "v")
    clock.advance(10)
    await at(service).get("k")
    await at(service, "NRT").get_bulk(["k", "never"])
    await at(service).list(prefix="k")
    await at(service).delete("k")
    with pytest.raises(KVError):
        await at(service).put("k", "w")
    noted = [(each.location, each.operation, each.key, each.cache_status, each.age_ms) for each in events(service)]
    assert noted == [
        ("SJC", "put", b"k", None, 0),
        ("SJC", "get", b"k", "HIT", 10),
        ("NRT", "get_bulk", b"k", "MISS", 0),
        ("NRT", "get_bulk", b"never", "MISS", 0),
        ("SJC", "list", b"k", "MISS", 0),
        ("SJC", "delete", b"k", None, 0),
        ("SJC", "put", b"k", None, 0),
    ]
    assert [each.version for each in events(service)] == [1, 1, 1, None, None, 2, None]
    assert (events(service)[4].keys, events(service)[-1].failed) == (1, "KV PUT failed: 429 Too Many Requests")
    assert {(each.invocation, each.route) for each in events(service)} == {("run", "GET /")}


async def test_a_read_of_an_older_version_is_noted_as_stale(service: KVService, clock: MovableClock) -> None:
    await at(service).put("k", "old")
    await at(service, "NRT").get("k")
    await at(service, "NRT").list()
    clock.advance(1_000)
    await at(service).put("k", "new")
    await at(service, "NRT").get("k")
    await at(service, "NRT").list()
    await at(service).get("k")
    assert [each.newer_version for each in events(service)[-3:]] == [2, 2, None]


async def test_what_a_route_did_is_metered_and_a_load_is_not(service: KVService) -> None:
    await at(service).put("k", "v")
    await at(service).get_bulk(["k", "other"])
    await service.load("SJC", [])
    assert service.meter.totals() == {"reads": 2, "writes": 1}


async def test_a_reset_clears_faults_journal_meter_and_quota(clock: MovableClock) -> None:
    plan = replace(FREE, per_day={"writes": 1})
    service = KVService(MemoryStore(), clock=clock, profile=replace(CLOUDFLARE, plan=plan))
    await at(service).put("k", "v")
    service.faults.add(Rule(Verdict("fail_before")))
    await service.reset()
    assert (events(service), service.meter.totals(), bool(service.faults)) == ([], {}, False)
    await at(service).put("k", "v")


@pytest.fixture
async def waiting(clock: MovableClock) -> AsyncIterator[asyncio.Task[None]]:
    """Something that waits ten seconds on the clock."""

    async def wait() -> None:
        await sleep_on(clock)(10_000)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    yield task
    task.cancel()


async def test_a_wait_on_a_clock_that_stands_ends_when_the_clock_is_moved_past_it(
    waiting: asyncio.Task[None], clock: MovableClock
) -> None:
    clock.advance(9_999)
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    clock.advance(1)
    await asyncio.wait_for(waiting, 5)


async def test_a_wait_on_a_clock_that_runs_ends_by_itself(clock: MovableClock) -> None:
    clock.resume()
    before_ms = clock.now_ms()
    await asyncio.wait_for(sleep_on(clock)(5), 5)
    assert clock.now_ms() >= before_ms + 5


async def test_a_service_that_is_given_no_sleep_waits_on_the_machine(clock: MovableClock) -> None:
    service = KVService(MemoryStore(), clock=clock)
    service.faults.add(Rule(Verdict("delay", delay_ms=1)))
    assert await asyncio.wait_for(at(service).get("k"), 5) is None
