"""Every tool, in every version that is known, has its KV here: late, limited, faulty, and with a clock that moves."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.run.probe_tools import RELOADED, TOOLS, Started, Tool, command_of, free_port, project
from tests.run.tool import StartRun

NAMESPACE = "f1a90000000000000000000000000000"


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_tool_has_its_kv_here(tool: Tool, start_run: StartRun, tmp_path: Path) -> None:
    folder, port = project(tmp_path, tool), free_port()
    options = ("--location", "SJC", "--location", "NRT", "--at", "TOKYO=NRT")
    running = start_run(command_of(tool, port), *options, folder=folder)
    started = Started(tool, running, folder, f"http://127.0.0.1:{port}")
    running.line(tool.said)
    running.line(rf"(Ready on|Local:).*:{port}")
    for check in CHECKS:
        check(started)
    assert running.stop() in (0, 143)  # 143: the tool leaves SIGTERM to the system
    assert len(running.ours()) == 1, running.ours()


def the_report_says_what_is_where(started: Started) -> None:
    (line,) = started.running.ours()
    assert f"uses this KV: FLAGS = {NAMESPACE}, TOKYO = {NAMESPACE} at NRT; " in line
    assert ("; locations SJC, NRT; " in line) is started.tool.copies
    assert ("has one location, SJC; " in line) is not started.tool.copies


def values_and_metadata_are_kept(started: Started) -> None:
    assert started.kv("FLAGS", "get", "absent") == {"value": None}
    options = {"metadata": {"who": "né", "n": [1, 2]}, "expirationTtl": 600}
    assert started.kv("FLAGS", "put", "a/b c?é", "value é", options) == {"value": None}
    assert started.kv("FLAGS", "get", "a/b c?é") == {"value": "value é"}
    found = started.kv("FLAGS", "getWithMetadata", "a/b c?é")["value"]
    assert (found["value"], found["metadata"]) == ("value é", options["metadata"])
    listed = started.kv("FLAGS", "list", {"prefix": "a/"})["value"]
    assert [(key["name"], key["metadata"]) for key in listed["keys"]] == [("a/b c?é", options["metadata"])]
    assert listed["list_complete"] is True
    assert started.kv("FLAGS", "delete", "a/b c?é") == {"value": None}
    assert started.kv("FLAGS", "get", "a/b c?é") == {"value": None}


def streams_pass_both_ways(started: Started) -> None:
    text = "streamed " * 10_000
    assert started.kv("FLAGS", "putStream", "stream", text) == {"value": None}
    assert started.kv("FLAGS", "getStream", "stream") == {"value": text}


def many_keys_are_read_at_once(started: Started) -> None:
    if started.tool.bulk_get:
        assert started.kv("FLAGS", "put", "many", "1") == {"value": None}
        assert started.kv("FLAGS", "get", ["many", "none"]) == {"value": {"many": "1", "none": None}}


def another_location_reads_a_stale_value_until_the_clock_moves(started: Started) -> None:
    for binding, location in (("TOKYO", None), ("FLAGS", "NRT")) if started.tool.copies else (("TOKYO", None),):
        key = f"late-{binding}"
        assert started.kv(binding, "get", key, location=location) == {"value": None}
        assert started.kv("FLAGS", "put", key, "new") == {"value": None}
        assert started.kv(binding, "get", key, location=location) == {"value": None}
        assert started.kv("FLAGS", "get", key) == {"value": "new"}
        started.running.control("POST", "clock", {"advance_s": 60})
        assert started.kv(binding, "get", key, location=location) == {"value": "new"}


def a_second_write_of_one_key_in_a_second_is_refused(started: Started) -> None:
    started.running.control("POST", "clock", {"freeze": True})
    assert started.kv("FLAGS", "put", "often", "1") == {"value": None}
    assert started.kv("FLAGS", "put", "often", "2") == {"error": "KV PUT failed: 429 Too Many Requests"}
    started.running.control("POST", "clock", {"freeze": False})


def the_worker_s_date_shows_the_emulator_s_clock(started: Started) -> None:
    if not started.tool.copies:  # where a Worker has one location, its Date is the machine's
        return
    now_ms = started.running.control("POST", "clock", {"freeze": True})["now_ms"]
    for location in ("SJC", "NRT"):
        headers = {"X-Emulator-Location": location}
        until(lambda headers=headers: started.running.ask("GET", "/date", headers=headers).text == str(now_ms))  # type: ignore[misc]
    assert started.get("GET", "/date").text == str(now_ms)
    started.running.control("POST", "clock", {"freeze": False})


def a_fault_is_what_the_worker_sees(started: Started) -> None:
    rule = {"verdict": "fail_before", "status": 503, "operation": "get", "key_prefix": "faulty"}
    started.running.control("POST", "faults", rule)
    assert started.kv("FLAGS", "get", "faulty") == {"error": "KV GET failed: 503 Service Unavailable"}


def the_journal_has_every_operation_and_marks_what_was_stale(started: Started) -> None:
    lines = started.running.ask("GET", "/cdn-cgi/emulator/journal").text.splitlines()
    assert any('"key":"a/b c?é"' in line and '"operation":"put"' in line for line in lines)
    stale = [line for line in lines if '"stale":true' in line]
    assert all('"location":"NRT"' in line for line in stale)
    assert len(stale) == (2 if started.tool.copies else 1)


def a_changed_worker_is_brought_in(started: Started) -> None:
    if not started.tool.reloads:
        return
    assert started.get("GET", "/version").text == "one"
    (started.folder / "src" / "version.ts").write_text(RELOADED)
    until(lambda: started.get("GET", "/version").text == "two")
    if started.tool.copies:
        until(lambda: started.running.ask("GET", "/version", headers={"X-Emulator-Location": "NRT"}).text == "two")
    assert started.kv("FLAGS", "get", "late-TOKYO") == {"value": "new"}


def until(true: Callable[[], bool]) -> None:
    """Ask until it is so; each question is a request, and takes its time."""
    for _ in range(5_000):
        if true():
            return
    raise AssertionError("it did not come to be")


CHECKS = (
    the_report_says_what_is_where,
    values_and_metadata_are_kept,
    streams_pass_both_ways,
    many_keys_are_read_at_once,
    another_location_reads_a_stale_value_until_the_clock_moves,
    a_second_write_of_one_key_in_a_second_is_refused,
    a_fault_is_what_the_worker_sees,
    the_journal_has_every_operation_and_marks_what_was_stale,
    the_worker_s_date_shows_the_emulator_s_clock,
    a_changed_worker_is_brought_in,
    the_worker_s_date_shows_the_emulator_s_clock,
)
