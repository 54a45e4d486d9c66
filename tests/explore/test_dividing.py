"""What several processes find is examined once, whoever found it, and comes to what one process finds."""

from dataclasses import dataclass, field

import pytest

from queue_emulator.explore.behaviour import Behaviour
from queue_emulator.explore.dividing import Division
from queue_emulator.explore.shares import Examined


def failure(kind: str, at_schedule: int, *, paused: bool = False) -> Examined:
    told = ((Behaviour.CACHES, True),)
    return Examined(kind, "P1", ("claim",), told, (), at_schedule, "", (), paused=paused, small=False)


@dataclass
class Crew:
    """Processes that do what they are handed when they are told to."""

    division: Division
    working: dict[int, Examined] = field(default_factory=dict)
    done: list[Examined] = field(default_factory=list)

    def hand_out(self) -> None:
        for process, each in self.division.hand_out():
            assert process not in self.working
            self.working[process] = each

    def finish(self, process: int) -> None:
        each = self.working.pop(process)
        self.done.append(each)
        self.division.finished(
            process, Examined(each.scenario, "P1", each.how, each.signs, (), each.at_schedule, "", ())
        )
        self.hand_out()


@pytest.fixture
def crew() -> Crew:
    return Crew(Division(2))


def test_of_one_kind_the_first_is_examined_once_whoever_found_it(crew: Crew) -> None:
    crew.division.found(0, [failure("x", 33)], 40)
    crew.hand_out()
    assert crew.working == {}, "the other may find an earlier one"
    crew.division.found(1, [failure("x", 18)], 18)
    crew.hand_out()
    assert [each.at_schedule for each in crew.working.values()] == [18]
    crew.division.found(1, [failure("x", 34)], 50)
    for process in (0, 1):
        crew.division.found(process, [], None)
    crew.hand_out()
    assert len(crew.working) == 1
    crew.finish(*crew.working)
    assert crew.division.over
    assert [(each.at_schedule, each.small) for each in crew.division.examined()] == [(18, True)]


@pytest.mark.parametrize(("paused_at", "examined"), [(3, [3, 7]), (9, [7])])
def test_what_breaks_with_a_pause_is_examined_unless_it_broke_without_one_before(
    paused_at: int, examined: list[int], crew: Crew
) -> None:
    crew.division.found(0, [failure("x", paused_at, paused=True)], None)
    crew.division.found(1, [failure("x", 7)], None)
    crew.hand_out()
    while crew.working:
        crew.finish(next(iter(crew.working)))
    assert [each.at_schedule for each in crew.division.examined()] == examined
    assert crew.division.over


def test_each_has_one_thing_to_examine_at_a_time_and_the_one_that_is_furthest_is_first(crew: Crew) -> None:
    crew.division.found(0, [failure(kind, 3) for kind in "xyz"], 20)
    crew.division.found(1, [], 40)
    crew.hand_out()
    assert {process: each.scenario for process, each in crew.working.items()} == {1: "x", 0: "y"}
    crew.finish(0)
    assert crew.working[0].scenario == "z"
    assert not crew.division.over


def test_what_nobody_has_examined_is_told_as_it_was_found_in_the_order_of_one_search(crew: Crew) -> None:
    crew.division.found(1, [failure("b", 9)], 16)
    crew.division.found(0, [failure("a", 2), failure("b", 2)], 2)
    crew.division.found(1, [failure("c", 1)], None)
    assert [(each.scenario, each.at_schedule) for each in crew.division.examined()] == [("c", 1), ("a", 2), ("b", 2)]
    crew.hand_out()
    crew.division.finished(1, None)
    assert crew.division.unsteady == 1
    assert [each.scenario for each in crew.division.examined()] == ["a", "b"]
