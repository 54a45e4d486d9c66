"""What a journal holds, as a story that is drawn: a lane for each location, a request for each run of a Worker."""

from collections.abc import Sequence

from queue_emulator.core.journal import Event
from queue_emulator.core.journal_words import run_words
from queue_emulator.drawing.story import Begin, End, Lane, Moment, Mood, Story, operation

_GAP_MS = 500
_LANES_MAX = 3  # at one location: runs that are under way at the same time share no lane


def journal_story(events: Sequence[Event], *, of_key: str | None = None) -> Story:
    """Of events in their order, of at least one."""
    telling = _Telling(events)
    for event in events:
        telling.event(event)
    stale = sum(event.stale for event in events)
    failed = sum(event.failed is not None for event in events)
    title = "The journal" if of_key is None else f"The life of {of_key}"
    counts = f"{len(events)} KV operations, {stale} of them stale, {failed} failed"
    return Story("journal", title, (("It shows", counts),), tuple(telling.lanes.values()), tuple(telling.moments))


class _Telling:
    """What was told so far. A run stays in its lane from its first operation to its last."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.lanes: dict[str, Lane] = {}
        self.moments: list[Moment] = []
        self._last = {_run(event): position for position, event in enumerate(events)}
        self._open: dict[str, tuple[int, str]] = {}
        self._last_ms = self._shown_ms = 0
        self._number = 0
        self._position = 0

    def event(self, event: Event) -> None:
        run, at_ms = _run(event), self._at_ms(event)
        if run not in self._open:
            self._number += 1
            lane = self._free_lane(event.location)
            self._open[run] = (self._number, lane)
            title = run_words(event.route or _unnamed(event), event.worker_version)
            self.moments.append(Begin(self._number, at_ms, lane, title))
        number, _ = self._open[run]
        self.moments.append(operation(event, number, event.position)._replace(at_ms=at_ms))
        if self._last[run] == self._position:
            del self._open[run]
            mood = Mood.BAD if event.failed is not None else Mood.PLAIN
            said = "failed" if event.failed is not None else "done"
            self.moments.append(End(number, at_ms, said, mood))
        self._position += 1

    def _at_ms(self, event: Event) -> int:
        """When it was, as far as that is worth drawing: moments that are close together are one."""
        gap_ms = event.begun_ms - self._last_ms if self._position else 0
        self._last_ms = event.begun_ms
        self._shown_ms += round(gap_ms, -2) if abs(gap_ms) >= _GAP_MS else 0
        return self._shown_ms

    def _free_lane(self, location: str) -> str:
        taken = {lane for _, lane in self._open.values()}
        number = 1
        while (name := location if number == 1 else f"{location} {number}") in taken and number < _LANES_MAX:
            number += 1
        self.lanes.setdefault(name, Lane(name, location))
        return name


def _run(event: Event) -> str:
    """What belongs together: a run, or where there is none, an operation."""
    return event.invocation or f"operation {event.id}"


def _unnamed(event: Event) -> str:
    return "API" if event.location == "API" else "seed"
