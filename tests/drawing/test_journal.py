"""A journal as a picture: what belongs together is together, and what was stale or failed says so."""

from msgspec import structs

from queue_emulator.core.journal import Event
from queue_emulator.drawing.journal import journal_story
from queue_emulator.drawing.picture import picture
from queue_emulator.drawing.story import Begin, End, Operation


def event(position: int, at_ms: int, location: str, run: str, key: bytes) -> Event:
    return Event(position, position, at_ms, at_ms, at_ms, location, run, "GET /api/queue", "get", key)


def test_runs_at_the_same_time_have_a_lane_each_and_end_with_their_last_operation() -> None:
    events = [
        event(1, 0, "SJC", "a", b"x"),
        event(2, 0, "SJC", "b", b"x"),
        event(3, 0, "NRT", "c", b"x"),
        event(4, 2_000, "SJC", "a", b"y"),
        event(5, 2_000, "SJC", "d", b"z"),
    ]
    story = journal_story(events)
    lanes = {moment.number: moment.lane for moment in story.moments if isinstance(moment, Begin)}
    assert lanes == {1: "SJC", 2: "SJC 2", 3: "NRT", 4: "SJC"}
    assert [lane.location for lane in story.lanes] == ["SJC", "SJC", "NRT"]
    assert [moment.number for moment in story.moments if isinstance(moment, End)] == [2, 3, 1, 4]


def test_moments_that_are_close_together_are_drawn_as_one() -> None:
    story = journal_story(
        [event(1, 100, "SJC", "a", b"x"), event(2, 130, "SJC", "b", b"x"), event(3, 1_930, "SJC", "c", b"x")]
    )
    assert [moment.at_ms for moment in story.moments if isinstance(moment, Operation)] == [0, 0, 1_800]


def test_what_was_stale_or_failed_and_what_a_key_holds_are_drawn_as_text() -> None:
    events = [
        structs.replace(
            event(1, 0, "NRT", "a", b"<script>"), cache_status="HIT", age_ms=41_000, version=1, newer_version=2
        ),
        structs.replace(event(2, 0, "NRT", "b", b"k"), failed="KV GET failed: 500 Internal Server Error"),
    ]
    drawn = picture(journal_story(events, of_key="<script>"))
    assert "STALE: not v2" in drawn
    assert "2 KV operations, 1 of them stale, 1 failed" in drawn
    assert "<script>" not in drawn
