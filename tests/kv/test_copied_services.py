"""A namespace that was copied goes on by itself: what was on its way, copied, counted and ruled is the same in both."""

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import KVError, QuotaError
from queue_emulator.core.faults import Rule, Verdict
from queue_emulator.core.kinds import KINDS
from queue_emulator.core.options import ListRequest, PutRequest
from queue_emulator.core.plans import FREE
from queue_emulator.core.profiles import compose
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore

pytestmark = pytest.mark.anyio
LATE = compose("cloudflare", lag_ms=(5_000, 5_000), plan="free")


async def told(service: KVService) -> list[object]:
    """All that two locations see now, with what is noted of it."""
    for location in ("SJC", "NRT"):
        await service.get(location, b"k")
        await service.list(location, ListRequest(limit=1))
    return [*service.journal.after(0)]


async def test_what_one_does_the_other_does_not_see() -> None:
    clock, store = MovableClock.frozen_at(1_000_000), MemoryStore()
    one = KVService(store, clock=clock, profile=LATE, dice=Dice(0))
    await one.put("SJC", PutRequest(b"k", b"old"))
    await told(one)
    clock.advance(2_000)
    await one.put("SJC", PutRequest(b"k", b"new"))
    its_clock, its_store = MovableClock.frozen_at(clock.now_ms()), store.copy()
    other = one.copy(its_store, its_clock)
    await one.put("SJC", PutRequest(b"a", b"of one"))
    await one.delete("NRT", b"k")
    clock.advance(100_000)
    its_clock.advance(1_000)
    late = await other.get("NRT", b"k")
    assert (late.entry, late.age_ms, late.newer_version) == (None, 3_000, 2), "nothing had come there when it looked"
    assert [row.key for row in (await other.list("SJC", ListRequest())).rows] == [b"k"]
    assert (await other.put("SJC", PutRequest(b"b", b""))).version == 3, "each draws its own versions from there"


async def test_what_was_counted_and_ruled_counts_and_rules_in_both() -> None:
    clock, store = MovableClock.frozen_at(1_000_000), MemoryStore()
    one = KVService(store, clock=clock, profile=LATE, dice=Dice(0))
    await one.put("SJC", PutRequest(b"k", b""))
    one.pipeline.quota.count(KINDS["put"], clock.now_ms(), FREE.per_day["writes"] - 3)
    one.faults.add(Rule(Verdict("fail_before"), key_prefix="f", nth=2))
    await one.get("SJC", b"f")
    other = one.copy(store.copy(), clock)
    with pytest.raises(KVError, match="429"):
        await other.put("SJC", PutRequest(b"k", b""))
    for service in (one, other):
        with pytest.raises(KVError, match="500"):
            await service.get("SJC", b"f")
    clock.advance(1_000)
    await other.put("SJC", PutRequest(b"k", b""))
    with pytest.raises(QuotaError):
        await other.put("SJC", PutRequest(b"x", b""))
    await one.put("SJC", PutRequest(b"x", b""))


async def test_both_go_on_in_the_same_way() -> None:
    clock, store = MovableClock.frozen_at(1_000_000), MemoryStore()
    one = KVService(store, clock=clock, profile=LATE, dice=Dice(0))
    for key in (b"k", b"l", b"m"):
        await one.put("SJC", PutRequest(key, key))
    await told(one)
    other = one.copy(store.copy(), clock)
    for by_ms in (1_000, 4_000, 60_000):
        clock.advance(by_ms)
        assert await told(one) == await told(other)
        assert one.meter.totals() == other.meter.totals()
