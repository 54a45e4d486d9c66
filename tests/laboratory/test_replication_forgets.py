"""What replication lag remembers ends: with a restart, a reset, and the arrival of a write everywhere."""

import tracemalloc

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.entries import Entry
from queue_emulator.core.options import PutRequest
from queue_emulator.core.profiles import compose
from queue_emulator.core.replication import Replication
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.testing import KV, NOON_MS, Emulator, run_now
from tests.laboratory.looking import names


def test_a_new_service_over_the_same_store_has_nothing_under_way() -> None:
    """A restart of the emulator is not a fault of the network: what was written is everywhere."""
    store, clock = MemoryStore(), MovableClock.frozen_at(NOON_MS)
    profile = compose("cloudflare", lag_ms=(60_000, 60_000))
    before = KVService(store, clock=clock, profile=profile)
    run_now(before.put("SJC", PutRequest(b"k", b"v")))
    assert run_now(before.get("NRT", b"k")).entry is None
    after = KVService(store, clock=clock, profile=profile)
    assert run_now(after.get("NRT", b"k")).entry is not None


@pytest.mark.queue_emulator(replication_lag_s=(2, 5))
def test_a_reset_forgets_what_is_under_way(emulator: Emulator, kv: KV) -> None:
    kv.put("k", "v")
    run_now(emulator.deployment.emulated().reset())  # as the control does, which also shows another time
    assert [kv.at(location).get("k") for location in ("SJC", "NRT")] == [None, None]
    assert [names(kv.at(location)) for location in ("SJC", "NRT")] == [[], []]


def test_a_key_that_is_written_for_ever_does_not_gather_all_that_was_written() -> None:
    replication, value_bytes, writes = Replication(Dice(0), (0, 5_000)), 10_000, 1_000
    tracemalloc.start()
    try:
        for version in range(1, writes + 1):
            replication.wrote(None, Entry(b"k", bytes(value_bytes), version, version * 1_000), "SJC", {})
        held_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held_bytes < writes * value_bytes / 10
    current = Entry(b"k", b"last", writes, writes * 1_000)
    seen = replication.seen(current, b"k", "NRT", writes * 1_000)
    assert seen is not None
    assert writes - 6 <= seen.version <= writes


def test_what_has_arrived_everywhere_is_forgotten_though_nobody_reads_it() -> None:
    emulator = Emulator(profile=compose("cloudflare", lag_ms=(0, 1_000)))
    kv, value = emulator.at("SJC").kv, "v" * 20_000
    tracemalloc.start()
    try:
        for number in range(200):
            kv.put(f"k{number}", value)
            emulator.clock.advance(1)
            kv.delete(f"k{number}")
        emulator.clock.advance(1)
        kv.put("last", "")
        held_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held_bytes < 200 * len(value) / 4
