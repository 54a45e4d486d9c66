"""Ids as they stand in the request line, sent raw: clients fold dots and escape characters on the way."""

import json
from urllib.parse import quote

import pytest

from tests.cli import raw_http
from tests.cli.emulator_process import Emulator

ID_BYTES_MAX = 512 - len("orchestrator:result:")
BODY = b'{"success": true}'

TAKEN = {
    b"a%2Fb": "a/b",
    b"a%2fb": "a/b",
    b"%00": "\0",
    b"a%0d%0ab": "a\r\nb",
    b"%2525": "%25",
    b"100%": "100%",
    b"%zz": "%zz",
    b"a+b": "a+b",
    b"a;b=c": "a;b=c",
    b"...": "...",
    b"%2e%2e%2e": "...",
    b"..%2F..": "../..",
    b"%F0%9F%9A%80": "🚀",
    b"%EF%BB%BF": "\ufeff",
    b"queue:task:x": "queue:task:x",
    b"a" * ID_BYTES_MAX: "a" * ID_BYTES_MAX,
    quote("é" * (ID_BYTES_MAX // 2)).encode(): "é" * (ID_BYTES_MAX // 2),
}
REFUSED = [
    b"%ff",
    b"%C3",
    b"%ED%A0%80",
    b"%C0%AF",
    b"a" * (ID_BYTES_MAX + 1),
    b"a" * 600,
    b"%41" * 600,
    quote("é" * (ID_BYTES_MAX // 2 + 1)).encode(),
]
DOTS = [b".", b"..", b"%2e", b"%2E%2e", b".%2e", b"..\\.."]


@pytest.mark.parametrize(("segment", "task_id"), TAKEN.items())
def test_an_id_is_the_segment_decoded_once(emulator: Emulator, segment: bytes, task_id: str) -> None:
    seed = [{"key": f"queue:task:{task_id}", "value": json.dumps({"id": task_id})}]
    assert emulator.ask("POST", "/cdn-cgi/emulator/seed", json=seed).status_code == 200
    found = raw_http.exchange(emulator.port, raw_http.get(b"/api/queue/" + segment))
    assert (found.status, json.loads(found.body)) == (200, {"id": task_id})
    stored = raw_http.exchange(emulator.port, raw_http.post(b"/api/result/" + segment, BODY))
    assert (stored.status, json.loads(stored.body)) == (200, {"success": True})
    assert raw_http.exchange(emulator.port, raw_http.get(b"/api/queue/" + segment)).status == 404
    assert emulator.keys() == 1  # the result in place of the task
    assert emulator.ask("POST", "/cdn-cgi/emulator/reset").status_code == 200


@pytest.mark.parametrize("segment", REFUSED)
def test_an_id_that_no_key_can_hold_is_refused(emulator: Emulator, segment: bytes) -> None:
    answer = raw_http.exchange(emulator.port, raw_http.post(b"/api/result/" + segment, BODY))
    told = json.loads(answer.body)
    assert (answer.status, told["error"]) == (400, "Validation failed")
    assert told["details"][0].startswith("id: must ")
    assert emulator.keys() == 0


@pytest.mark.parametrize("dots", DOTS)
def test_dot_segments_are_no_ids(emulator: Emulator, dots: bytes) -> None:
    answer = raw_http.exchange(emulator.port, raw_http.post(b"/api/result/" + dots, BODY))
    assert answer.status == 404
    assert emulator.keys() == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (b"/api/./queue", 200),
        (b"/api/result/%2e%2E/queue", 200),
        (b"/x/y/../../api/queue", 200),
        (b"/../../api/queue", 200),
        (b"/api/queue/x/..", 404),
        (b"/api/queue/%2e", 404),
    ],
)
def test_dot_segments_lead_where_they_point_but_past_no_key(emulator: Emulator, path: bytes, status: int) -> None:
    assert raw_http.exchange(emulator.port, raw_http.get(path)).status == status
    assert raw_http.exchange(emulator.port, raw_http.get(path, b"")).status == 401


@pytest.mark.parametrize("path", [b"/api/queue/", b"/api/queue//", b"/api/result/", b"/api/queue//release"])
def test_an_empty_segment_is_no_id(emulator: Emulator, path: bytes) -> None:
    answer = raw_http.exchange(emulator.port, raw_http.get(path))
    assert (answer.status, json.loads(answer.body)) == (404, {"error": "Not found"})


def test_a_query_is_no_part_of_the_id(emulator: Emulator) -> None:
    answer = raw_http.exchange(emulator.port, raw_http.get(b"/api/queue/" + b"a" * ID_BYTES_MAX + b"?" + b"q" * 600))
    assert answer.status == 404
