"""A read that was shown something old is marked so in the journal, with the version that it should have seen."""

from pathlib import Path

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.options import ListRequest, PutRequest
from queue_emulator.core.profiles import compose
from queue_emulator.kv.service import KVService
from queue_emulator.kv.sqlite import SqliteStore
from queue_emulator.kv.store import MemoryStore, Store
from queue_emulator.testing import KV, NOON_MS, Emulator, EmulatorClock, Faults
from tests.laboratory.looking import journal_lines, last_event, names

LAGGING = pytest.mark.queue_emulator(replication_lag_s=(5, 5))


def seen(emulator: Emulator) -> tuple[int | None, int | None]:
    """The version that the latest read saw, and the one that it should have seen if that is another."""
    event = last_event(emulator)
    assert event.stale == (event.newer_version is not None)
    return event.version, event.newer_version


def test_a_copy_is_stale_from_the_write_of_another_location_on_and_names_its_version(
    emulator: Emulator, kv: KV, emulator_clock: EmulatorClock
) -> None:
    tokyo = kv.at("NRT")
    kv.put("k", "1")
    tokyo.get("k")
    assert seen(emulator) == (1, None)
    tokyo.get("k")
    assert seen(emulator) == (1, None)
    for version in (2, 3):
        emulator_clock.advance(1)
        kv.put("k", "")
        tokyo.get("k")
        assert seen(emulator) == (1, version)
    kv.get("k")
    assert seen(emulator) == (3, None)
    emulator_clock.advance(58)
    tokyo.get("k")
    assert seen(emulator) == (3, None)


def test_over_http_a_stale_read_says_so_and_how_old_it_is(
    emulator: Emulator, kv: KV, emulator_clock: EmulatorClock
) -> None:
    tokyo = kv.at("NRT")
    tokyo.get("k")
    kv.put("k", "v")
    emulator_clock.advance(7)
    tokyo.get("k")
    line = journal_lines(emulator)[-1]
    assert (line["cacheStatus"], line["age_ms"], line["stale"], line["newerVersion"]) == ("HIT", 7_000, True, 1)
    assert "version" not in line
    assert "stale" not in journal_lines(emulator)[0]


def test_a_remembered_miss_and_a_deleted_key_that_is_still_shown_are_stale(emulator: Emulator, kv: KV) -> None:
    tokyo = kv.at("NRT")
    tokyo.get("k")
    kv.put("k", "v")
    tokyo.get("k")
    assert seen(emulator) == (None, 1)
    kv.put("d", "v")
    tokyo.get("d")
    kv.delete("d")
    tokyo.get("d")
    assert seen(emulator) == (2, 3)


def test_a_bulk_read_marks_each_key_by_itself(emulator: Emulator, kv: KV, emulator_clock: EmulatorClock) -> None:
    tokyo = kv.at("NRT")
    kv.put("a", "")
    kv.put("b", "")
    tokyo.get_bulk(["a", "b"])
    emulator_clock.advance(1)
    kv.put("b", "")
    tokyo.get_bulk(["a", "b"])
    assert [(event.key, event.newer_version) for event in emulator.journal()[-2:]] == [(b"a", None), (b"b", 3)]


def test_a_list_is_stale_after_a_write_under_its_prefix_and_no_other(emulator: Emulator, kv: KV) -> None:
    tokyo = kv.at("NRT")
    tokyo.list(prefix="task:")
    kv.put("lease:1", "")
    tokyo.list(prefix="task:")
    assert last_event(emulator).newer_version is None
    kv.put("task:1", "")
    assert names(tokyo, prefix="task:") == []
    event = last_event(emulator)
    assert (event.stale, event.newer_version, event.keys) == (True, 2, 0)
    kv.list(prefix="task:")
    assert not last_event(emulator).stale


def test_a_page_is_stale_only_after_a_write_that_belongs_on_it(emulator: Emulator, kv: KV) -> None:
    tokyo = kv.at("NRT")
    for key in "bdfh":
        kv.put(key, "")
    first = tokyo.list(limit=2)
    second = tokyo.list(limit=2, cursor=first.cursor)
    assert [key.name for key in second.keys] == ["f", "h"]

    def stale_after_a_write_of(key: str) -> list[bool]:
        kv.put(key, "")
        tokyo.list(limit=2)
        tokyo.list(limit=2, cursor=first.cursor)
        return [event.newer_version is not None for event in emulator.journal()[-2:]]

    assert stale_after_a_write_of("e") == [False, True]
    assert stale_after_a_write_of("a") == [True, True]
    assert [event.newer_version for event in emulator.journal()[-2:]] == [6, 5]


def test_a_write_behind_the_page_or_before_it_leaves_it_as_it_is(emulator: Emulator, kv: KV) -> None:
    tokyo = kv.at("NRT")
    for key in "bdf":
        kv.put(key, "")
    cursor = tokyo.list(limit=1).cursor
    tokyo.list(limit=1, cursor=cursor)
    kv.put("a", "")
    kv.put("e", "")
    tokyo.list(limit=1, cursor=cursor)
    assert last_event(emulator).cache_status == "HIT"
    assert not last_event(emulator).stale
    kv.put("c", "")
    tokyo.list(limit=1, cursor=cursor)
    assert last_event(emulator).newer_version == 6


def test_a_list_that_is_read_again_after_its_minute_is_not_stale(
    emulator: Emulator, kv: KV, emulator_clock: EmulatorClock
) -> None:
    tokyo = kv.at("NRT")
    tokyo.list()
    kv.put("k", "")
    emulator_clock.advance(60)
    tokyo.list()
    assert not last_event(emulator).stale


@pytest.mark.queue_emulator(without=["read-your-writes"])
def test_without_read_your_writes_the_writer_s_own_reads_are_stale(emulator: Emulator, kv: KV) -> None:
    kv.get("k")
    kv.list()
    kv.put("k", "v")
    kv.get("k")
    assert seen(emulator) == (None, 1)
    kv.list()
    assert last_event(emulator).newer_version == 1


@LAGGING
def test_a_read_at_the_centre_is_stale_while_the_write_is_on_its_way(
    emulator: Emulator, kv: KV, emulator_clock: EmulatorClock
) -> None:
    tokyo = kv.at("NRT")
    kv.put("k", "v")
    tokyo.get("k")
    assert (last_event(emulator).cache_status, seen(emulator)) == ("MISS", (None, 1))
    tokyo.list()
    assert (last_event(emulator).cache_status, last_event(emulator).newer_version) == ("MISS", 1)
    kv.get("k")
    assert seen(emulator) == (1, None)
    emulator_clock.advance(60)
    tokyo.get("k")
    assert seen(emulator) == (1, None)


def test_a_read_past_dropped_replication_is_stale(
    emulator: Emulator, kv: KV, faults: Faults, emulator_clock: EmulatorClock
) -> None:
    kv.put("k", "old")
    emulator_clock.advance(1)
    faults.add("drop_replication", to="NRT", for_s=600)
    kv.put("k", "new")
    kv.at("NRT").get("k")
    assert seen(emulator) == (1, 2)
    kv.at("LHR").get("k")
    assert seen(emulator) == (2, None)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_who_sees_the_last_write_is_not_stale_though_others_still_wait_for_it(kind: str, tmp_path: Path) -> None:
    """Whatever the store: one of them gives another object for the same entry at each read."""
    store: Store = MemoryStore() if kind == "memory" else await SqliteStore.open(tmp_path / "state.sqlite")
    clock = MovableClock.frozen_at(NOON_MS)
    profile = compose("cloudflare", lag_ms=(600_000, 600_000))
    service = KVService(store, clock=clock, profile=profile, dice=Dice(0))
    await service.put("SJC", PutRequest(b"k", b"v"))
    clock.advance(60_000)
    await service.get("SJC", b"k")
    await service.list("SJC", ListRequest())
    await service.get("NRT", b"k")
    assert [(event.operation, event.version, event.newer_version) for event in service.journal.after(1)] == [
        ("get", 1, None),
        ("list", None, None),
        ("get", None, 1),
    ]
    await service.close()
