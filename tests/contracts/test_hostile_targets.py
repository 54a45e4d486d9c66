"""Whole commands against servers that answer without a bound: one line, the code for what cannot be tested, memory."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contracts.command import environment, fork
from tests.contracts.deployment import ACCOUNT, NAMESPACE, TOKEN
from tests.contracts.hostile import Content, Hostile, answer, chunked_without_end, gzipped, hostile, without_end

pytestmark = pytest.mark.slow

MEMORY_MIB_MAX = 450  # of a run that reads nothing large, Schemathesis and all, it is about 160
EMPTY_QUEUE = answer(b'{"pending": [], "count": 0}')
COUNTS = dict.fromkeys(("oldTaskCount", "newTaskCount", "oldLeaseCount", "newLeaseCount"), 0)
STATUS = answer(
    json.dumps(
        {
            "success": True,
            "status": {"oldFormatExists": False, "newFormatExists": False, **COUNTS},
            "needsMigration": False,
            "recommendation": "none",
        }
    ).encode()
)
BROTLI = answer(b"\xff" * 100, "Content-Encoding: br")
NO_RUN = {
    "without an end": without_end(b"[", b" " * 65536),
    "2 GB of spaces, gzipped": answer(gzipped(2048), "Content-Encoding: gzip"),
    "a million brackets": answer(b"[" * 1_000_000),
    "chunks without an end": chunked_without_end(),
    "an encoding that nobody asked for": BROTLI,
}


def ended(*arguments: str, folder: Path, **changed: str) -> tuple[int, list[str]]:
    """The code and the lines of a command, whose memory was bounded."""
    process = fork(*arguments, env=environment() | changed | {"TMPDIR": str(folder)}, folder=folder)
    assert process.memory_kib < MEMORY_MIB_MAX * 1024, process.out
    assert "Traceback" not in process.out, process.out
    lines = [line for line in process.out.splitlines() if line]
    assert all(line.isprintable() for line in lines), process.out
    return process.code, lines


def kv_of(server: Hostile) -> dict[str, str]:
    return {
        "CONTRACT_KV_ACCOUNT": ACCOUNT,
        "CONTRACT_KV_NAMESPACE": NAMESPACE,
        "CONTRACT_KV_TOKEN": TOKEN,
        "CONTRACT_KV_API": f"{server.url}/client/v4",
    }


@pytest.mark.parametrize("kind", NO_RUN)
def test_a_run_against_an_answer_that_cannot_be_read_is_none(kind: str, tmp_path: Path) -> None:
    with hostile() as server:
        server.answers["/"] = NO_RUN[kind]
        code, lines = ended("--url", server.url, folder=tmp_path)
    assert code == 2, lines
    assert [line for line in lines if "cannot be read" in line] == lines[-1:]


@pytest.mark.parametrize("kind", NO_RUN)
def test_a_comparison_with_an_answer_that_cannot_be_read_is_none(kind: str, tmp_path: Path) -> None:
    with hostile() as server:
        server.answers["/"] = NO_RUN[kind]
        code, lines = ended("diff", server.url, server.url, folder=tmp_path)
    assert code == 2, lines
    assert len(lines) == 1
    assert lines[0].startswith("queue-contracts diff: ")
    assert "cannot be read" in lines[0]


def test_a_run_that_meets_such_an_answer_on_its_way_ends_there(tmp_path: Path) -> None:
    with hostile() as server:
        server.answers |= {"/api/queue": EMPTY_QUEUE, "/api/migrate/status": STATUS}
        server.answers["/api/result/"] = server.answers["/api/queue/"] = NO_RUN["without an end"]
        only = ("--rate", "6000/min", "--only", "not_found or unknown")
        code, lines = ended("--url", server.url, *only, folder=tmp_path)
    assert code == 2, lines
    told = [line for line in lines if line.startswith("CANNOT BE TESTED: ")]
    assert len(told) == 1
    assert "its body goes on after" in told[0]


def keys_without_end(server: Hostile) -> Callable[[], Content]:
    def page() -> Content:
        result = [{"name": f"queue:task:ct-{len(server.asked)}"}]
        cursor = {"cursor": "again" if len(server.asked) > 20 else f"c{len(server.asked)}"}
        return answer(json.dumps({"success": True, "result": result, "result_info": cursor}).encode())()

    return page


LISTINGS: dict[str, tuple[Callable[[Hostile], Callable[[], Content]], str]] = {
    "a cursor that comes again": (keys_without_end, "the same cursor twice"),
    "a page that is a text": (lambda server: answer(b'{"success": true, "result": "ct-"}'), "/result: "),
    "a page without an end": (lambda server: without_end(b'{"result": [', b'{"name": "a"}, '), "its body goes on"),
    "a refusal in colour": (lambda server: answer(b"\x1b[31mno\x1b[0m", status="403 Forbidden"), r"403 \x1b[31mno"),
}


@pytest.mark.parametrize("command", ["run", "diff"])
@pytest.mark.parametrize("kind", LISTINGS)
def test_a_kv_whose_list_cannot_be_read_ends_a_run_before_anything_is_written(
    kind: str, command: str, tmp_path: Path
) -> None:
    make, said = LISTINGS[kind]
    with hostile() as server:
        server.answers |= {"/api/queue": EMPTY_QUEUE, "/api/migrate/status": STATUS, "/client/": make(server)}
        arguments = ("--url", server.url) if command == "run" else ("diff", server.url, server.url)
        only = ("--only", "queued") if command == "run" else ()
        told = ("--profile", "isolated", "--rate", "6000/min")
        code, lines = ended(*arguments, *only, *told, folder=tmp_path, **kv_of(server))
        assert not [target for target in server.asked if "bulk" in target]
    assert code == 2, lines
    assert len([line for line in lines if said in line]) == 1, lines


def test_what_is_taken_away_at_the_end_can_fail_in_a_line(tmp_path: Path) -> None:
    with hostile() as server:
        server.answers |= {"/api/queue": EMPTY_QUEUE, "/api/migrate/status": STATUS}
        empty = b'{"success": true, "result": [], "result_info": null}'
        server.answers["/client/"] = lambda: (answer(empty) if len(server.asked) < 8 else answer(b"[]"))()
        told = ("--profile", "isolated", "--rate", "6000/min", "--only", "queued")
        code, lines = ended("--url", server.url, *told, folder=tmp_path, **kv_of(server))
    assert code == 2, lines
    assert len([line for line in lines if "an answer that does not have the documented form" in line]) == 1, lines
