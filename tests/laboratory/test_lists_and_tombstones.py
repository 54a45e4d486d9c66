"""A list walks keys lately deleted or expired: pages are short or empty, and only `list_complete` is the truth."""

import pytest

from queue_emulator.core.errors import KVError
from queue_emulator.testing import KV, Emulator, EmulatorClock
from tests.laboratory.looking import every_name, names, pages

SIX = ["a", "b", "c", "d", "e", "f"]


def fill(kv: KV, keys: list[str], **options: int) -> None:
    for key in keys:
        kv.put(key, "", **options)


def test_deleted_keys_leave_short_pages_with_a_cursor(kv: KV) -> None:
    fill(kv, SIX)
    kv.delete("b")
    kv.delete("e")
    assert pages(kv, limit=2) == [["a"], ["c", "d"], ["f"]]


def test_a_page_of_deleted_keys_alone_is_empty_and_goes_on(kv: KV) -> None:
    fill(kv, SIX)
    for key in SIX[:4]:
        kv.delete(key)
    first = kv.list(limit=2)
    assert (first.keys, first.list_complete, first.cursor is None) == ((), False, False)
    assert pages(kv, limit=2) == [[], [], ["e", "f"]]
    assert pages(kv, limit=6) == [["e", "f"]]


def test_expired_keys_are_walked_too(kv: KV, emulator_clock: EmulatorClock) -> None:
    fill(kv, SIX[:4], expiration_ttl=60)
    fill(kv, SIX[4:])
    emulator_clock.advance(60)
    assert pages(kv, limit=2) == [[], [], ["e", "f"]]


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


def test_tombstones_are_forgotten_after_an_hour(kv: KV, emulator_clock: EmulatorClock) -> None:
    fill(kv, SIX)
    for key in SIX[:4]:
        kv.delete(key)
    emulator_clock.advance(3599.999)
    assert pages(kv, limit=2) == [[], [], ["e", "f"]]
    emulator_clock.advance(60)
    assert pages(kv, limit=2) == [["e", "f"]]


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


@pytest.mark.queue_emulator(profile="local")
def test_the_local_runtime_never_gives_an_empty_page_that_is_not_the_last(kv: KV) -> None:
    fill(kv, SIX)
    for key in SIX[:4]:
        kv.delete(key)
    assert pages(kv, limit=1) == [["e"], ["f"]]


def test_a_cursor_survives_inserts_and_deletes_between_pages(kv: KV) -> None:
    fill(kv, SIX)
    first = kv.list(limit=2)
    kv.put("aa", "before the cursor")
    kv.put("bb", "behind the cursor")
    kv.delete("b")  # the very key that the page ended on
    kv.delete("d")
    second = kv.list(limit=3, cursor=first.cursor)
    assert [key.name for key in first.keys] == ["a", "b"]
    assert [key.name for key in second.keys] == ["bb", "c"]
    assert names(kv, limit=3, cursor=second.cursor) == ["e", "f"]


def test_a_cursor_is_good_long_after_every_key_before_it_is_forgotten(kv: KV, emulator_clock: EmulatorClock) -> None:
    fill(kv, SIX)
    cursor = kv.list(limit=3).cursor
    for key in SIX[:3]:
        kv.delete(key)
    emulator_clock.advance(7200)
    assert names(kv, cursor=cursor) == ["d", "e", "f"]


def test_an_empty_cursor_is_the_first_page(kv: KV) -> None:
    fill(kv, SIX)
    assert names(kv, cursor="", limit=2) == ["a", "b"]


@pytest.mark.parametrize("cursor", ["garbage", "AAAA", "\u00e9"])
def test_a_cursor_that_no_list_gave_is_refused(kv: KV, cursor: str) -> None:
    with pytest.raises(KVError, match=r"^KV GET failed: 400 Invalid list keys cursor$"):
        kv.list(cursor=cursor)


def test_a_cursor_is_good_for_its_own_prefix_only(kv: KV) -> None:
    fill(kv, ["task:1", "task:2"])
    cursor = kv.list(prefix="task:", limit=1).cursor
    assert names(kv, prefix="task:", cursor=cursor) == ["task:2"]
    with pytest.raises(KVError, match="400 Invalid list keys cursor"):
        kv.list(prefix="task", cursor=cursor)


@pytest.mark.queue_emulator(profile="local")
def test_the_local_runtime_takes_any_cursor(kv: KV) -> None:
    fill(kv, SIX)
    assert names(kv, cursor="garbage") == []
    assert names(kv, cursor=kv.list(prefix="b", limit=1).cursor) == SIX


def test_the_worker_s_queue_lists_only_what_lives(emulator: Emulator, kv: KV) -> None:
    """A thousand keys finished before the first that waits: one page, empty, and the Worker asks for no second."""
    done = [{"key": f"queue:task:{number:04d}", "value": "{}"} for number in range(1000)]
    assert emulator.load([*done, {"key": "queue:task:waiting", "value": "{}"}]) == 1001
    for entry in done:
        kv.delete(entry["key"])
    assert emulator.get("/api/queue").json() == {"pending": [], "count": 0}
    assert every_name(kv, prefix="queue:task:") == ["queue:task:waiting"]


def test_a_list_that_meets_thousands_of_forgotten_keys_still_finds_what_lives(
    emulator: Emulator, kv: KV, emulator_clock: EmulatorClock
) -> None:
    emulator.load([{"key": f"{number:05d}", "value": "", "expiration_ttl": 60} for number in range(5000)])
    emulator.load([{"key": "02500!", "value": ""}, {"key": "9", "value": ""}])
    emulator_clock.advance(7200)
    assert pages(kv, limit=10) == [["02500!", "9"]]
    emulator_clock.advance(60)
    assert every_name(kv, limit=1) == ["02500!", "9"]
