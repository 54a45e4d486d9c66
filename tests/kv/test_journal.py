"""The journal: every operation in order, the last so many of them, each as a line of JSON."""

import asyncio
import json

import pytest

from queue_emulator.core.journal import Event
from queue_emulator.kv.journal import Journal


def noted(journal: Journal, *keys: bytes) -> None:
    for key in keys:
        journal.note(1, 3, 4, 5, "SJC", "i", "r", "get", key)


def positions(journal: Journal, after: int, limit: int | None = None) -> list[int]:
    return [event.position for event in journal.after(after, limit)]


def test_events_are_numbered_from_one_in_their_order() -> None:
    journal = Journal()
    assert (journal.last_position, journal.first_position, positions(journal, 0)) == (0, 1, [])
    noted(journal, b"a", b"b", b"c")
    assert [(event.position, event.key) for event in journal.after(0)] == [(1, b"a"), (2, b"b"), (3, b"c")]
    assert (journal.first_position, journal.last_position) == (1, 3)


def test_events_after_a_position_are_given_up_to_a_limit() -> None:
    journal = Journal()
    noted(journal, b"a", b"b", b"c", b"d")
    assert (positions(journal, 2), positions(journal, 1, 2), positions(journal, 4), positions(journal, 0, 0)) == (
        [3, 4],
        [2, 3],
        [],
        [],
    )


def test_the_oldest_events_are_forgotten_when_there_are_too_many() -> None:
    journal = Journal(events_max=2)
    noted(journal, b"a", b"b", b"c")
    assert (positions(journal, 0), journal.first_position, journal.last_position) == ([2, 3], 2, 3)


def test_events_that_are_alike_are_numbered_read_and_forgotten_like_others() -> None:
    journal = Journal(events_max=4)
    noted(journal, b"a")
    journal.note(2, 3, 4, 5, "SJC", "i", "r", "put", b"b", None, 0, 7)
    journal.note_alike([b"c", b"d"])
    noted(journal, b"e")

    def event(position: int, key: bytes, version: int) -> Event:
        return Event(position, 2, 3, 4, 5, "SJC", "i", "r", "put", key, version=version)

    alike = [event(2, b"b", 7), event(3, b"c", 8), event(4, b"d", 9)]
    assert [*journal.after(0)][:3] == alike
    assert [*journal.after(2, 1)] == [event(3, b"c", 8)]
    noted(journal, b"f", b"g")
    assert [*journal.after(0, 1)] == [event(4, b"d", 9)]
    assert (positions(journal, 0), journal.first_position, journal.last_position) == ([4, 5, 6, 7], 4, 7)


def test_the_last_event_is_one_of_those_that_are_alike_and_a_copy_has_them_too() -> None:
    journal = Journal()
    noted(journal, b"a")
    journal.note_alike([b"b", b"c"])
    copied = journal.copy()
    noted(journal, b"d")
    assert copied.last == Event(3, 1, 3, 4, 5, "SJC", "i", "r", "get", b"c")
    assert positions(copied, 0) == [1, 2, 3]


@pytest.mark.anyio
async def test_who_follows_gets_each_of_the_events_that_are_alike() -> None:
    journal = Journal()
    noted(journal, b"a")
    events = journal.follow(0)
    assert (await anext(events)).key == b"a"
    following = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    journal.note_alike([b"b", b"c"])
    assert [(each.position, each.key) for each in (await following, await anext(events))] == [(2, b"b"), (3, b"c")]


def test_cleared_it_goes_on_counting() -> None:
    journal = Journal()
    noted(journal, b"a", b"b")
    journal.clear()
    assert (positions(journal, 0), journal.first_position) == ([], 3)
    noted(journal, b"c")
    assert positions(journal, 0) == [3]


def test_an_event_that_saw_an_older_version_is_stale() -> None:
    assert not Event(1, 1, 3, 4, 5, "SJC", "", "", "get", b"k", version=2).stale
    assert Event(1, 1, 3, 4, 5, "SJC", "", "", "get", b"k", version=2, newer_version=3).stale


def test_an_event_is_one_line_of_json_that_leaves_out_what_says_nothing() -> None:
    event = Event(
        1, 9, 3, 4, 5, "SJC", "i", "GET /é", "get", b"\xffk\n", cache_status="HIT", age_ms=7, version=2, newer_version=3
    )
    line = event.to_json_line()
    assert "\n" not in line
    assert json.loads(line) == {
        "position": 1,
        "id": 9,
        "asked_ms": 3,
        "begun_ms": 4,
        "done_ms": 5,
        "location": "SJC",
        "invocation": "i",
        "route": "GET /é",
        "operation": "get",
        "key": "\ufffdk\n",
        "cacheStatus": "HIT",
        "age_ms": 7,
        "version": 2,
        "stale": True,
        "newerVersion": 3,
    }
    plain = json.loads(Event(1, 1, 3, 4, 5, "SJC", "", "r", "list", b"", keys=0, failed="why").to_json_line())
    assert {"keys": 0, "failed": "why"}.items() <= plain.items()
    assert not {"cacheStatus", "age_ms", "version", "stale", "newerVersion", "invocation"} & set(plain)
