"""What is tried, and in which order: the same each time, and nothing twice."""

import os
import subprocess
import sys
from itertools import islice

from queue_emulator.explore.draws import Draws
from queue_emulator.explore.history import Actor
from queue_emulator.explore.scenarios import SCENARIOS, Scenario
from queue_emulator.explore.search import by_deviations, deviations, drawn, options, schedules
from queue_emulator.explore.turns import AT_ONCE_MS, MINUTE_MS, Choice
from queue_emulator.explore.world import World

TWO = Scenario("two", (Actor("a", "SJC", ("status t1",)), Actor("b", "SJC", ("status t1",))), ("new t1",), pauses=1)


def made(world: World) -> tuple[str, ...]:
    return tuple(str(each.choice) for each in world.made)


def test_the_first_schedules_are_all_orders_of_whole_requests() -> None:
    first = [made(world) for world in islice(by_deviations(TWO, Draws(0, "two")), 2)]
    assert sorted(first) == [("a", "a", "b", "b"), ("b", "b", "a", "a")]


def test_every_schedule_is_tried_once_in_the_order_of_its_deviations() -> None:
    tried = list(by_deviations(TWO, Draws(0, "two")))
    assert len(tried) == len({made(world) for world in tried})
    odd = [_odd(world) for world in tried]
    assert odd == sorted(odd)
    assert {made(world) for world in tried} >= {("a", "b", "b", "a"), ("a", "b~60s", "a", "b"), ("a", "a", "b=", "b")}


def _odd(world: World) -> int:
    again, total = World(world.scenario), 0
    for choice, _ in world.made:
        total += deviations(again, choice)
        again.do(choice)
    return total


def test_what_can_happen_next_begins_with_the_usual_and_has_pauses_faults_and_switches() -> None:
    world = World(SCENARIOS[3])
    assert options(world)[0] == Choice("op")
    assert Choice("op", fault="killed") in options(world)
    assert not any(choice.pause_ms == MINUTE_MS for choice in options(world))  # nothing was before
    world.do(Choice("op"))
    assert {Choice("op"), Choice("h"), Choice("d"), Choice("d", AT_ONCE_MS), Choice("op", MINUTE_MS)} <= set(
        options(world)
    )
    assert Choice("op", AT_ONCE_MS) not in options(world)  # within a request no time passes


def test_a_seed_decides_over_all_that_is_drawn() -> None:
    assert _first(5) == _first(5)
    assert _first(5) != _first(6)


def test_the_order_of_schedules_does_not_depend_on_the_hash_seed() -> None:
    code = (
        "from itertools import islice; from queue_emulator.explore.scenarios import SCENARIOS;"
        "from queue_emulator.explore.search import schedules;"
        "print([(w.scenario.name, [str(m.choice) for m in w.made]) for w in islice(schedules(SCENARIOS, 1), 60)])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_each_scenario_gets_as_much_as_another_and_so_does_the_swarm() -> None:
    steps: dict[str, int] = {}
    for world in islice(schedules(SCENARIOS, 0), 200):
        name = world.scenario.name.partition("-")[0] if world.scenario.name.startswith("swarm") else world.scenario.name
        steps[name] = steps.get(name, 0) + world.steps
    assert steps.keys() == {each.name for each in SCENARIOS} | {"swarm"}
    assert max(steps.values()) < 2 * min(steps.values())


def test_the_swarm_draws_every_kind_of_queue_and_of_actor() -> None:
    scenarios = [world.scenario for world in islice(drawn(Draws(0, "swarm")), 200)]
    scripts = {script.partition(" ")[0] for each in scenarios for actor in each.actors for script in actor.script}
    assert {each.name for each in scenarios} == {"swarm-new", "swarm-old", "swarm-migration"}
    assert scripts >= {"claim", "renew", "release", "result", "status", "list", "get", "enqueue", "run", "rollback"}
    assert {actor.version for each in scenarios for actor in each.actors} == {"old", "dual", "new"}
    assert {actor.location for each in scenarios for actor in each.actors} == {"SJC", "NRT"}


def _first(seed: int) -> list[tuple[str, tuple[str, ...]]]:
    return [(world.scenario.name, made(world)) for world in islice(schedules(SCENARIOS, seed), 40)]
