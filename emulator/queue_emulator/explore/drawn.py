"""Schedules that nobody enumerates: actors, scripts, locations and what happens are drawn."""

from collections.abc import Iterator

from queue_emulator.explore.draws import Draws
from queue_emulator.explore.scenarios import Answered, as_it_is
from queue_emulator.explore.swarm import drawn_scenario
from queue_emulator.explore.turns import AT_ONCE_MS, EXPIRY_MS, MINUTE_MS, USUAL_MS, Choice
from queue_emulator.explore.world import World

_PAUSES = (AT_ONCE_MS, MINUTE_MS, EXPIRY_MS, EXPIRY_MS)
_INTERRUPTED_AT = (1, 1, 2, 2, 3, 4)  # operations: short requests have two or three


def drawn(draws: Draws, answered: Answered = as_it_is) -> Iterator[World]:
    """Without an end: actors, scripts, locations and what happens are drawn."""
    while True:
        world = World(answered(drawn_scenario(draws)))
        pick = draws.one_of((_orders, _walk, _few))
        pick(world, draws)
        world.settle()
        yield world


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
    """Requests in any order, of which one or two are interrupted: others come in between, perhaps after a pause."""
    left, done, until = draws.one_of((1, 1, 2)), 0, 0
    pauses = draws.one_of((0, 20, 50))
    fault_at = draws.below(20) if world.faults_left and draws.percent(50) else -1
    while names := world.able():
        done += 1
        if world.amidst and left and done == until and len(names) > 1:
            left -= 1
            choice = Choice(draws.one_of(names[1:]), _pause(world, draws, 60))
        elif world.amidst:
            choice = Choice(names[0])
        else:
            name = names[0] if not world.begins(names[0]) and draws.percent(60) else draws.one_of(names)
            choice = Choice(name, _pause(world, draws, pauses))
        if world.begins(choice.actor):
            done, until = 0, draws.one_of(_INTERRUPTED_AT) if draws.percent(50) else -1
        if len(world.made) == fault_at:
            choice = choice._replace(fault=draws.one_of(world.scenario.faults))
        _do(world, choice, draws)


def _do(world: World, choice: Choice, draws: Draws) -> None:
    """On any machine, and any operation that its request waits for, where there are several."""
    machines = world.scenario.machines
    if machines > 1 and world.begins(choice.actor):
        choice = choice._replace(machine=1 + draws.below(machines))
    waited = world.waits_for(choice.actor)
    if waited > 1:
        choice = choice._replace(going=1 + draws.below(waited))
    world.do(choice)


def _pause(world: World, draws: Draws, chance: int) -> int:
    """Mostly the usual one."""
    if not world.made or not draws.percent(chance):
        return USUAL_MS
    pause_ms = draws.one_of(_PAUSES)
    possible = pause_ms == AT_ONCE_MS or (world.pauses_left and (pause_ms == MINUTE_MS or world.until_expiry_ms()))
    return pause_ms if possible else USUAL_MS
