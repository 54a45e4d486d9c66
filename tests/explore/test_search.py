"""What is tried, and in which order: the same each time, and nothing twice."""

import os
import subprocess
import sys
from dataclasses import replace
from itertools import islice

from queue_emulator.explore.deviations import ByDeviations
from queue_emulator.explore.drawn import drawn
from queue_emulator.explore.draws import Draws
from queue_emulator.explore.history import Actor
from queue_emulator.explore.options import options
from queue_emulator.explore.scenarios import SCENARIOS, Scenario
from queue_emulator.explore.search import Lane, by_deviations, in_turn, schedules, usual_runs
from queue_emulator.explore.turns import AT_ONCE_MS, MINUTE_MS, Choice
from queue_emulator.explore.world import World

TWO = Scenario("two", (Actor("a", "SJC", ("status t1",)), Actor("b", "SJC", ("status t1",))), ("new t1",), pauses=1)


def made(world: World) -> tuple[str, ...]:
    return tuple(str(each.choice) for each in world.made)


def test_the_first_schedules_are_all_orders_of_whole_requests() -> None:
    first = [made(world) for world in islice(by_deviations(TWO, Draws(0, "two")), 2)]
    assert sorted(first) == [("a", "a", "b", "b"), ("b", "b", "a", "a")]


def test_every_schedule_is_tried_once_in_the_order_of_its_deviations() -> None:
    source, tried, levels = ByDeviations(usual_runs([TWO])[0], Draws(0, "two")), list[World](), list[int]()
    while source.level is not None:
        levels.append(source.level)
        tried.append(source.run())
    assert levels == sorted(levels)
    assert len(tried) == len({made(world) for world in tried})
    level_of = dict(zip(map(made, tried), levels, strict=True))
    assert level_of["a", "a", "b", "b"] == level_of["b", "b", "a", "a"] == 0
    assert level_of["a", "b", "b", "a"] == level_of["a", "a", "b=", "b"] == 1
    assert level_of["a", "b~60s", "b", "a"] == 2, "with one location nothing speaks for a minute in which nobody acts"
    assert level_of["a", "a~expiry", "b", "b"] == 2, "a pause in the midst of a request alone counts double"
    assert level_of["a", "b", "a", "b"] == 2, "two switches, each in the midst of a request"


def test_who_interrupted_a_request_lets_it_go_on_when_done() -> None:
    world = World(TWO)
    for name in "abb":
        world.do(Choice(name))
    assert world.able() == ["a"]


def test_a_switch_that_disturbs_nothing_comes_later_than_one_that_does() -> None:
    """The one who lists what is being changed is no danger to it; the one who writes to it is."""
    actors = (Actor("a", "SJC", ("status t1",)), Actor("l", "SJC", ("list",)), Actor("b", "SJC", ("status t1",)))
    (usual,) = usual_runs([Scenario("three", actors, ("new t1",), pauses=0)])
    source, seen = ByDeviations(usual, Draws(0, "three")), dict[str, int]()
    while source.level is not None and source.level < 3:
        level = source.level
        choices = "".join(choice.actor for choice, _ in source.run().made)
        seen.setdefault(choices, level)
    assert seen["abbal"] == 1
    assert seen["alabb"] == 2


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


def test_the_folder_of_a_scenario_decides_over_nothing() -> None:
    of = [[replace(each, name=f"{folder}{each.name}.toml") for each in SCENARIOS] for folder in ("", "a/b/", "/c/")]
    first = [[made(world) for world in islice(schedules(scenarios, 1), 100)] for scenarios in of]
    assert first[0] == first[1] == first[2]


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


def test_each_scenario_has_its_turn_and_the_swarm_a_fifth_of_all_operations() -> None:
    steps: dict[str, int] = {}
    for world in islice(schedules(SCENARIOS, 0), 400):
        name = world.scenario.name.partition("-")[0] if world.scenario.name.startswith("swarm") else world.scenario.name
        steps[name] = steps.get(name, 0) + world.steps
    assert steps.keys() == {each.name for each in SCENARIOS} | {"swarm"}
    soon_over = ("updates", "rollback")
    assert all(count > sum(steps.values()) / 25 for name, count in steps.items() if name not in soon_over)
    assert 0.18 < steps["swarm"] / sum(steps.values()) < 0.25


def test_lanes_have_no_schedule_twice_and_together_all_of_them() -> None:
    whole = {made(world) for world in by_deviations(TWO, Draws(0, "two"))}
    dealt = [made(world) for world in schedules([TWO], 0, swarm=False)]
    assert len(dealt) == len(set(dealt))
    assert set(dealt) == whole


def test_a_lane_is_the_same_whoever_runs_the_others() -> None:
    known = usual_runs(SCENARIOS[:3])
    alone = Lane(5, known, 0)
    beside = [lane for lane, _ in islice(in_turn([Lane(number, known, 0) for number in (4, 5, 6)]), 30)]
    assert {lane.number for lane in beside} == {4, 5, 6}
    with_others = [
        made(world) for lane, world in in_turn([Lane(4, known, 0), Lane(5, known, 0)], 16 * 6) if lane.number == 5
    ]
    assert [made(world) for _, world in islice(in_turn([alone]), 6)] == with_others


def test_the_swarm_draws_every_kind_of_queue_and_of_actor() -> None:
    scenarios = [world.scenario for world in islice(drawn(Draws(0, "swarm")), 200)]
    scripts = {script.partition(" ")[0] for each in scenarios for actor in each.actors for script in actor.script}
    assert {each.name for each in scenarios} == {"swarm-new", "swarm-old", "swarm-migration"}
    assert scripts >= {"claim", "renew", "release", "result", "status", "list", "get", "enqueue", "run", "rollback"}
    assert {actor.version for each in scenarios for actor in each.actors} == {"old", "dual", "new"}
    assert {actor.location for each in scenarios for actor in each.actors} == {"SJC", "NRT"}


def _first(seed: int) -> list[tuple[str, tuple[str, ...]]]:
    return [(world.scenario.name, made(world)) for world in islice(schedules(SCENARIOS, seed), 40)]
