"""A schedule is text: what is written is what is replayed, and a Worker that does something else is told where."""

from dataclasses import replace
from itertools import product

import pytest

from queue_emulator.core.errors import SettingsError
from queue_emulator.explore import schedule, text_report
from queue_emulator.explore.causes import Target, replay, signs, targets
from queue_emulator.explore.explorer import Finding, examine
from queue_emulator.explore.guarantee import broken
from queue_emulator.explore.history import Actor
from queue_emulator.explore.scenarios import FAULTS, KILLED, SCENARIOS, Scenario
from queue_emulator.explore.turns import Choice
from tests.core.test_shown import obeyed

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def found(scenario: Scenario, target: Target, choices: list[Choice]) -> Finding:
    world = replay(scenario, choices)
    finding = examine(scenario, world.made, target, signs(world, target), 1)
    assert finding is not None
    return finding


@pytest.fixture(scope="module")
def far_apart() -> Finding:
    return found(BY_NAME["two-ends"], Target("P1", ("claim", "claim")), [Choice(name) for name in "aaaaaaabbbbbaaaaa"])


def text_of(finding: Finding) -> str:
    return schedule.write(finding, text_report.needs(finding.causes))


def test_a_schedule_is_read_by_people(far_apart: Finding) -> None:
    text = text_of(far_apart)
    assert "actor      a at SJC on new: claim, release, claim" in text
    assert "a          release t1   get queue:lease:t1" in text
    assert "nothing, copy 2 s old, STALE: not version 4" in text
    assert "=> b: claim 200 t1" in text


def test_what_is_written_breaks_the_same_when_it_is_replayed(far_apart: Finding) -> None:
    replayed = schedule.replay(schedule.read(text_of(far_apart), "h2"))
    assert replayed.differs is None
    assert replayed.broken is not None
    assert replayed.broken.why == far_apart.broken.why
    assert replayed.world.history.happenings == far_apart.history.happenings


def test_a_fault_and_a_killed_run_are_part_of_it() -> None:
    for fault in FAULTS:
        scenario = Scenario(
            "faulty", (Actor("op", "SJC", ("run",)),), ("old t1", "old t2"), migrates=True, faults=FAULTS
        )
        at = 8 if fault == KILLED else 2
        world = replay(scenario, [*[Choice("op")] * at, Choice("op", fault=fault)])
        finding = examine(scenario, world.made, targets(broken(world.history))[0], (), 1)
        assert finding is not None
        replayed = schedule.replay(schedule.read(text_of(finding), "faulty"))
        assert (replayed.differs, replayed.broken is not None) == (None, True)


def test_what_stands_behind_an_arrow_is_not_replayed(far_apart: Finding) -> None:
    kept = [line.partition("->")[0].partition("=>")[0] for line in text_of(far_apart).splitlines()]
    assert schedule.replay(schedule.read("\n".join(kept), "h2")).broken is not None


def test_the_first_operation_that_differs_is_told_and_the_rest_goes_on_in_its_order(far_apart: Finding) -> None:
    text = text_of(far_apart)
    other = text.replace("on new: claim\n", "on old: claim\n")  # another Worker answers b: it reads the pending list
    replayed = schedule.replay(schedule.read(other, "h2"))
    assert replayed.differs is not None
    assert "b does get orchestrator:pending, where it was list queue:task:" in replayed.differs
    assert replayed.broken is None


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        (schedule.FIRST_LINE, "# something", "no schedule"),
        ("broken     P1 claim claim", "broken     P99", "unknown guarantee 'P99'; there are P1,"),
        ("broken     P1 claim claim", "", "does not say what is broken"),
        (
            "limits     page 20, operations 20, lease 120 s",
            "limits     page 0, operations 20, lease 120 s",
            "limits are",
        ),
        ("final      new", "final      newest", "final is old, dual, new"),
        ("before     new t1", "before     t1", "written as `new t1`, `old t1` or `odd t1`, not 't1'"),
        (
            "actor      b at NRT on new: claim",
            "actor      b at NRT on new: steal",
            "unknown request 'steal'; there are",
        ),
        ("actor      b at NRT on new: claim", "actor      b on new: claim", "an actor is written as"),
        ("actor      b at NRT on new: claim", "actor      a at NRT on new: claim", "it is taken"),
        ("clock +1 s", "clock -1 s", "the clock is moved with a line such as `clock +1 s`, not '-1 s'"),
        (
            "a          claim        list queue:task:",
            "c          claim        list queue:task:",
            "of an actor there is",
        ),
        ("a                       put queue:lease:t1", "a    put queue:lease:t1 !explode", "unknown fault 'explode'"),
    ],
)
def test_what_cannot_be_understood_is_told_with_its_line(
    far_apart: Finding, line: str, instead: str, said: str
) -> None:
    text = text_of(far_apart)
    assert line in text
    with pytest.raises(SettingsError) as refused:
        schedule.read(text.replace(line, instead, 1), "mine.schedule")
    assert said in str(refused.value)
    assert str(refused.value).startswith("mine.schedule")


HEAD = f"{schedule.FIRST_LINE}\nbroken P1 claim claim\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "# nothing\n" * 10_000, "a schedule has at most 10,000 lines, this has 10,002"),
        (HEAD + "before new " + "x" * 10_000, "line 3: a line has at most 10,000 characters, this has 10,011"),
        (
            HEAD + "".join(f"actor a{number} at SJC on new: claim\n" for number in range(51)),
            "line 53: a schedule has at most 50 actors",
        ),
        (HEAD + "actor a at SJC on new: claim\na" + " " * 900 + "claim" + " " * 900 + "!", "of an actor there is"),
    ],
    ids=["lines", "a-line", "actors", "spaces"],
)
def test_what_would_take_for_ever_is_refused(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        schedule.read(text, "mine")
    assert said in str(refused.value)


HIDDEN = ("\x1b[2J", "\x9b31m", "\x07", "\x7f", "\u202e", "\u2066", "\u200b", "\x00", "\ufeff", "\U000e0041")
PLACES = (
    "broken     P1 claim {}",
    "before     new t{}",
    "actor      c at SJC on new: enqueue t{}",
    "actor      c at SJC on new{}: claim",
    "a          claim        list queue:{}",
    "clock +1{} s",
    "{}",
)


def test_no_line_with_anything_that_a_terminal_obeys_is_taken(far_apart: Finding) -> None:
    tried = 0
    for hidden, place in product(HIDDEN, PLACES):
        with pytest.raises(SettingsError) as refused:
            schedule.read(text_of(far_apart) + place.format(hidden), "mine")
        assert "it has a character that is not shown as itself" in str(refused.value)
        assert obeyed(str(refused.value)) == set()
        tried += 1
    assert tried == len(HIDDEN) * len(PLACES)


def test_what_a_worker_says_adds_no_line_to_a_schedule(far_apart: Finding) -> None:
    for hidden in (*HIDDEN, "\nbroken     P2", "\r\nclock +9 s\r\n", "\u2028broken     P2"):
        told = replace(far_apart, broken=far_apart.broken._replace(why=f"it said {hidden}"))
        text = schedule.write(told, f"{hidden} and {hidden}")
        assert obeyed(text) == {"\n"}
        assert schedule.read(text, "mine") == schedule.read(text_of(far_apart), "mine")
