"""A list walks keys lately deleted or expired: what of them is forgotten, when, and what the Worker makes of it."""

import pytest

from queue_emulator.testing import KV, Emulator, EmulatorClock
from tests.laboratory.looking import every_name, names, pages

SIX = ["a", "b", "c", "d", "e", "f"]


def fill(kv: KV, keys: list[str], **options: int) -> None:
    for key in keys:
        kv.put(key, "", **options)


def test_the_last_page_may_be_empty_too(kv: KV) -> None:
    fill(kv, SIX[:3])
    kv.delete("c")
    assert pages(kv, limit=2) == [["a", "b"], []]


def test_a_deleted_key_written_again_is_listed_once(kv: KV, emulator_clock: EmulatorClock) -> None:
    fill(kv, SIX)
    kv.delete("c")
    emulator_clock.advance(1)
    kv.put("c", "again")
    assert pages(kv, limit=2) == [["a", "b"], ["c", "d"], ["e", "f"]]


def test_tombstones_of_another_prefix_are_not_walked(kv: KV) -> None:
    fill(kv, ["lease:1", "lease:2", "task:1", "task:2"])
    kv.delete("lease:1")
    kv.delete("lease:2")
    assert pages(kv, prefix="task:", limit=1) == [["task:1"], ["task:2"]]


@pytest.mark.queue_emulator(tombstone_life_s=120)
def test_the_life_of_a_tombstone_is_a_setting(kv: KV, emulator_clock: EmulatorClock) -> None:
    fill(kv, SIX[:3], expiration_ttl=60)
    fill(kv, SIX[3:])
    kv.delete("d")
    emulator_clock.advance(119.999)
    assert pages(kv, limit=2) == [[], [], ["e", "f"]]
    emulator_clock.advance(60)
    assert pages(kv, limit=2) == [[], ["e"], ["f"]]  # the deleted is forgotten; the expired went a minute later
    emulator_clock.advance(60)
    assert pages(kv, limit=2) == [["e", "f"]]


@pytest.mark.queue_emulator(without=["tombstones"])
def test_without_tombstones_every_page_but_the_last_is_full(kv: KV, emulator_clock: EmulatorClock) -> None:
    fill(kv, ["b2", "c2"], expiration_ttl=60)
    fill(kv, SIX)
    kv.delete("b")
    emulator_clock.advance(60)
    assert pages(kv, limit=2) == [["a", "c"], ["d", "e"], ["f"]]


def test_a_cursor_is_good_long_after_every_key_before_it_is_forgotten(kv: KV, emulator_clock: EmulatorClock) -> None:
    fill(kv, SIX)
    cursor = kv.list(limit=3).cursor
    for key in SIX[:3]:
        kv.delete(key)
    emulator_clock.advance(7200)
    assert names(kv, cursor=cursor) == ["d", "e", "f"]


def test_the_worker_s_queue_lists_only_what_lives(emulator: Emulator, kv: KV) -> None:
    """A thousand keys finished before the first that waits: one page, empty, and the Worker asks for no second."""
    done = [{"key": f"queue:task:{number:04d}", "value": "{}"} for number in range(1000)]
    assert emulator.load([*done, {"key": "queue:task:waiting", "value": "{}"}]) == 1001
    for entry in done:
        kv.delete(entry["key"])
    assert emulator.get("/api/queue").json() == {"pending": [], "count": 0}
    assert every_name(kv, prefix="queue:task:") == ["queue:task:waiting"]
