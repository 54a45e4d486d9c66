"""A production behaviour that did nothing in a schedule is not needed: without it each step comes to the same."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import pytest

from queue_emulator.explore.behaviour import Behaviour
from queue_emulator.explore.causes import replay, without
from queue_emulator.explore.history import Actor, History, Step
from queue_emulator.explore.scenarios import FAIL_BEFORE, ODD_LIST, ROLL_OUT_STEPS, SCENARIOS, Scenario
from queue_emulator.explore.search import schedules
from queue_emulator.explore.turns import AT_ONCE_MS, MINUTE_MS, Choice
from queue_emulator.explore.world import World
from tests.explore.test_remembered import HARD, told

A, B = Actor("a", "SJC", ("claim", "renew")), Actor("b", "NRT", ("claim", "release", "claim"))
FAR = Scenario("far", (A, B), ("new t1",))
CASES = {
    "nothing": ([Choice("a")] * 6, set[Behaviour]()),
    "an old copy": ([*[Choice("b")] * 7, *[Choice("a")] * 5, *[Choice("b")] * 5], {Behaviour.CACHES}),
    "a switch in the midst": ([Choice("a"), Choice("b"), Choice("a")], {Behaviour.OVERLAP}),
    "a minute before a request": ([Choice("a", MINUTE_MS)], {Behaviour.PAUSES}),
    "a minute in the midst": ([Choice("a"), Choice("a", MINUTE_MS)], {Behaviour.PAUSES, Behaviour.OVERLAP}),
    "two writes at once": ([*[Choice("a")] * 5, Choice("a", AT_ONCE_MS), Choice("a")], {Behaviour.WRITE_RATE}),
    "a fault": ([Choice("a", fault=FAIL_BEFORE)], {Behaviour.FAULTS}),
    "a second machine": ([Choice("a", machine=2)], {Behaviour.MACHINES}),
}


@pytest.mark.parametrize("name", CASES)
def test_what_acts_is_told(name: str) -> None:
    choices, acted = CASES[name]
    assert replay(FAR, choices).acted == acted


@pytest.mark.parametrize(
    ("page_max", "operations_max", "acted"),
    [(2, 2, set()), (1, 2, {Behaviour.PAGES}), (2, 1, {Behaviour.OPERATIONS})],
)
def test_a_list_of_several_pages_and_a_budget_that_is_spent_act(
    page_max: int, operations_max: int, acted: set[Behaviour]
) -> None:
    small = Scenario("small", (Actor("a", "SJC", ("list",)),), ("new t1", "new t2"))
    limited = replace(small, page_max=page_max, operations_max=operations_max)
    assert replay(limited, [Choice("a")]).acted == acted


def same(history: History) -> Iterator[object]:
    """What happened, but for what only a journal tells: whether a copy was shown."""
    for name, each in told(history.happenings):
        if isinstance(each, Step):
            event = each.event
            seen = None if event is None else (event.version, event.keys, event.failed)
            yield each.at_ms, each.call.actor.name, each.kind, each.key, each.value, each.expiration_s, each.fault, seen
        else:
            yield name, each


def assert_idle_ones_change_nothing(world: World) -> None:
    for behaviour in set(Behaviour) - world.acted:
        other = without(world.scenario, world.made, frozenset((behaviour,)))
        assert list(same(other)) == list(same(world.history)), behaviour


@pytest.mark.slow
def test_without_what_did_nothing_every_schedule_goes_the_same_way() -> None:
    for world in islice(schedules((*SCENARIOS, ODD_LIST, *ROLL_OUT_STEPS, HARD), 0), 100):
        assert_idle_ones_change_nothing(world)
