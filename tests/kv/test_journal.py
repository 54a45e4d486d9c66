"""The journal: every operation in order, the last so many of them, each as a line of JSON."""

import json

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
