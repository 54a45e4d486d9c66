"""Which schedules are tried: those that deviate little from the usual first, and drawn ones.

In the usual run one request follows the other, a second apart. A deviation is a switch to another actor in the midst of
a request, a pause that is not the usual one, or a fault. Most of what breaks a queue needs one or two of them, so all
schedules are tried in the order of how many they have. Any order of whole requests has none. A deviation counts double
where nothing speaks for it: a switch after which the other actor touches nothing that the request has read or written
before it and does so again after it (explore/conflicts.py), or a pause in the midst of a request.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from queue_emulator.explore.conflicts import Around, Conflicts, around
from queue_emulator.explore.draws import Draws
from queue_emulator.explore.history import Happening
from queue_emulator.explore.scenarios import Answered, Scenario, as_it_is
from queue_emulator.explore.swarm import drawn_scenario
from queue_emulator.explore.turns import AT_ONCE_MS, EXPIRY_MS, MINUTE_MS, USUAL_MS, Choice
from queue_emulator.explore.world import World

_PREFIXES_MAX = 100_000  # of one number of deviations: what is more than anybody waits for is not kept
_DRAWN_SHARE = 4  # for so many operations of scenarios, one of drawn schedules
LANES = 16


class _Prefix(NamedTuple):
    """The first `length` choices of a schedule that was run, and another one than was made there.

    `around` is the place of a switch in the midst of a request, if it is not known yet whether anything speaks for it.
    """

    of: tuple[Choice, ...]
    length: int
    then: Choice | None
    around: Around | None = None


class _Other(NamedTuple):
    """Another choice than was made, at one place of a run: after so many choices and so many KV operations."""

    length: int
    steps: int
    last: str | None
    amidst: bool
    choice: Choice


def schedules(
    scenarios: Sequence[Scenario], seed: int, *, swarm: bool = True, answered: Answered = as_it_is
) -> Iterator[World]:
    """Schedule after schedule, each run and settled: one of each lane in turn."""
    known = usual_runs(scenarios, answered)
    lanes = [Lane(number, known, seed, swarm=swarm, answered=answered) for number in range(LANES)]
    return (world for _, world in in_turn(lanes))


def in_turn(lanes: "Sequence[Lane]", schedules_max: int | None = None) -> "Iterator[tuple[Lane, World]]":
    """One schedule of each lane in turn, until no lane has more; `schedules_max` are of all lanes that there are."""
    going = list(lanes)
    while going:
        for lane in tuple(going):
            over = schedules_max is not None and lane.schedules * LANES + lane.number >= schedules_max
            world = None if over else lane.run()
            if world is None:
                going.remove(lane)
            else:
                yield lane, world


def usual_runs(scenarios: Sequence[Scenario], answered: Answered = as_it_is) -> "list[Usual]":
    """What all lanes begin with."""
    return [_usual(answered(scenario)) for scenario in scenarios]


class Lane:
    """A part of the search that depends on no other part, so that processes and machines can divide them.

    The choices that deviate from the usual run are dealt out, one to each lane in turn; a lane has all schedules that
    go on from its own. Those with fewer deviations come first, in whatever scenario; where scenarios have as few, each
    gets as many KV operations. Beside them the swarm gets its share. `schedules`: how many there were.
    """

    def __init__(
        self, number: int, known: "Sequence[Usual]", seed: int, *, swarm: bool = True, answered: Answered = as_it_is
    ) -> None:
        self.number = number
        self.schedules = 0
        turned = number % len(known)
        turned_round = [*known[turned:], *known[:turned]]
        self._sources = [
            ByDeviations(usual, Draws(seed, f"{usual.run.world.scenario.name}, lane {number}"), lane=number)
            for usual in turned_round
        ]
        self._spent = dict.fromkeys(self._sources, 0)
        self._swarm = drawn(Draws(seed, f"swarm, lane {number}"), answered) if swarm else None
        self._swarm_spent = 0

    def run(self) -> World | None:
        """The next schedule, settled; None where there are no more."""
        self._sources = [source for source in self._sources if source.level is not None]
        swarms = not self._sources or self._swarm_spent * _DRAWN_SHARE < sum(self._spent.values())
        if self._swarm is not None and swarms:
            world = next(self._swarm)
            self._swarm_spent += world.steps
        elif self._sources:
            source = min(self._sources, key=lambda each: (each.level, self._spent[each]))
            world = source.run()
            self._spent[source] += world.steps
        else:
            return None
        self.schedules += 1
        return world


def by_deviations(scenario: Scenario, draws: Draws) -> Iterator[World]:
    """All schedules of a scenario, each once, in the order of how many deviations they have."""
    source = ByDeviations(_usual(scenario), draws)
    while source.level is not None:
        yield source.run()


class Tried(NamedTuple):
    """A schedule that was run: what was chosen, what else could have been, and what happened until it settled."""

    world: World
    made: tuple[Choice, ...]
    others: Sequence[_Other]
    happenings: Sequence[Happening]


class Usual(NamedTuple):
    """The usual run of a scenario, and what runs have shown in which each actor was the first."""

    run: Tried
    conflicts: Conflicts


class ByDeviations:
    """The schedules of one scenario. `level`: how many deviations the next one has; None when there is none.

    With a `lane`, those that it has a share in; the usual run is lane 0's.
    """

    def __init__(self, usual: Usual, draws: Draws, *, lane: int | None = None) -> None:
        self._scenario = usual.run.world.scenario
        self._draws = draws
        self._conflicts = usual.conflicts.copy()
        self._waiting: dict[int, list[_Prefix]] = {}
        self._now: list[_Prefix] = []
        self._first: Tried | None = usual.run
        self.level: int | None = 0
        self._learn(usual.run if lane is None else usual.run._replace(others=usual.run.others[lane::LANES]), first=True)
        if lane:
            self._first = None
            self._next_level()

    def run(self) -> World:
        """The next schedule, settled."""
        if self._first is not None:
            world, self._first = self._first.world, None
        else:
            tried = _try(self._scenario, self._now.pop())
            self._learn(tried, first=False)
            world = tried.world
        if not self._now:
            self._next_level()
        return world

    def _learn(self, tried: Tried, *, first: bool) -> None:
        """What goes on from here is tried later."""
        assert self.level is not None
        seen = self._conflicts.see(tried.happenings)
        faulted = any(choice.fault for choice in tried.made)
        places: dict[int, Around] = {}
        for other in tried.others:
            place = None
            if other.amidst and other.choice.actor != other.last:
                place = places.get(other.steps) or around(seen, other.steps)
                places[other.steps] = place
            weight = _weight(other, first=first, faulted=faulted)
            self._wait(weight, _Prefix(tried.made, other.length, other.choice, place))

    def _wait(self, weight: int, prefix: _Prefix) -> None:
        assert self.level is not None
        bucket = self._waiting.setdefault(self.level + weight, [])
        if len(bucket) < _PREFIXES_MAX:
            bucket.append(prefix)

    def _next_level(self) -> None:
        """What has as many deviations as the least; a switch for which nothing speaks by now comes one later."""
        while not self._now:
            self.level = min(self._waiting, default=None)
            if self.level is None:
                return
            for prefix in self._waiting.pop(self.level):
                place, choice = prefix.around, prefix.then
                if place is None or choice is None or self._conflicts.likely(place, choice.actor):
                    self._now.append(prefix)
                else:
                    self._wait(1, prefix._replace(around=None))
        self._draws.shuffle(self._now)


def _try(scenario: Scenario, prefix: _Prefix) -> Tried:
    world = World(scenario)
    for choice in prefix.of[: prefix.length]:
        world.do(choice)
    if prefix.then is not None:
        world.do(prefix.then)
    others = _go_on(world)
    made, happenings = tuple(each.choice for each in world.made), tuple(world.history.happenings)
    world.settle()
    return Tried(world, made, others, happenings)


def _usual(scenario: Scenario) -> Usual:
    run, conflicts = _try(scenario, _Prefix((), 0, None)), Conflicts()
    for actor in scenario.actors:
        conflicts.see(_try(scenario, _Prefix((), 0, Choice(actor.name))).happenings)
    return Usual(run, conflicts)


def drawn(draws: Draws, answered: Answered = as_it_is) -> Iterator[World]:
    """Without an end: actors, scripts, locations and what happens are drawn."""
    while True:
        world = World(answered(drawn_scenario(draws)))
        pick = draws.one_of((_orders, _walk, _few))
        pick(world, draws)
        world.settle()
        yield world


def options(world: World) -> list[Choice]:
    """All that can happen next, the usual first."""
    names = world.able()
    if not names:
        return []
    choices = [Choice(name) for name in names]
    if world.last is not None:
        choices += [Choice(name, AT_ONCE_MS) for name in names if name != world.last or world.begins(name)]
    if world.pauses_left and world.made:
        pauses = (MINUTE_MS, EXPIRY_MS) if world.until_expiry_ms() else (MINUTE_MS,)
        choices += [Choice(name, pause_ms) for pause_ms in pauses for name in names]
    for machine in range(2, world.scenario.machines + 1):
        choices += [Choice(name, machine=machine) for name in names if world.begins(name)]
    if world.faults_left:
        choices += [Choice(name, USUAL_MS, fault) for fault in world.scenario.faults for name in names]
    return choices


def _weight(other: _Other, *, first: bool, faulted: bool) -> int:
    """How far a choice is from the usual.

    Most faults do harm by themselves: one in another than the `first` run counts double, as does what is odd beside it.
    """
    choice, switch = other.choice, other.amidst and other.choice.actor != other.last
    if choice.fault:
        return 1 if first and not switch else 2
    odd = choice.pause_ms != USUAL_MS or choice.machine != 1
    weight = 1 if switch else 2 * odd if other.amidst else int(odd)
    return 2 * weight if faulted else weight


def _go_on(world: World) -> list[_Other]:
    """The usual run to the end; gives what else could have been chosen."""
    others: list[_Other] = []
    while choices := options(world):
        length, steps, last, amidst = len(world.made), world.steps, world.last, world.amidst
        others += [_Other(length, steps, last, amidst, choice) for choice in choices[1:]]
        world.do(choices[0])
    return others


def _orders(world: World, draws: Draws) -> None:
    """Requests in any order, one after the other."""
    pauses = draws.one_of((0, 10, 30))
    while names := world.able():
        name = names[0] if world.amidst else draws.one_of(names)
        _do(world, Choice(name, _pause(world, draws, 0 if world.amidst else pauses)), draws)


def _walk(world: World, draws: Draws) -> None:
    """Anybody goes on at any time."""
    pauses, faults, stays = draws.one_of((0, 5, 15)), draws.one_of((0, 10)), draws.one_of((0, 50, 80))
    while names := world.able():
        name = names[0] if world.last == names[0] and draws.percent(stays) else draws.one_of(names)
        fault = draws.one_of(world.scenario.faults) if world.faults_left and draws.percent(faults) else ""
        _do(world, Choice(name, _pause(world, draws, pauses), fault), draws)


def _few(world: World, draws: Draws) -> None:
    """Requests in any order, and at one or two places another actor comes in between, perhaps after a pause."""
    places = {draws.below(20) for _ in range(draws.one_of((1, 1, 2)))}
    fault_at = draws.below(20) if world.faults_left and draws.percent(50) else -1
    pauses = draws.one_of((0, 0, 50))
    while names := world.able():
        at = len(world.made)
        if at in places:
            choice = Choice(draws.one_of(names[1:] or names), _pause(world, draws, 60))
        elif world.amidst:
            choice = Choice(names[0])
        else:
            choice = Choice(draws.one_of(names), _pause(world, draws, pauses))
        if at == fault_at:
            choice = choice._replace(fault=draws.one_of(world.scenario.faults))
        _do(world, choice, draws)


def _do(world: World, choice: Choice, draws: Draws) -> None:
    """On any machine, where there are several."""
    machines = world.scenario.machines
    if machines > 1 and world.begins(choice.actor):
        choice = choice._replace(machine=1 + draws.below(machines))
    world.do(choice)


def _pause(world: World, draws: Draws, chance: int) -> int:
    """Mostly the usual one."""
    if not world.made or not draws.percent(chance):
        return USUAL_MS
    pause_ms = draws.one_of((AT_ONCE_MS, MINUTE_MS, EXPIRY_MS))
    possible = pause_ms == AT_ONCE_MS or (world.pauses_left and (pause_ms == MINUTE_MS or world.until_expiry_ms()))
    return pause_ms if possible else USUAL_MS
