"""Known differences: what they cover, and that they fail the run when they no longer happen or are past their day."""

import json
from datetime import date
from pathlib import Path

import pytest

from queue_contracts.compare.comparing import Comparison
from queue_contracts.compare.known import Known, KnownError, packaged_known, read_known
from queue_contracts.compare.scores import Outcome, conclude
from queue_contracts.compare.steps import Request, Sequence
from queue_contracts.described.operations import packaged_description
from tests.differences_of_targets.conftest import Compare
from tests.differences_of_targets.proxy import Asked, Told

TODAY = date(2026, 11, 24)
READ = Request("GET", "/api/queue/{a}", (404,), "getTask")
LIST = Request("GET", "/api/queue", (200,), "listPendingTasks")
READS = Sequence("made up", (READ, LIST))
ENTRY = Known("getTask", "body.error", "it says it in other words", date(2026, 11, 1), date(2027, 2, 1))


def other_words(asked: Asked, told: Told) -> Told:
    if asked.path != "/api/queue":
        told.content = b'{"error":"No such task"}'
    return told


def outcome(comparison: Comparison, *known: Known) -> Outcome:
    return conclude(comparison, known, packaged_description(), TODAY)


def test_an_unknown_text_difference_fails_and_a_known_one_does_not(compared: Compare) -> None:
    assert not outcome(compared(other_words, READS)).passes()
    assert outcome(compared(other_words, READS)).passes(ignore_texts=True)
    passed = outcome(compared(other_words, READS, known=(ENTRY,)), ENTRY)
    assert passed.passes()
    score = next(score for score in passed.scores if score.operation == "getTask")
    assert (score.compared, score.equal, score.texts, score.known) == (1, 0, 0, 1)


@pytest.mark.parametrize(
    "entry",
    [
        Known("getResult", "body.error", "r", TODAY, TODAY),
        Known("getTask", "body.errors", "r", TODAY, TODAY),
        Known("getTask", "body", "r", TODAY, TODAY),
        Known("getTask", "body.error", "r", TODAY, TODAY, sequence="another"),
    ],
)
def test_an_entry_covers_nothing_but_what_it_names(entry: Known, compared: Compare) -> None:
    comparison = compared(other_words, READS, known=(entry,))
    assert any(finding.fails for finding in comparison.findings)


@pytest.mark.parametrize("pattern", ["*", "body.*", "*error"])
def test_a_star_stands_for_anything_and_brackets_for_themselves(pattern: str) -> None:
    assert Known("*", pattern, "r", TODAY, TODAY).covers("getTask", "any", "body.error")
    assert Known("*", "body.a[0]", "r", TODAY, TODAY).covers("getTask", "any", "body.a[0]")
    assert not Known("*", "body.a[0]", "r", TODAY, TODAY).covers("getTask", "any", "body.a0")


def test_an_entry_that_no_longer_happens_fails_the_run(compared: Compare) -> None:
    told = outcome(compared(None, READS, known=(ENTRY,)), ENTRY)
    assert told.stale == (ENTRY,)
    assert not told.passes()
    assert not told.comparison.findings


def test_an_entry_that_was_not_looked_for_is_told_and_fails_nothing(compared: Compare) -> None:
    told = outcome(compared(None, Sequence("lists", (LIST,)), known=(ENTRY,)), ENTRY)
    assert (told.stale, told.unseen) == ((), (ENTRY,))
    assert told.passes()


def test_an_entry_past_its_day_fails_the_run_though_it_still_happens(compared: Compare) -> None:
    old = Known("getTask", "body.error", "it says it in other words", date(2026, 8, 1), date(2026, 11, 23))
    told = outcome(compared(other_words, READS, known=(old,)), old)
    assert told.expired == (old,)
    assert not told.passes()
    last_day = Known("getTask", "body.error", "it says it in other words", date(2026, 8, 1), TODAY)
    assert outcome(compared(other_words, READS, known=(last_day,)), last_day).passes()


def test_an_entry_between_two_targets_counts_for_them_in_either_order() -> None:
    entry = Known("*", "*", "r", TODAY, TODAY, between=frozenset({"emulator", "workerd"}))
    assert entry.applies(("workerd", "emulator"))
    assert not entry.applies(("emulator", "staging.example"))
    assert ENTRY.applies(("anything", "else"))


def test_a_run_that_compared_nothing_does_not_pass() -> None:
    assert not outcome(Comparison(("a", "b"))).passes()


def test_the_entries_of_the_package_can_be_read_and_have_reasons() -> None:
    for entry in packaged_known():
        assert entry.reason
        assert entry.found < entry.expires


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    file = tmp_path / "known.yaml"
    file.write_text(
        "- between: [emulator, staging.example]\n  operation: claimTask\n  field: body.pending\n"
        "  reason: counted otherwise\n  date: 2026-11-01\n  expires: 2027-01-01\n"
    )
    (entry,) = read_known(file)
    assert entry.between == {"emulator", "staging.example"}
    assert (entry.operation, entry.sequence, entry.expires) == ("claimTask", "*", date(2027, 1, 1))


WHOLE = {"operation": "getTask", "field": "*", "reason": "r", "date": "2026-11-01", "expires": "2027-01-01"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "must be a list"),
        ("[3]", "entry 1: Expected `object`, got `int`"),
        ("- {operation: getTask}", "entry 1: Object missing required field `field`"),
        (
            "- {operation: getTusk, field: b, reason: c, date: 2026-11-01, expires: 2027-01-01}",
            "entry 1: there is no operation 'getTusk', only listPendingTasks",
        ),
        (
            "- " + json.dumps({**WHOLE, "reason": ""}).replace('"2', "2").replace('1"', "1"),
            "Expected `str` of length >= 1 - at `$.reason`",
        ),
        ("- " + json.dumps({**WHOLE, "until": 1}), "Object contains unknown field `until`"),
        ("- " + json.dumps({**WHOLE, "date": "yesterday"}), "Invalid RFC3339 encoded date - at `$.date`"),
        (
            "- {operation: get*, field: b, reason: c, date: 2026-11-01, expires: 2027-01-01, between: [a]}",
            "Expected `array` of length >= 2 - at `$.between`",
        ),
        ("- [", "known.yaml"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_the_reason(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "known.yaml"
    file.write_text(text)
    with pytest.raises(KnownError) as refused:
        read_known(file)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("operation", "known"),
    [
        ("get*", True),
        ("*", True),
        ("*Task", True),
        ("g*t*T*k", True),
        ("getTask*", True),
        ("getTask*getTask", False),
        ("getTas*sk", False),
        ("*" * 1_000 + "x", False),
        ("*a" * 30 + "x", False),
    ],
)
def test_a_star_stands_for_anything_and_many_take_no_time(operation: str, known: bool, tmp_path: Path) -> None:
    file = tmp_path / "known.yaml"
    dates = "date: 2026-11-01, expires: 2027-01-01"
    file.write_text(f"- {{operation: '{operation}', field: b, reason: c, {dates}}}")
    if known:
        assert read_known(file)[0].is_about("getTask", "any")
        return
    with pytest.raises(KnownError, match="there is no operation"):
        read_known(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnownError):
        read_known(tmp_path / "nothing.yaml")
