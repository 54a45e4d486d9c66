"""Fault rules: which operations they match, how often their verdict falls, and how they are written."""

from typing import Any

import pytest

from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import FaultError
from queue_emulator.core.faults import REASONS, RULES_MAX, FaultPlan, Rule, Verdict, rule_from_json, rule_to_json
from queue_emulator.core.kinds import GET_BULK, LIST

FAIL = Verdict("fail_before", 503)
DROP = Verdict("drop_replication", delay_ms=1_000, location="NRT")


@pytest.fixture
def plan() -> FaultPlan:
    return FaultPlan(Dice(7))


def verdicts(plan: FaultPlan, times: int, operation: str = "get", key: bytes = b"k") -> list[Verdict | None]:
    return [plan.decide(operation, key, "SJC") for _ in range(times)]


def test_without_rules_nothing_fails(plan: FaultPlan) -> None:
    assert not plan
    assert verdicts(plan, 3) == [None] * 3


@pytest.mark.parametrize(
    ("rule", "matching"),
    [
        (Rule(FAIL), True),
        (Rule(FAIL, operation="get"), True),
        (Rule(FAIL, operation="get_bulk"), False),
        (Rule(FAIL, location="SJC"), True),
        (Rule(FAIL, location="NRT"), False),
        (Rule(FAIL, key_prefix="é"), True),
        (Rule(FAIL, key_prefix="éa"), False),
        (Rule(FAIL, key_prefix="e"), False),
        (Rule(FAIL, operation="get", key_prefix="", location="SJC"), True),
        (Rule(DROP), False),
    ],
)
def test_a_rule_matches_by_operation_prefix_and_location(rule: Rule, matching: bool) -> None:
    assert rule.matches("get", "é".encode(), "SJC") is matching


def test_a_rule_that_holds_replication_back_matches_writes_only() -> None:
    operations = ("get", "get_bulk", "put", "delete", "list")
    assert [Rule(DROP).matches(each, b"k", "SJC") for each in operations] == [False, False, True, True, False]


def test_the_first_rule_with_a_verdict_wins_and_the_others_do_not_count_it(plan: FaultPlan) -> None:
    plan.add(Rule(Verdict("fail_before", 429), times=1))
    plan.add(Rule(FAIL, percent=0))
    plan.add(Rule(FAIL))
    assert [each and each.status for each in verdicts(plan, 3)] == [429, 503, 503]
    assert [(rule.id, matched, given) for rule, matched, given in plan.rules()] == [(1, 3, 1), (2, 2, 0), (3, 2, 2)]


def test_a_rule_can_be_for_the_nth_match_alone(plan: FaultPlan) -> None:
    plan.add(Rule(FAIL, operation="get", nth=2))
    verdicts(plan, 5, "put")
    assert verdicts(plan, 3) == [None, FAIL, None]


def test_a_percentage_falls_about_as_often_and_the_same_way_each_time() -> None:
    def run(seed: int) -> list[Verdict | None]:
        plan = FaultPlan(Dice(seed))
        plan.add(Rule(FAIL, percent=30))
        return verdicts(plan, 1_000)

    assert 240 < run(1).count(FAIL) < 360
    assert run(1) == run(1) != run(2)


@pytest.mark.parametrize(("percent", "given"), [(0, 0), (100, 50)])
def test_never_and_always(plan: FaultPlan, percent: int, given: int) -> None:
    plan.add(Rule(FAIL, percent=percent))
    assert verdicts(plan, 50).count(FAIL) == given


def test_a_rule_is_taken_out_by_its_id_and_ids_are_not_used_again(plan: FaultPlan) -> None:
    first, second = plan.add(Rule(FAIL)), plan.add(Rule(FAIL))
    plan.remove(second.id)
    plan.remove(first.id)
    assert not plan
    with pytest.raises(FaultError, match=r"^no fault rule has the id 1$"):
        plan.remove(first.id)
    assert plan.add(Rule(FAIL)).id == 3
    plan.clear()
    assert plan.rules() == []


def test_there_are_at_most_a_thousand_rules(plan: FaultPlan) -> None:
    for _ in range(RULES_MAX):
        plan.add(Rule(FAIL))
    with pytest.raises(FaultError, match=r"^there are 1,000 fault rules, which is the most: remove some$"):
        plan.add(Rule(FAIL))
    plan.remove(1)
    assert plan.add(Rule(FAIL)).id == RULES_MAX + 1


@pytest.mark.parametrize("rule", [Rule(FAIL, times=1), Rule(FAIL, nth=1)])
def test_where_there_is_no_room_for_a_rule_those_that_are_used_up_go(plan: FaultPlan, rule: Rule) -> None:
    plan.add(rule)
    assert plan.decide("get", b"k", "SJC") is not None
    for _ in range(RULES_MAX - 1):
        plan.add(rule)
    assert plan.rules()[0][0].id == 1, "what it did is told until its place is needed"
    plan.add(rule)
    assert [each.id for each, *_ in plan.rules()] == [*range(2, RULES_MAX + 2)]
    with pytest.raises(FaultError, match="which is the most"):
        plan.add(rule)


@pytest.mark.parametrize("status", REASONS)
def test_a_failure_is_worded_as_the_runtime_words_it(status: int) -> None:
    failure = Verdict("fail_before", status).error(GET_BULK)
    assert str(failure) == f"KV GET_BULK failed: {status} {REASONS[status]}"
    assert failure.definite
    assert not Verdict("fail_after", status).error(LIST).definite
    assert str(Verdict("fail_after", 500).error(LIST)) == "KV GET failed: 500 Internal Server Error"


@pytest.mark.parametrize(
    "form",
    [
        {"verdict": "fail_before", "status": 429, "percent": 100},
        {"verdict": "delay", "for_s": 0.25, "percent": 5, "operation": "list", "location": "NRT", "nth": 2, "times": 3},
        {"verdict": "drop_replication", "to": "NRT", "for_s": 30, "key_prefix": "task:", "percent": 100},
    ],
)
def test_a_rule_written_as_json_reads_back_as_itself(form: dict[str, Any]) -> None:
    assert rule_to_json(rule_from_json(form)) == {"id": 0, **form}


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({}, "verdict is missing"),
        ({"verdict": 1}, "verdict must be a string, not 1"),
        ({"verdict": "delay"}, "delay needs the member for_s"),
        ({"verdict": "drop_replication", "for_s": 1}, "drop_replication needs the member `to`, a location"),
        ({"verdict": "drop_replication", "to": "NRT"}, "drop_replication needs the member for_s"),
        ({"status": 418}, "status must be one of 429, 500, 502, 503, 504, not 418"),
        ({"operation": "patch"}, "operation must be one of get, get_bulk, put, delete, list, not 'patch'"),
        ({"nth": 0}, "nth must be a whole number of 1 or more, not 0"),
        ({"times": 0}, "times must be a whole number of 1 or more, not 0"),
        ({"times": True}, "times must be a whole number of 1 or more, not true"),
        ({"percent": 101}, "percent must be a whole number from 0 to 100, not 101"),
        ({"percent": 0.5}, "percent must be a whole number from 0 to 100, not 0.5"),
        ({"for_s": -1}, "for_s must be 0 to 86400 seconds, not -1"),
        ({"for_s": float("inf")}, "for_s must be 0 to 86400 seconds, not Infinity"),
        ({"key_prefix": None}, "key_prefix must be a string of 0 to 512 characters, not null"),
        *(
            ({name: "x" * 513}, f"{name} must be a string of 0 to 512 characters, not '{'x' * 79}")
            for name in ("to", "operation", "key_prefix", "location", "namespace")
        ),
    ],
)
def test_a_rule_that_cannot_be_is_refused(form: dict[str, Any], text: str) -> None:
    with pytest.raises(FaultError) as caught:
        rule_from_json({"verdict": "fail_before", **form} if form else {})
    assert str(caught.value) == text


def test_an_unknown_member_is_named_with_those_that_are_known() -> None:
    with pytest.raises(FaultError, match=r"^unknown member 'id'; allowed: verdict, status, for_s, to, op"):
        rule_from_json({"id": 1, "verdict": "fail_before"})
