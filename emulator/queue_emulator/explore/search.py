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
from queue_emulator.explore.scenarios import Answered, Scenario, as_it_is
from queue_emulator.explore.swarm import drawn_scenario
from queue_emulator.explore.turns import AT_ONCE_MS, EXPIRY_MS, MINUTE_MS, USUAL_MS, Choice
from queue_emulator.explore.world import World

_PREFIXES_MAX = 100_000  # of one number of deviations: what is more than anybody waits for is not kept
_DRAWN_SHARE = 4  # for so many operations of scenarios, one of drawn schedules


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
    """Schedule after schedule, each run and settled.

    Those with fewer deviations come first, in whatever scenario; where scenarios have as few, each gets as many KV
    operations. Beside them the swarm gets its share. `answered` gives each scenario its Worker.
    """
    sources = [ByDeviations(answered(scenario), Draws(seed, scenario.name)) for scenario in scenarios]
    spent = dict.fromkeys(sources, 0)
    swarming = drawn(Draws(seed, "swarm"), answered) if swarm else None
    swarm_spent = 0
    while True:
        sources = [source for source in sources if source.level is not None]
        if swarming is not None and (not sources or swarm_spent * _DRAWN_SHARE <= sum(spent.values())):
            world = next(swarming)
            swarm_spent += world.steps
            yield world
            continue
        if not sources:
            return
        source = min(sources, key=lambda each: (each.level, spent[each]))
        world = source.run()
        spent[source] += world.steps
        yield world


def by_deviations(scenario: Scenario, draws: Draws) -> Iterator[World]:
    """All schedules of a scenario, each once, in the order of how many deviations they have."""
    source = ByDeviations(scenario, draws)
    while source.level is not None:
        yield source.run()


class ByDeviations:
    """The schedules of one scenario. `level`: how many deviations the next one has; None when there is none."""

    def __init__(self, scenario: Scenario, draws: Draws) -> None:
        self._scenario = scenario
        self._draws = draws
        self._conflicts = Conflicts()
        self._waiting: dict[int, list[_Prefix]] = {}
        self._now: list[_Prefix] = [_Prefix((), 0, None)]
        self.level: int | None = 0

    def run(self) -> World:
        """The next schedule, settled."""
        prefix = self._now.pop()
        world = World(self._scenario)
        for choice in prefix.of[: prefix.length]:
            world.do(choice)
        if prefix.then is not None:
            world.do(prefix.then)
        others = _go_on(world)
        assert self.level is not None
        made = tuple(each.choice for each in world.made)
        seen = self._conflicts.see(world.history)
        world.settle()
        faulted = any(choice.fault for choice in made)
        for other in others:
            switch = other.amidst and other.choice.actor != other.last
            place = around(seen, other.steps) if switch else None
            self._wait(
                _weight(other, first=prefix.then is None, faulted=faulted),
                _Prefix(made, other.length, other.choice, place),
            )
        if not self._now:
            self._next_level()
        return world

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
    odd = choice.pause_ms != USUAL_MS
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
        world.do(Choice(name, _pause(world, draws, 0 if world.amidst else pauses)))


def _walk(world: World, draws: Draws) -> None:
    """Anybody goes on at any time."""
    pauses, faults, stays = draws.one_of((0, 5, 15)), draws.one_of((0, 10)), draws.one_of((0, 50, 80))
    while names := world.able():
        name = names[0] if world.last == names[0] and draws.percent(stays) else draws.one_of(names)
        fault = draws.one_of(world.scenario.faults) if world.faults_left and draws.percent(faults) else ""
        world.do(Choice(name, _pause(world, draws, pauses), fault))


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
        world.do(choice)


def _pause(world: World, draws: Draws, chance: int) -> int:
    """Mostly the usual one."""
    if not world.made or not draws.percent(chance):
        return USUAL_MS
    pause_ms = draws.one_of((AT_ONCE_MS, MINUTE_MS, EXPIRY_MS))
    possible = pause_ms == AT_ONCE_MS or (world.pauses_left and (pause_ms == MINUTE_MS or world.until_expiry_ms()))
    return pause_ms if possible else USUAL_MS
