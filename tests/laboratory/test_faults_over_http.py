"""The control of fault rules: added, listed with what they did, removed; what cannot be is refused in clear words."""

import json
from typing import Any

import pytest

from queue_emulator.testing import KV, Emulator, Faults
from tests.laboratory.looking import CONTROL, control

FAULTS = f"{CONTROL}/faults"
FULL = {
    "verdict": "fail_before",
    "status": 429,
    "operation": "put",
    "key_prefix": "queue:lease:",
    "location": "SJC",
    "nth": 2,
    "times": 3,
    "percent": 50,
}


def rules(emulator: Emulator) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(emulator.get(FAULTS).content)["rules"]
    return listed


def test_a_rule_is_answered_with_its_id_and_listed_as_it_was_given(emulator: Emulator) -> None:
    assert control(emulator, "faults", FULL).json() == {"id": 1, **FULL}
    assert control(emulator, "faults", {"verdict": "delay", "for_s": 2.5}).json() == {
        "id": 2,
        "verdict": "delay",
        "for_s": 2.5,
        "percent": 100,
    }
    assert rules(emulator) == [
        {"id": 1, **FULL, "matched": 0, "given": 0},
        {"id": 2, "verdict": "delay", "for_s": 2.5, "percent": 100, "matched": 0, "given": 0},
    ]


def test_the_list_says_how_often_a_rule_matched_and_gave_its_verdict(emulator: Emulator) -> None:
    control(emulator, "faults", {"verdict": "fail_before", "operation": "list", "times": 1})
    assert [emulator.get("/api/queue").status for _ in range(3)] == [500, 200, 200]
    (rule,) = rules(emulator)
    assert (rule["matched"], rule["given"]) == (3, 1)


def test_rules_are_removed_one_by_one_and_all_together(emulator: Emulator) -> None:
    for operation in ("get", "put", "list"):
        control(emulator, "faults", {"verdict": "fail_before", "operation": operation})
    here = emulator.at("SJC")
    assert here.request("DELETE", f"{FAULTS}/2").json() == {"removed": 2}
    assert [rule["id"] for rule in rules(emulator)] == [1, 3]
    assert here.request("DELETE", FAULTS).json() == {"rules": []}
    assert rules(emulator) == []
    assert emulator.get("/api/queue").status == 200
    assert control(emulator, "faults", {"verdict": "fail_before"}).json()["id"] == 4


@pytest.mark.parametrize("given", ["2", "0", "01", "x", "-1", "1.0", "9" * 30])
def test_removing_a_rule_that_is_not_there_is_a_404(emulator: Emulator, given: str) -> None:
    control(emulator, "faults", {"verdict": "fail_before"})
    reply = emulator.request("DELETE", f"{FAULTS}/{given}")
    assert (reply.status, reply.json()) == (404, {"error": f"no fault rule has the id {given!r}"})
    assert len(rules(emulator)) == 1


def test_python_and_http_see_the_same_rules(emulator: Emulator, faults: Faults) -> None:
    control(emulator, "faults", {"verdict": "fail_before", "operation": "list"})
    rule_id = faults.add("delay", for_s=1)
    assert [rule["id"] for rule in rules(emulator)] == [rule["id"] for rule in faults.rules()] == [1, rule_id]


def test_a_reset_removes_the_rules(emulator: Emulator) -> None:
    control(emulator, "faults", {"verdict": "fail_before"})
    control(emulator, "reset", {})
    assert rules(emulator) == []


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({}, "verdict is missing"),
        (
            {"verdict": "explode"},
            "verdict must be one of fail_before, fail_after, delay, drop_replication, not 'explode'",
        ),
        ({"verdict": 5}, "verdict must be a string, not 5"),
        ({"operation": "PUT"}, "operation must be one of get, get_bulk, put, delete, list, not 'PUT'"),
        ({"status": 404}, "status must be one of 429, 500, 502, 503, 504, not 404"),
        ({"status": "429"}, "status must be a whole number, not '429'"),
        ({"nth": 0}, "nth must be a whole number of 1 or more, not 0"),
        ({"nth": 1.5}, "nth must be a whole number of 1 or more, not 1.5"),
        ({"nth": True}, "nth must be a whole number of 1 or more, not true"),
        ({"times": -1}, "times must be a whole number of 1 or more, not -1"),
        ({"percent": 101}, "percent must be a whole number from 0 to 100, not 101"),
        ({"percent": -1}, "percent must be a whole number from 0 to 100, not -1"),
        ({"key_prefix": None}, "key_prefix must be a string of 0 to 512 characters, not null"),
        ({"key": "k"}, "unknown member 'key'; allowed: verdict, status, for_s, to, operation,"),
        ({"verdict": "delay"}, "delay needs the member for_s"),
        ({"verdict": "delay", "for_s": 0}, "delay needs the member for_s"),
        ({"verdict": "delay", "for_s": -1}, "for_s must be 0 to 86400 seconds, not -1"),
        ({"verdict": "delay", "for_s": 86401}, "for_s must be 0 to 86400 seconds, not 86401"),
        ({"verdict": "drop_replication", "for_s": 60}, "drop_replication needs the member `to`, a location"),
        ({"verdict": "drop_replication", "to": "SJC"}, "drop_replication needs the member for_s"),
        ({"verdict": "drop_replication", "to": "LHR", "for_s": 1}, "unknown location 'LHR'; this emulator has SJC"),
        ({"location": "LHR"}, "unknown location 'LHR'; this emulator has SJC"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_and_not_added(emulator: Emulator, members: dict[str, Any], why: str) -> None:
    body = members if not members or "verdict" in members else {"verdict": "fail_before", **members}
    reply = control(emulator, "faults", body)
    assert reply.status == 400
    assert str(reply.json()["error"]).startswith(why)
    assert rules(emulator) == []


def test_a_rule_with_a_prefix_that_is_no_text_does_not_break_the_emulator(emulator: Emulator, kv: KV) -> None:
    reply = emulator.at("SJC").request("POST", FAULTS, content=b'{"verdict":"fail_before","key_prefix":"\\udfff"}')
    assert reply.status == 200
    assert emulator.get("/api/queue").status == 200


def test_a_fault_met_by_the_worker_is_a_500_and_is_explained_in_the_log(emulator: Emulator) -> None:
    emulator.enqueue({"id": "t1"})
    control(emulator, "faults", {"verdict": "fail_after", "operation": "put", "key_prefix": "orchestrator:result:"})
    reply = emulator.post("/api/result/t1", {"success": True})
    assert (reply.status, reply.text) == (500, "Internal Server Error")
    where = "at SJC, after 1 KV operations; by fault rule 1"
    assert f"  uncaught Error: KV PUT failed: 500 Internal Server Error ({where})" in emulator.log
    assert emulator.get("/api/result/t1").json() == {"success": True}
    assert emulator.get("/api/queue").json()["pending"] == ["t1"]


@pytest.mark.parametrize("verdict", ["fail_before", "fail_after", "delay"])
def test_the_journal_names_the_rule_whose_verdict_fell(emulator: Emulator, verdict: str) -> None:
    control(emulator, "faults", {"verdict": "fail_before", "operation": "put"})
    control(
        emulator, "faults", {"verdict": verdict, "operation": "list"} | ({"for_s": 1} if verdict == "delay" else {})
    )
    emulator.get("/api/queue")
    emulator.get("/api/queue/t1")
    ruled = [json.loads(line).get("faultRule") for line in emulator.get(f"{CONTROL}/journal").text.splitlines()]
    assert ruled == [2, None]
