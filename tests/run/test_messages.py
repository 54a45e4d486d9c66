"""What the user of `run` is told, and when: of a tool that is slow nothing is said that turns out to be wrong."""

from queue_emulator.run.messages import Announcements
from queue_emulator.run.reports import Bound, BoundNamespace, Loaded, Ready

PLACE = BoundNamespace("FLAGS", "flags", "SJC")
READY = Ready("vitest 4", "4.2", "process", 1, {"SJC": "http://127.0.0.1:1/"}, {}, None)


def announcements(said: list[str]) -> Announcements:
    return Announcements("http://127.0.0.1:2/", ("SJC",), {}, said.append)


def test_a_tool_that_is_slow_is_said_to_have_none_so_far_and_then_what_it_has() -> None:
    said: list[str] = []
    told = announcements(said)
    told.warn()
    for report in (Loaded("vitest 4", "4.2"), Bound("vitest 4", (PLACE,)), READY, READY):
        told.take(report)
    told.ended(0)
    assert len(said) == 2
    assert "no miniflare was found in the command so far: until one is, its KV is not this emulator's" in said[0]
    assert "uses this KV: FLAGS = flags; location SJC" in said[1]


def test_a_tool_that_is_there_in_time_is_not_warned_of() -> None:
    said: list[str] = []
    told = announcements(said)
    told.take(Loaded("vitest 4", "4.2"))
    told.warn()
    assert said == []
