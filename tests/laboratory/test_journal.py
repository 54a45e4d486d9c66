"""The journal: each KV operation in order, who made it where and what it saw; in Python and, as NDJSON, over HTTP."""

import json
from typing import Any

import pytest

from queue_emulator.core.errors import KVError
from queue_emulator.testing import KV, NOON_MS, Emulator, EmulatorClock
from tests.laboratory.looking import CONTROL, control, journal_lines, last_event, noted


def without_caller(line: dict[str, Any]) -> dict[str, Any]:
    assert line.pop("namespace") == "CACHE"
    assert line.pop("location") == "SJC"
    assert line.pop("route") == ""
    assert len(line.pop("invocation")) == 16
    return line


def times(at_ms: int) -> dict[str, int]:
    """Of an operation that waits for nothing."""
    return {"asked_ms": at_ms, "begun_ms": at_ms, "done_ms": at_ms}


def test_every_operation_is_noted_with_what_it_saw(emulator: Emulator, kv: KV, emulator_clock: EmulatorClock) -> None:
    kv.get("k\u00e9")
    kv.put("k\u00e9", "v")
    emulator_clock.advance(2)
    kv.get("k\u00e9")
    kv.get_bulk(["k\u00e9", "absent"])
    kv.list(prefix="k")
    emulator_clock.advance(0.5)
    kv.list(prefix="k")
    kv.delete("k\u00e9")
    at, later, last = times(NOON_MS), times(NOON_MS + 2_000), times(NOON_MS + 2_500)
    copy = {"cacheStatus": "HIT", "age_ms": 500}
    read = {"cacheStatus": "HIT", "age_ms": 2_000, "version": 1}
    assert [without_caller(line) for line in journal_lines(emulator)] == [
        {"position": 1, "id": 1, **at, "operation": "get", "key": "k\u00e9", "cacheStatus": "MISS"},
        {"position": 2, "id": 2, **at, "operation": "put", "key": "k\u00e9", "version": 1},
        {"position": 3, "id": 3, **later, "operation": "get", "key": "k\u00e9", **read},
        {"position": 4, "id": 4, **later, "operation": "get_bulk", "key": "k\u00e9", **read},
        {"position": 5, "id": 4, **later, "operation": "get_bulk", "key": "absent", "cacheStatus": "MISS"},
        {"position": 6, "id": 5, **later, "operation": "list", "key": "k", "cacheStatus": "MISS", "keys": 1},
        {"position": 7, "id": 6, **last, "operation": "list", "key": "k", **copy, "keys": 1},
        {"position": 8, "id": 7, **last, "operation": "delete", "key": "k\u00e9", "version": 2},
    ]


@pytest.mark.queue_emulator(profile="local")
def test_the_local_runtime_s_reads_have_no_cache_status_and_no_age(emulator: Emulator, kv: KV) -> None:
    kv.put("k", "v")
    kv.get("k")
    line = without_caller(journal_lines(emulator)[-1])
    assert line == {"position": 2, "id": 2, **times(NOON_MS), "operation": "get", "key": "k", "version": 1}


def test_python_and_http_tell_the_same(emulator: Emulator, kv: KV) -> None:
    kv.put("k", "v")
    kv.get("k")
    emulator.get("/api/queue")
    assert [json.loads(event.to_json_line()) for event in emulator.journal()] == journal_lines(emulator)
    assert [event.position for event in emulator.journal(after=1)] == [2, 3]


def test_a_refused_operation_is_noted_with_the_error_that_the_worker_saw(emulator: Emulator, kv: KV) -> None:
    kv.put("k", "v")
    with pytest.raises(KVError):
        kv.put("k", "v")
    assert journal_lines(emulator)[-1]["failed"] == "KV PUT failed: 429 Too Many Requests"
    assert "version" not in journal_lines(emulator)[-1]


def test_an_operation_names_the_route_and_the_run_of_the_worker_that_made_it(emulator: Emulator) -> None:
    emulator.enqueue({"id": "t1"})
    ray = emulator.at("NRT").post("/api/queue/claim", {"workerId": "d"}).headers["cf-ray"]
    enqueued, *claimed = emulator.journal()
    assert (enqueued.route, enqueued.location) == ("CommHub.sendViaKVQueue", "SJC")
    assert [event.operation for event in claimed] == ["list", "get", "put", "get", "get"]
    assert {(event.route, f"{event.invocation}-{event.location}") for event in claimed} == {
        ("POST /api/queue/claim", ray)
    }


def test_seeding_is_noted_as_writes_of_no_route(emulator: Emulator) -> None:
    control(emulator, "seed", [{"key": "a", "value": ""}, {"key": "b", "value": ""}])
    assert [(event.operation, event.key, event.route, event.version) for event in emulator.journal()] == [
        ("put", b"a", "", 1),
        ("put", b"b", "", 2),
    ]


def test_over_http_it_is_ndjson_from_a_position_up_to_a_limit(emulator: Emulator, kv: KV) -> None:
    for number in range(5):
        kv.get(f"k{number}")
    reply = emulator.get(f"{CONTROL}/journal?after=1&limit=2")
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert reply.text.endswith("}\n")
    assert [json.loads(line)["position"] for line in reply.text.split("\n")[:-1]] == [2, 3]
    assert (reply.headers["x-journal-first"], reply.headers["x-journal-last"]) == ("1", "5")
    assert [line["position"] for line in journal_lines(emulator, "?after=3")] == [4, 5]
    assert journal_lines(emulator, "?after=5") == journal_lines(emulator, "?limit=0") == []
    assert journal_lines(emulator, "?after=999") == []


def test_an_empty_journal_says_so_in_its_headers(emulator: Emulator) -> None:
    reply = emulator.get(f"{CONTROL}/journal")
    assert (reply.status, reply.content) == (200, b"")
    assert (reply.headers["x-journal-first"], reply.headers["x-journal-last"]) == ("1", "0")


def test_a_reset_leaves_a_gap_that_a_reader_can_see(emulator: Emulator, kv: KV) -> None:
    for _ in range(3):
        kv.get("k")
    control(emulator, "reset", {})
    kv.get("k")
    reply = emulator.get(f"{CONTROL}/journal?after=2")
    assert [json.loads(line)["position"] for line in reply.text.splitlines()] == [4]
    assert (reply.headers["x-journal-first"], reply.headers["x-journal-last"]) == ("4", "4")


@pytest.mark.slow
def test_what_is_too_old_is_forgotten_and_one_answer_holds_ten_thousand_events(emulator: Emulator) -> None:
    emulator.load([{"key": f"{number:05d}", "value": ""} for number in range(50_010)])
    reply = emulator.get(f"{CONTROL}/journal?limit=20000")
    positions = [json.loads(line)["position"] for line in reply.text.splitlines()]
    assert positions == list(range(11, 10_011))
    assert (reply.headers["x-journal-first"], reply.headers["x-journal-last"]) == ("11", "50010")
    assert [line["position"] for line in journal_lines(emulator, "?after=50008")] == [50_009, 50_010]


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "after=", "after=1.5", "limit=-1", "after=1e3", "limit=%D9%A1"]
)
def test_a_position_or_limit_that_is_no_whole_number_is_refused(emulator: Emulator, query: str) -> None:
    reply = emulator.get(f"{CONTROL}/journal?{query}")
    assert reply.status == 400
    assert f"{query.partition('=')[0]} must be a whole number of 0 or more" in reply.text


def test_the_version_counts_writes_over_all_keys_and_a_read_names_the_one_it_saw(emulator: Emulator, kv: KV) -> None:
    kv.put("a", "")
    kv.put("b", "")
    kv.delete("a")
    kv.get("b")
    assert last_event(emulator).version == 2
    assert [event.version for event in noted(emulator, "put", "delete")] == [1, 2, 3]
