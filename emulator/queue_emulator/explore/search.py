"""Which schedules are tried: those that deviate little from the usual first, and drawn ones.

In the usual run one request follows the other, a second apart. A deviation is a switch to another actor in the midst of
a request, a pause that is not the usual one, or a fault. Most of what breaks a queue needs one or two of them, so all
schedules are tried in the order of how many they have. Any order of whole requests has none.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from queue_emulator.explore.draws import Draws
from queue_emulator.explore.scenarios import Scenario
from queue_emulator.explore.swarm import drawn_scenario
from queue_emulator.explore.turns import AT_ONCE_MS, EXPIRY_MS, MINUTE_MS, USUAL_MS, Choice
from queue_emulator.explore.world import World

_PREFIXES_MAX = 100_000  # of one number of deviations: what is more than anybody waits for is not kept


class _Prefix(NamedTuple):
    """The first `length` choices of a schedule that was run, and another one than was made there."""

    of: tuple[Choice, ...]
    length: int
    then: Choice | None


def schedules(scenarios: Sequence[Scenario], seed: int, *, swarm: bool = True) -> Iterator[World]:
    """Schedule after schedule, each run and settled. Every scenario, and the swarm, gets as many KV operations."""
    sources = [by_deviations(scenario, Draws(seed, scenario.name)) for scenario in scenarios]
    if swarm:
        sources.append(drawn(Draws(seed, "swarm")))
    spent = [0] * len(sources)
    while sources:
        turn = spent.index(min(spent))
        world = next(sources[turn], None)
        if world is None:
            del sources[turn], spent[turn]
            continue
        spent[turn] += world.steps
        yield world


def by_deviations(scenario: Scenario, draws: Draws) -> Iterator[World]:
    """All schedules of a scenario, each once, in the order of how many deviations they have."""
    waiting: dict[int, list[_Prefix]] = {0: [_Prefix((), 0, None)]}
    while waiting:
        level = min(waiting)
        prefixes = waiting.pop(level)
        draws.shuffle(prefixes)
        for prefix in prefixes:
            world = World(scenario)
            for choice in prefix.of[: prefix.length]:
                world.do(choice)
            if prefix.then is not None:
                world.do(prefix.then)
            others = _go_on(world)
            world.settle()
            made = tuple(each.choice for each in world.made)
            for length, deviations, choice in others:
                bucket = waiting.setdefault(level + deviations, [])
                if len(bucket) < _PREFIXES_MAX:
                    bucket.append(_Prefix(made, length, choice))
            yield world


def drawn(draws: Draws) -> Iterator[World]:
    """Without an end: actors, scripts, locations and what happens are drawn."""
    while True:
        world = World(drawn_scenario(draws))
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


def deviations(world: World, choice: Choice) -> int:
    """How far a choice is from the usual."""
    amidst = world.amidst and choice.actor != world.last
    return int(amidst or choice.pause_ms != USUAL_MS) + bool(choice.fault)


def _go_on(world: World) -> list[tuple[int, int, Choice]]:
    """The usual run to the end; gives what else could have been chosen: after how many choices, how odd, what."""
    others: list[tuple[int, int, Choice]] = []
    while choices := options(world):
        others += [(len(world.made), deviations(world, choice), choice) for choice in choices[1:]]
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
