"""What can be done to the service: faults, replication that lags, a plan's quota; and what it notes of it all."""

import asyncio

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import KVError
from queue_emulator.core.faults import Rule, Verdict
from queue_emulator.core.journal import Event
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.kv.waiting import advance_instead

pytestmark = pytest.mark.anyio


@pytest.fixture
def service(clock: MovableClock) -> KVService:
    return KVService(MemoryStore(), clock=clock, dice=Dice(7), sleep=advance_instead(clock))


def at(service: KVService, location: str = "SJC") -> Binding:
    return Binding(service, location, Invocation(name="run", route="GET /"))


def events(service: KVService) -> list[Event]:
    return list(service.journal.after(0))


async def test_a_list_and_a_bulk_read_fail_in_their_own_words(service: KVService) -> None:
    service.faults.add(Rule(Verdict("fail_after", 502)))
    with pytest.raises(KVError, match=r"^KV GET failed: 502 Bad Gateway$"):
        await at(service).list()
    with pytest.raises(KVError, match=r"^KV GET_BULK failed: 502 Bad Gateway$"):
        await at(service).get_bulk(["k"])


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


async def test_a_service_that_is_given_no_sleep_waits_on_the_machine(clock: MovableClock) -> None:
    service = KVService(MemoryStore(), clock=clock)
    service.faults.add(Rule(Verdict("delay", delay_ms=1)))
    assert await asyncio.wait_for(at(service).get("k"), 5) is None
