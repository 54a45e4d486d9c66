"""What runs of a Worker in JavaScript have done: one that is told the same does the same, and need not be run.

This holds for a Worker whose runs follow from what they are told: the request, what comes of what they ask for, the
time where their code looks at it, and chance where it draws. What is known is what happened twice. A Worker that keeps
something between requests, as in a variable of a module, does another thing sooner or later: from then on nothing is
known of it, and every run runs.
"""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from queue_emulator.explore.live_run import Event, Input, LiveRun, Over, Reaction

PLACES_MAX = 30_000  # what would be remembered beyond that is forgotten, and learned again
_CHECKED_EVERY = 64  # one of so many runs is run though all of it is known
_BEGINS = -1


@dataclass(slots=True, eq=False)
class _RunState:
    """Where a run stands: what it did last, how often that was seen, and how it went on, by what it was told."""

    events: tuple[Event, ...] = ()
    times: int = 0
    after: "dict[Hashable, _Ways]" = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Ways:
    """How it went on where it was told one thing; by the time and by chance, if it has looked at them."""

    looked: bool
    drew: bool
    to: dict[tuple[int, int], _RunState] = field(default_factory=dict)

    def seen(self, now_ms: int, chance: int) -> tuple[int, int]:
        return now_ms if self.looked else 0, chance if self.drew else 0


class KnownRuns:
    """All that is known. `steady`: nothing has ever happened that was not as it was known."""

    def __init__(self) -> None:
        self.steady = True
        self.places = 0
        self._begun = 0
        self._afresh = False
        self._first = _RunState()

    def begin(self, of: Hashable, live: LiveRun, chance: int) -> "KnownRun":
        """A run, of which `of` says all that its code can see but the time and chance."""
        self._begun += 1
        return KnownRun(self, live, self._first, of, chance)

    @contextmanager
    def afresh(self) -> Iterator[None]:
        """What begins meanwhile runs, whatever is known."""
        self._afresh = True
        try:
            yield
        finally:
            self._afresh = False

    @property
    def asked(self) -> bool:
        """Whether a run that begins follows what is known."""
        return self.steady and not self._afresh

    def checks(self, place: _RunState) -> bool:
        """Whether a run that began as another one is run at its end, to see whether it does all the same."""
        return place.times == 1 or self._begun % _CHECKED_EVERY == 0

    def next(self, place: _RunState, key: Hashable, now_ms: int, chance: int) -> _RunState | None:
        """Where a run stands that is told this here; None if that is not known."""
        ways = place.after.get(key)
        return None if ways is None else ways.to.get(ways.seen(now_ms, chance))

    def learn(self, place: _RunState, key: Hashable, told: tuple[int, int], heard: Reaction) -> _RunState:
        """So it went on from there, told the time and chance."""
        if not self.steady:
            return place
        ways = place.after.get(key)
        if ways is None:
            ways = place.after[key] = _Ways(heard.looked, heard.drew)
        seen = ways.seen(*told)
        then = ways.to.get(seen)
        if then is None:
            self._make_room()
            then = ways.to[seen] = _RunState(heard.events)
        elif (then.events, ways.looked, ways.drew) != heard:
            self.unsteady()
        then.times += 1
        return then

    def unsteady(self) -> None:
        """Forget all, for good."""
        self.steady = False
        self._first.after.clear()

    def _make_room(self) -> None:
        if self.places >= PLACES_MAX:
            self._first.after.clear()  # runs that are on their way keep what is before them
            self.places = 0
        self.places += 1


class Went(NamedTuple):
    """What a run did. `anew`: it has not done what was known, and waits for what is in `events`, by these places."""

    events: tuple[Event, ...]
    anew: Sequence[int] | None = None


class KnownRun:
    """One run: as it is known, and from where that ends as it runs."""

    def __init__(self, known: KnownRuns, live: LiveRun, first: _RunState, of: Hashable, chance: int) -> None:
        self._known = known
        self._live = live
        self._of = of
        self._chance = chance
        self._path: list[tuple[Input, _RunState]] = []
        self._place = first
        self._runs = not known.asked
        self._checked = False

    def begin(self, now_ms: int) -> Went:
        return self.tell(Input(now_ms, _BEGINS))

    def tell(self, told: Input) -> Went:
        """On from there."""
        key = self._of if told.place == _BEGINS else told[1:]
        if not self._runs:
            place = self._known.next(self._place, key, told.now_ms, self._chance)
            if place is not None:
                return self._follow(told, place)
            if not self._catch_up():
                return Went(self._live.all_there_is, list(self._live.waiting))
        heard = self._do(told)
        self._place = self._known.learn(self._place, key, (told.now_ms, self._chance), heard)
        return Went(heard.events)

    def _follow(self, told: Input, place: _RunState) -> Went:
        self._path.append((told, place))
        self._place = place
        if told.place == _BEGINS:
            self._checked = self._known.checks(place)
        if self._checked and any(isinstance(each, Over) for each in place.events) and not self._catch_up():
            return Went(self._live.all_there_is, list(self._live.waiting))
        return Went(place.events)

    def end(self) -> None:
        """Have it ended, whether it has answered or not."""
        self._live.end()

    def _catch_up(self) -> bool:
        """Run what was taken as known so far; whether it was right."""
        self._runs = True
        for told, place in self._path:
            if self._do(told, len(place.events)).events != place.events:
                self._known.unsteady()
                self._place = _RunState()
                return False
            place.times += 1
        self._live.caught_up()
        return True

    def _do(self, told: Input, known: int | None = None) -> Reaction:
        if told.place == _BEGINS:
            return self._live.begin(told.now_ms, known)
        return self._live.tell(told, known)
