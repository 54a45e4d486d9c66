"""Each guarantee catches a history that breaks it, and no other; and lets go what only looks like it."""

from itertools import islice

import pytest

from queue_emulator.explore.behaviour import Behaviour
from queue_emulator.explore.draws import Draws
from queue_emulator.explore.guarantee import broken
from queue_emulator.explore.guarantees import GUARANTEES
from queue_emulator.explore.scenarios import SCENARIOS, Scenario
from queue_emulator.explore.search import by_deviations
from queue_emulator.explore.world import World
from tests.explore.histories import MUTANTS, Told

CONTROL = frozenset(Behaviour) - {Behaviour.PAUSES}


def test_each_guarantee_has_a_history_that_breaks_it_and_a_sentence_of_its_own() -> None:
    assert list(MUTANTS) == [guarantee.id for guarantee in GUARANTEES]
    assert len({guarantee.sentence for guarantee in GUARANTEES}) == len(GUARANTEES)
    assert len({guarantee.check for guarantee in GUARANTEES}) == len(GUARANTEES)


@pytest.mark.parametrize("id", MUTANTS)
def test_a_history_that_breaks_one_guarantee_is_caught_by_it_alone(id: str) -> None:
    assert {each.guarantee for each in broken(MUTANTS[id]())} == {id}


@pytest.mark.parametrize(
    "scenario", [each for each in SCENARIOS if not each.migrates and each.name != "rollback"], ids=str
)
def test_without_overlap_copies_limits_and_faults_nothing_is_broken(scenario: Scenario) -> None:
    orders = 0
    for world in islice(by_deviations(scenario, Draws(3, scenario.name)), 150):
        control = World(scenario, CONTROL)
        begun: set[tuple[str, int]] = set()
        for choice, number in world.made:
            if (choice.actor, number) not in begun:
                control.do(choice)
            begun.add((choice.actor, number))
        assert broken(control.settle()) == []
        orders += 1
    assert orders == 150


def test_a_holder_that_released_its_task_holds_it_no_more() -> None:
    told = Told("new t1")
    told.ask("a", "claim", body=told.given("t1"))
    told.ask("a", "release", "t1", {"success": True})
    told.ask("b", "claim", body=told.given("t1"))
    assert broken(told.history) == []


def test_a_holder_whose_time_is_up_holds_nothing() -> None:
    told = Told("new t1")
    told.ask("a", "claim", body=told.given("t1", 60))
    told.now_ms += 60_000
    told.ask("b", "claim", body=told.given("t1"))
    assert broken(told.history) == []


def test_two_who_are_known_to_hold_one_task_are_not_told_again_when_one_of_them_renews() -> None:
    told = Told("new t1")
    told.ask("a", "claim", body=told.given("t1"))
    told.ask("b", "claim", body=told.given("t1"))
    told.ask("b", "renew", "t1", told.lease())
    assert len(broken(told.history)) == 1


def test_a_claim_that_began_before_the_result_may_still_be_given_the_task() -> None:
    told = Told("new t1")
    claim = told.begin("b", "claim")
    told.ask("a", "result", "t1", {"success": True})
    told.end(claim, told.given("t1"))
    assert broken(told.history) == []


def test_a_task_that_somebody_began_to_finish_need_not_be_listed() -> None:
    told = Told("new t1")
    told.ask("a", "result", "t1", status=500)
    told.settle()
    told.look("list", {"pending": []})
    assert [each.guarantee for each in broken(told.history)] == ["P4"]


def test_a_task_whose_hour_is_over_need_not_be_listed() -> None:
    told = Told("new t1")
    told.now_ms += 3_600_000
    told.settle()
    told.look("list", {"pending": []})
    assert broken(told.history) == []


def test_a_failure_that_a_fault_made_is_none_of_the_worker() -> None:
    told = Told()
    call = told.begin("a", "list")
    call.faulted = True
    told.end(call, status=500)
    assert broken(told.history) == []


def test_who_is_told_that_nothing_is_free_is_told_the_truth_when_the_task_was_leased_a_moment_ago() -> None:
    told = Told("new t1")
    told.keep("queue:lease:t1", "{}", ttl_s=-30)
    told.ask("a", "claim", body={"success": False})
    assert broken(told.history) == []


def test_a_run_that_says_that_something_failed_may_leave_tasks() -> None:
    told = Told("old t1")
    told.ask("op", "run", body={"success": False}, status=207)
    assert broken(told.history) == []
