"""A run that is remembered does what the Worker's code does: every history is the same with and without."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import pytest

from queue_emulator.explore.behaviour import Behaviour, Without
from queue_emulator.explore.history import Actor, Happening, calls
from queue_emulator.explore.queue import Queue
from queue_emulator.explore.scenarios import FAULTS, KILLED, ODD_LIST, ROLL_OUT_STEPS, SCENARIOS, Scenario
from queue_emulator.explore.search import schedules
from queue_emulator.explore.turns import Choice
from queue_emulator.explore.world import World


@dataclass(frozen=True, eq=False)
class Forgetful(Queue):
    """The queue whose Worker's code runs each time."""

    def remembered(self) -> None:
        return None


FORGETFUL = Forgetful()
HARD = Scenario(
    "hard",
    (
        Actor("a", "SJC", ("claim", "renew", "status t1", "result")),
        Actor("b", "NRT", ("claim", "release", "list", "enqueue t3"), "dual"),
        Actor("op", "SJC", ("migrate-status", "run", "rollback")),
    ),
    before=("old t1", "new t2"),
    final="dual",
    page_max=1,
    operations_max=4,
    faults=FAULTS,
    machines=2,
)


def again(world: World, without: Without = frozenset()) -> World:
    """The same choices, with the Worker's code."""
    other = World(replace(world.scenario, subject=FORGETFUL), without)
    for choice, _ in world.made:
        other.do(choice)
    other.settle()
    return other


def told(happenings: Sequence[Happening]) -> Iterator[tuple[str, Happening]]:
    return ((type(each).__name__, each) for each in happenings)


def assert_same(one: World, other: World) -> None:
    assert one.made == other.made
    assert list(told(one.history.happenings)) == list(told(other.history.happenings))


@pytest.mark.slow
def test_a_search_sees_the_same_histories_as_the_code_makes() -> None:
    for world in islice(schedules((*SCENARIOS, ODD_LIST, *ROLL_OUT_STEPS, HARD), 0), 400):
        assert_same(world, again(world))


@pytest.mark.parametrize("behaviour", Behaviour)
def test_without_any_behaviour_the_histories_are_the_same_too(behaviour: Behaviour) -> None:
    without = frozenset((behaviour,))
    for world in islice(schedules((HARD,), 0, swarm=False), 12):
        other = World(world.scenario, without)
        for choice, _ in world.made:
            other.do(choice)
        other.settle()
        assert_same(other, again(other, without))


def test_what_the_binding_refuses_is_refused_each_time() -> None:
    """A key that is too long: of a get the runtime refuses it, of a put KV, which counts it as an operation."""
    long = f"t{'x' * 500}"
    actors = (Actor("a", "SJC", ("claim", f"enqueue {long}xxx", "claim", f"enqueue {long}xxx")),)
    world = World(Scenario("long", actors, (f"new {long}",)))
    while world.do(Choice("a")):
        pass
    world.settle()
    assert_same(world, again(world))
    assert ["414" in str(call.body) for call in calls(world.history.happenings)] == [True] * 4 + [False]


def test_a_run_that_is_killed_leaves_nothing_behind_that_a_later_one_meets() -> None:
    killed = World(HARD)
    killed.do(Choice("a"))
    killed.do(Choice("a", fault=KILLED))
    killed.settle()
    assert_same(killed, again(killed))
    assert_same(killed, again(killed))
