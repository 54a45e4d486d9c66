"""What is found is told apart by what it needs, made small, and kept once."""

import gc
import weakref
from dataclasses import replace
from itertools import islice

import pytest

from queue_emulator.explore import text_report
from queue_emulator.explore.behaviour import Behaviour
from queue_emulator.explore.causes import Target, causes, needed, replay, signs
from queue_emulator.explore.explorer import Explorer, Finding, examine, keep
from queue_emulator.explore.failures import known_by
from queue_emulator.explore.history import Actor
from queue_emulator.explore.scenarios import SCENARIOS, Scenario
from queue_emulator.explore.turns import AT_ONCE_MS, EXPIRY_MS, MINUTE_MS, Choice
from queue_emulator.explore.world import World
from tests.explore.test_remembered import Forgetful

TWO_CLAIMS = Target("P1", ("claim", "claim"))
BOTH = Scenario(
    "both", (Actor("a", "SJC", ("list", "claim", "list")), Actor("b", "SJC", ("claim",))), ("new t1", "new t2")
)
FAR = Scenario(
    "far", (Actor("a", "SJC", ("claim", "release", "claim")), Actor("b", "NRT", ("claim",))), ("new t1", "new t2")
)


def found(scenario: Scenario, target: Target, *choices: Choice) -> Finding:
    world = replay(scenario, choices)
    assert target.breaks(world.history) is not None
    finding = examine(world.scenario, world.made, target, signs(world, target), 1)
    assert finding is not None
    return finding


def again(finding: Finding) -> World:
    return replay(finding.scenario, [made.choice for made in finding.made])


def each(names: str | list[str]) -> list[Choice]:
    return [Choice(name) for name in names]


@pytest.fixture(scope="module")
def side_by_side() -> Finding:
    return found(BOTH, TWO_CLAIMS, *each("aaabbbbbaaaaa"))


@pytest.fixture(scope="module")
def far_apart() -> Finding:
    return found(FAR, TWO_CLAIMS, *each("aaaaaaabbbbbaaaaa"))


def test_two_claims_at_one_place_need_overlap_and_nothing_else(side_by_side: Finding) -> None:
    assert side_by_side.causes == ((Behaviour.OVERLAP,),)


def test_two_claims_far_apart_need_copies_and_no_overlap(far_apart: Finding) -> None:
    assert far_apart.causes == ((Behaviour.CACHES,),)


def test_a_small_schedule_has_nothing_that_it_can_do_without(side_by_side: Finding, far_apart: Finding) -> None:
    for finding in (side_by_side, far_apart):
        assert finding.scenario.before == ("new t1",) or finding.scenario.before == ("new t2",)
        choices = [made.choice for made in finding.made]
        for place in range(len(choices)):
            shorter = replay(finding.scenario, choices[:place] + choices[place + 1 :])
            broken = finding.target.breaks(shorter.history)
            assert broken is None or signs(shorter, finding.target) != signs(again(finding), finding.target)
    assert side_by_side.verbs == ("claim",)
    assert (len(side_by_side.made), side_by_side.switches) <= (7, 2)
    assert (len(far_apart.made), far_apart.switches) <= (11, 2)


def test_shrinking_does_not_slip_from_one_cause_to_another() -> None:
    """Two claims that overlap at two locations could be made smaller as the race at one location."""
    both_needed = found(FAR, TWO_CLAIMS, *each("aaaaaaabbbbbaaaaa"))
    assert needed(again(both_needed), TWO_CLAIMS, frozenset((Behaviour.CACHES,)))
    assert not needed(again(both_needed), TWO_CLAIMS, frozenset((Behaviour.OVERLAP,)))


def test_what_breaks_without_any_single_behaviour_is_tried_without_pairs() -> None:
    """An old enqueue that loses an id by a stale copy, or by overlap: either is enough."""
    scenario = Scenario(
        "webhooks",
        (Actor("a", "SJC", ("enqueue t1",), "old"), Actor("b", "NRT", ("enqueue t2", "enqueue t3"), "old")),
        final="old",
    )
    world = replay(scenario, each("abbaab"))
    told = causes(world, Target("P2", ()))
    assert all(isinstance(cause, tuple) for cause in told)
    assert told


def test_what_there_is_no_time_to_make_small_is_kept_as_it_was_found() -> None:
    explorer = Explorer(SCENARIOS[1:2], swarm=False)
    finding = next(explorer.run(lambda: False, small_enough=lambda: True))
    assert not finding.small
    assert finding.target.breaks(again(finding).history) is not None
    assert set(finding.causes) == {
        (behaviour,) for behaviour, needed in signs(again(finding), finding.target) if needed
    }
    assert any("KV operations; not made small)" in line for line in text_report.five_lines(finding, ""))
    whole = examine(finding.scenario, finding.made, finding.target, signs(again(finding), finding.target), 1)
    assert whole is not None
    assert len(whole.made) < len(finding.made)
    assert not finding.adds_to(whole), "it may come to something else"
    assert keep([whole], finding) == [whole, finding]


@pytest.mark.parametrize(("paused", "known_paused", "known"), [(0, 0, 1), (1, 1, 1), (1, 0, 1), (0, 1, 0)])
def test_what_breaks_without_a_pause_is_looked_at_though_it_is_known_with_one(
    paused: bool, known_paused: bool, known: bool
) -> None:
    """It may need no time that passes, which a schedule that has such a time cannot show."""
    sign = "two-ends", TWO_CLAIMS, ((Behaviour.CACHES, True),)
    assert known_by((*sign, bool(paused)), {(*sign, bool(known_paused))}) == known


def test_what_was_found_is_kept_where_making_it_small_fails() -> None:
    explorer = Explorer(SCENARIOS[1:2], swarm=False)
    with pytest.raises(KeyboardInterrupt):
        next(explorer.run(lambda: False, small_enough=ctrl_c))
    (finding,) = explorer.findings
    assert not finding.small
    assert len(explorer.examined) == 1


def ctrl_c() -> bool:
    raise KeyboardInterrupt


@pytest.mark.slow
def test_the_same_seed_makes_the_same_findings() -> None:
    def run() -> list[tuple[Target, object, tuple[str, ...]]]:
        explorer = Explorer(SCENARIOS[:2], seed=2, swarm=False)
        list(explorer.run(lambda: explorer.schedules >= 24))
        return [(each.target, each.causes, tuple(str(made.choice) for made in each.made)) for each in explorer.findings]

    first = run()
    assert first
    assert first == run()


@pytest.mark.slow
def test_a_finding_that_only_adds_to_another_is_not_kept() -> None:
    explorer = Explorer(SCENARIOS, seed=0)
    list(islice(explorer.run(lambda: explorer.schedules >= 40), 20))
    for one in explorer.findings:
        assert not any(one.adds_to(other) for other in explorer.findings if other is not one)


LATE_RENEWAL = [*each("aaaaa"), Choice("a", MINUTE_MS), Choice("b", EXPIRY_MS), *each("bbbba")]
KNOWN = {
    "h1": ("daemons", each("aabbbbbaaa"), Target("P1", ("claim", "claim")), {Behaviour.OVERLAP}),
    "h2": ("two-ends", each("aaaaaaabbbbbaaaaa"), Target("P1", ("claim", "claim")), {Behaviour.CACHES}),
    "h6": ("webhooks", each(["h1", "h1", "h2", "h2", "h2", "h1"]), Target("P2", ()), {Behaviour.OVERLAP}),
    "h7": ("rollback", each(["op"] * 20), Target("P6", ()), set[Behaviour]()),
    "h11": ("daemons", each("aaaaaaamaaam"), Target("P3", ("claim", "settled")), {Behaviour.OVERLAP}),
    "h12": (
        "daemons",
        [*each("aaaaa"), *[Choice("a", AT_ONCE_MS)] * 2],
        Target("P4", ("renew",)),
        {Behaviour.WRITE_RATE},
    ),
    "h13": ("two-ends", each("a" * 7 + "b" * 15 + "a" * 5), Target("P3", ("claim",)), {Behaviour.CACHES}),
    "h15": ("daemons", LATE_RENEWAL, Target("P1", ("claim", "renew")), {Behaviour.OVERLAP, Behaviour.PAUSES}),
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_hazard_is_found_with_its_cause_and_is_small(name: str) -> None:
    scenario, choices, target, needs = KNOWN[name]
    finding = found(next(each for each in SCENARIOS if each.name == scenario), target, *choices)
    assert {behaviour for cause in finding.causes for behaviour in cause} == needs
    assert len(finding.made) <= 18
    assert finding.switches <= 4


def test_a_worker_that_was_explored_is_let_go_with_its_findings() -> None:
    """A Worker on workerd is a process with its sockets."""
    worker = Forgetful()
    found(replace(BOTH, subject=worker), TWO_CLAIMS, *each("aaabbbbbaaaaa"))
    kept = weakref.ref(worker)
    del worker
    gc.collect()
    assert kept() is None


def test_a_fault_in_the_midst_of_a_request_needs_no_overlap() -> None:
    """Without overlap the request is done in one go, and the fault still falls on its third operation."""
    scenario = next(each for each in SCENARIOS if each.name == "migration")
    alone = replace(scenario, actors=scenario.actors[:1])
    choices = [Choice("op"), Choice("op"), Choice("op", fault="fail_after"), *[Choice("op")] * 6]
    target = Target("P5", ("task",))
    world = replay(alone, choices)
    assert target.breaks(world.history) is not None
    assert causes(world, target) == ((Behaviour.FAULTS,),)
