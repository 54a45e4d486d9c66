"""A line of the log, for people and for programs: the same facts, and nothing that a terminal would obey."""

import json

import pytest

from queue_emulator.core.request_line import Answered, message_as_json

NOON_MS = 1_767_268_800_000
ODD = "/api/queue/\x1b[2J\u202e" + "x" * 300


@pytest.mark.parametrize(
    ("operations", "said"),
    [
        (0, "0 KV operations"),
        (1, "1 KV operation"),
        (None, "KV operations unknown (other requests ran at the same time)"),
    ],
)
def test_for_people_it_is_short_and_shows_escapes(operations: int | None, said: str) -> None:
    line = Answered(NOON_MS, "GET", ODD, 404, 1.25, operations).as_text()
    assert line.startswith("GET /api/queue/\\u001b[2J\\u202exxx")
    assert line.endswith(f"x… 404 1.2 ms {said}")
    assert len(line) < 285


def test_for_programs_it_is_one_object_with_the_whole_path() -> None:
    line = Answered(NOON_MS, "GET", ODD, 404, 1.25, None).as_json()
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line) == {
        "at": "2026-01-01T12:00:00.000Z",
        "method": "GET",
        "path": ODD,
        "status": 404,
        "took_ms": 1.2,
        "kv_operations": None,
    }


def test_what_else_is_logged_is_an_object_too() -> None:
    line = message_as_json(NOON_MS, "a defect:\nTraceback\x1b")
    assert "\n" not in line
    assert json.loads(line) == {"at": "2026-01-01T12:00:00.000Z", "message": "a defect:\nTraceback\x1b"}
