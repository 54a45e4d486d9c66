"""The schedules of one scenario, in the order of how many deviations they have.

A deviation is a switch to another actor in the midst of a request, a pause that is not the usual one, a fault, or
another order of operations that one request asks for at once. Most of what breaks a queue needs one or two of them. Any
order of whole requests has none.

A deviation counts as two where it can hardly matter:
- a switch, if the other actor touches nothing that the request touches both before and after it (explore/conflicts.py)
- a pause in the midst of a request

It counts as one more where its time can hardly matter:
- no time passes, and the actor puts no key that was put just now
- the next key expires, and the actor, or the request, has nothing to do with that key
- a minute passes, and there is one location only, so that no copy is old

Among schedules with as many deviations, those come first in which fewer requests were begun out of the usual order.
Among these, those come first in which a pause ends at once or when a key expires.

A schedule is as another one that was run up to some place, deviates there, and goes on as usual. Those that deviate at
one place follow each other, so that what comes before it is done once for all of them.
"""

from array import array
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from queue_emulator.explore.conflicts import Conflicts, Of, around
from queue_emulator.explore.draws import Draws
from queue_emulator.explore.history import Happening
from queue_emulator.explore.options import options
from queue_emulator.explore.roots import Roots
from queue_emulator.explore.scenarios import KILLED, Scenario
from queue_emulator.explore.turns import AT_ONCE_MS, EXPIRY_MS, MINUTE_MS, USUAL_MS, Choice
from queue_emulator.explore.world import World

_KEPT_MAX = 100  # schedules to go on from, for each number of deviations: more are not come to in half an hour
_PUT_OFF_MAX = 500  # places at which nothing speaks for a choice, likewise
_PLACE_BITS = 16


class Fork(NamedTuple):
    """Where a run could have gone another way.

    others  what else could have been chosen
    last    who did the operation before
    amidst  whether that one had more to do in the same request
    steps   how many KV operations there had been
    ending  the keys that would end next
    put     those that could not be put again at once
    """

    others: tuple[Choice, ...]
    last: str | None
    amidst: bool
    steps: int
    ending: frozenset[bytes]
    put: frozenset[bytes]


class Tried(NamedTuple):
    """A schedule that was run.

    made        what was chosen
    places      where something else could have been, up to the last choice
    happenings  until it settled
    """

    world: World
    made: tuple[Choice, ...]
    places: tuple[Fork, ...]
    happenings: Sequence[Happening]


class Usual(NamedTuple):
    """The usual run of a scenario, and what runs have shown in which each actor was the first."""

    run: Tried
    conflicts: Conflicts
    roots: Roots


def usual(scenario: Scenario) -> Usual:
    """What every search in this scenario begins with."""
    run, conflicts = _to_the_end(World(scenario)), Conflicts()
    for actor in scenario.actors:
        world = World(scenario)
        world.do(Choice(actor.name))
        conflicts.see(_to_the_end(world).happenings)
    return Usual(run, conflicts, Roots(scenario))


class _Kind(NamedTuple):
    """How far a choice is from the usual, and whether it is made for what time brings, which few choices are."""

    weight: int
    odd_time: bool


class _Stem(NamedTuple):
    """A schedule that was run, from whose places others go on.

    level     how many deviations it has
    switches  how many times another request than the usual one was begun, none of which is a deviation
    usual     whether it is the usual run
    faulted   whether a fault was chosen
    seen      its operations
    """

    level: int
    switches: int
    usual: bool
    faulted: bool
    made: tuple[Choice, ...]
    places: tuple[Fork, ...]
    seen: Sequence[Of]

    def length(self, place: int) -> int:
        """How many choices there were before a place."""
        return len(self.made) - len(self.places) + place

    def by_kind(self, place: int) -> dict[_Kind, tuple[Choice, ...]]:
        return _by_kind(self.places[place], self.usual, self.faulted)


class _Branches(NamedTuple):
    """What is tried at one place of a stem, in this order, though nothing speaks for it."""

    stem: _Stem
    place: int
    choices: tuple[Choice, ...]
    odd_time: bool


class ByDeviations:
    """The schedules of one scenario. `level`: how many deviations the next one has; None when there is none.

    With a `lane` of `lanes`, those that it has a share in; the usual run is lane 0's.
    """

    def __init__(self, known: Usual, draws: Draws, *, lane: int | None = None, lanes: int = 1) -> None:
        self.scenario = known.run.world.scenario
        self.level: int | None = 0
        self._roots = known.roots
        self._draws = draws
        self._conflicts = known.conflicts.copy()
        self._several = _several_copies(self.scenario)
        self._interned: dict[Fork, Fork] = {}
        self._stems: dict[int, list[_Stem]] = {}
        self._put_off: dict[int, list[_Branches]] = {}
        self._from: list[_Stem | _Branches] = []
        self._now: dict[tuple[int, bool], array[int]] = {}  # a number for each place: an object is ten times as large
        self._branches: list[Choice] = []
        self._at: tuple[_Stem, int] | None = None
        self._root: World | None = None
        self._first: World | None = known.run.world
        self._learn(known.run if lane is None else _share(known.run, lane, lanes), 0, 0, usual=True)
        if lane:
            self._first = None
            self._next_place()

    def run(self) -> World:
        """The next schedule, settled."""
        if self._first is not None:
            world, self._first = self._first, None
        else:
            assert self.level is not None and self._at is not None
            stem = self._at[0]
            tried = self._branch()
            self._learn(tried, self.level, stem.switches + (self.level == stem.level), usual=False)
            world = tried.world
        if not self._branches:
            self._next_place()
        return world

    def _branch(self) -> Tried:
        """The next choice of the place that is tried now, and as usual from there."""
        assert self._at is not None
        if self._root is None:
            stem, place = self._at
            self._root = self._roots.world(stem.made[: stem.length(place)])
        choice = self._branches.pop()
        stem, place = self._at
        world = self._root.copy() if self._branches else self._root
        if world is None or world is self._root:  # the last one, or one that cannot be copied
            world, self._root = self._root, None
        world.do(choice)
        at = stem.places[place]._replace(others=_orders(world, choice))
        return _to_the_end(world, (at,) if at.others else ())

    def _learn(self, tried: Tried, level: int, switches: int, *, usual: bool) -> None:
        """What goes on from here is tried later."""
        seen = self._conflicts.see(tried.happenings)
        faulted = any(choice.fault for choice in tried.made)
        weights = {kind.weight for place in dict.fromkeys(tried.places) for kind in _by_kind(place, usual, faulted)}
        of = [stems for weight in weights if len(stems := self._stems.setdefault(level + weight, [])) < _KEPT_MAX]
        if of:  # else nothing of it is kept
            places = tuple([self._interned.setdefault(place, place) for place in tried.places])
            stem = _Stem(level, switches, usual, faulted, tried.made, places, seen)
            for stems in of:
                stems.append(stem)

    def _next_place(self) -> None:
        """A place where something is to be tried that has as few deviations as any."""
        self._at = self._root = None
        while not self._branches:
            while not self._now:
                if not self._next_level():
                    return
            first = min(self._now)
            places = self._now[first]
            other = self._draws.below(len(places))
            places[other], places[-1] = places[-1], places[other]
            self._begin(places.pop(), odd_time=not first[1])
            if not places:
                del self._now[first]

    def _next_level(self) -> bool:
        self.level = min((*self._stems, *self._put_off), default=None)
        if self.level is None:
            return False
        self._interned.clear()
        self._from = [*self._put_off.pop(self.level, ()), *self._stems.pop(self.level, ())]
        for number, each in enumerate(self._from):
            if isinstance(each, _Branches):
                self._wait(each.stem, each.odd_time, number << _PLACE_BITS)
                continue
            for place in range(len(each.places)):
                for kind in each.by_kind(place):
                    if kind.weight == self.level - each.level:
                        self._wait(each, kind.odd_time, number << _PLACE_BITS | place)
        return True

    def _wait(self, stem: _Stem, odd_time: bool, number: int) -> None:
        """Few switches come before many, and few choices before many."""
        self._now.setdefault((stem.switches, not odd_time), array("Q")).append(number)

    def _begin(self, number: int, *, odd_time: bool) -> None:
        """What nothing speaks for by now comes one level later."""
        assert self.level is not None
        stem, place = self._from[number >> _PLACE_BITS], number & ((1 << _PLACE_BITS) - 1)
        if isinstance(stem, _Branches):
            self._at, self._branches = (stem.stem, stem.place), [*reversed(stem.choices)]
            return
        choices = stem.by_kind(place)[_Kind(self.level - stem.level, odd_time)]
        speaks = self._speaks_for(stem, stem.places[place])
        unlikely = tuple([choice for choice in choices if not speaks(choice)])
        later = self._put_off.setdefault(self.level + 1, [])
        if unlikely and len(later) < _PUT_OFF_MAX:
            later.append(_Branches(stem, place, unlikely, odd_time))
        self._at, self._branches = (stem, place), [choice for choice in reversed(choices) if speaks(choice)]

    def _speaks_for(self, stem: _Stem, place: Fork) -> Callable[[Choice], bool]:
        """Whether anything speaks for a choice, as far as runs have shown."""
        between = around(stem.seen, place.steps) if place.amidst else None
        known = self._conflicts

        def speaks(choice: Choice) -> bool:
            actor, pause_ms = choice.actor, choice.pause_ms
            switch = between is not None and actor != place.last
            if between is not None and switch and not known.likely(between, actor):
                return False
            if pause_ms == AT_ONCE_MS:
                return known.writes(actor, place.put)
            if pause_ms == MINUTE_MS:
                return self._several
            if pause_ms == EXPIRY_MS:
                return known.amid(between, place.ending) if between is not None else known.touches(actor, place.ending)
            return True

        return speaks


def _to_the_end(world: World, before: Sequence[Fork] = ()) -> Tried:
    """As usual from here on; `before` are places that are known already."""
    places = [*before]
    while choices := options(world, ending := world.next_to_end()):
        place = Fork(choices[1:], world.last, world.amidst, world.steps, ending, world.just_put())
        world.do(choices[0])
        orders = _orders(world, choices[0])
        places.append(place._replace(others=(*place.others, *orders)) if orders else place)
    made, until = tuple([each.choice for each in world.made]), len(world.history.happenings)
    history = world.settle()
    return Tried(world, made, tuple(places), history.happenings[:until])


def _several_copies(scenario: Scenario) -> bool:
    """Whether one may be shown what another has changed: else a minute without anybody makes nothing newer."""
    return scenario.machines > 1 or len({actor.location for actor in scenario.actors}) > 1


def _orders(world: World, choice: Choice) -> tuple[Choice, ...]:
    """The choice that was just made, with each other operation that its request waited for at once."""
    if choice.going != 1 or choice.fault == KILLED:
        return ()
    return tuple([choice._replace(going=going) for going in range(2, world.waited + 1)])


def _share(run: Tried, lane: int, lanes: int) -> Tried:
    """The same with only those deviations that are one lane's: they are dealt out, one to each in turn."""
    number, places = 0, list[Fork]()
    for place in run.places:
        mine = [choice for at, choice in enumerate(place.others, number) if at % lanes == lane]
        number += len(place.others)
        places.append(place._replace(others=tuple(mine)))
    return run._replace(places=tuple(places))


@lru_cache(maxsize=8_192)
def _by_kind(place: Fork, usual: bool, faulted: bool) -> dict[_Kind, tuple[Choice, ...]]:
    """What can be chosen."""
    found: dict[_Kind, list[Choice]] = {}
    for choice in place.others:
        kind = _Kind(_weight(choice, place, usual=usual, faulted=faulted), choice.pause_ms in (AT_ONCE_MS, EXPIRY_MS))
        found.setdefault(kind, []).append(choice)
    return {kind: tuple(choices) for kind, choices in found.items()}


def _weight(choice: Choice, place: Fork, *, usual: bool, faulted: bool) -> int:
    """How far a choice is from the usual.

    Most faults do harm by themselves: one in another than the `usual` run counts double, as does what is odd beside it.
    """
    if choice.going != 1:  # what else is odd about it counts already, for it was made
        return 2 if faulted else 1
    switch = place.amidst and choice.actor != place.last
    if choice.fault:
        return 1 if usual and not switch else 2
    odd = choice.pause_ms != USUAL_MS or choice.machine != 1
    weight = 1 if switch else 2 * odd if place.amidst else int(odd)
    return 2 * weight if faulted else weight
