"""Request bodies that no caller should send, over a real socket: a clear 4xx, heard whole, and nothing written.

What is read of a body, case by case: tests/worker.
"""

import json

import pytest

from tests.cli import raw_http
from tests.cli.emulator_process import QUEUE, Emulator

MEBIBYTE = 2**20
DEPTH = 100_000
CLAIM, RESULT = b"/api/queue/claim", b"/api/result/r"

NOT_JSON = {
    "nothing": b"",
    "half an object": b'{"workerId": "w"',
    "NaN": b'{"leaseDurationSec": NaN}',
    "bytes that are not UTF-8": b'{"workerId": "\xff\xfe"}',
    "a control character in a string": b'{"workerId": "a\x00b"}',
    "deep arrays": b"[" * DEPTH + b"]" * DEPTH,
    "deep arrays never closed": b"[" * DEPTH,
    "deep objects": b'{"a":' * DEPTH + b"1" + b"}" * DEPTH,
    "deep inside an object": b'{"output":' + b"[" * DEPTH + b"]" * DEPTH + b"}",
}


def refusal(emulator: Emulator, path: bytes, body: bytes) -> raw_http.Answer:
    """The answer to this body, which must not have written anything."""
    before = emulator.keys()
    answer = raw_http.exchange(emulator.port, raw_http.post(path, body))
    assert emulator.keys() == before
    assert answer.headers["content-type"] == "application/json"
    return answer


@pytest.mark.parametrize("path", [CLAIM, RESULT])
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_a_body_that_is_not_json_is_refused(emulator: Emulator, path: bytes, body: bytes) -> None:
    answer = refusal(emulator, path, body)
    assert (answer.status, json.loads(answer.body)) == (400, {"error": "Invalid JSON in request body"})


@pytest.mark.parametrize(
    ("body", "detail"),
    [(b"[{}]", "body: must be a JSON object"), (b'{"workerId": 7}', "workerId: must be a string")],
)
def test_what_is_wrong_with_json_is_told(emulator: Emulator, body: bytes, detail: str) -> None:
    answer = refusal(emulator, CLAIM, body)
    assert (answer.status, json.loads(answer.body)) == (400, {"error": "Validation failed", "details": [detail]})


@pytest.mark.slow
@pytest.mark.parametrize("path", [CLAIM, RESULT])
def test_a_body_beyond_what_kv_takes_is_refused_and_the_answer_is_heard(emulator: Emulator, path: bytes) -> None:
    answer = refusal(emulator, path, b'{"output": "' + b"x" * (30 * MEBIBYTE) + b'"}')
    assert (answer.status, json.loads(answer.body)) == (413, {"error": "Request body exceeds 26214400 bytes"})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (CLAIM, b"", 401),
        (b"/api/migrate/run", raw_http.KEY, 401),
        (b"/api/queue/no/such/path", raw_http.KEY, 404),
        (b"/elsewhere", b"", 404),
        (b"/api/queue/" + b"a" * 600 + b"/release", raw_http.KEY, 400),
    ],
)
def test_a_refusal_is_heard_though_the_client_is_still_sending(
    emulator: Emulator, path: bytes, headers: bytes, status: int
) -> None:
    body = b"x" * (30 * MEBIBYTE)
    with raw_http.connect(emulator.port) as connection:
        for _ in range(2):  # twice, as the connection is fit for the next request
            connection.sendall(raw_http.post(path, body, headers))
            assert raw_http.read_answer(connection).status == status


@pytest.mark.slow
def test_the_largest_value_that_kv_takes_goes_in_and_comes_out(emulator: Emulator) -> None:
    before = emulator.keys()
    body = {"success": True, "output": "x" * (25 * MEBIBYTE - 64)}
    stored = emulator.ask("POST", "/api/result/large", headers=QUEUE, json=body)
    assert (stored.status_code, stored.text) == (200, '{"success":true}'), emulator.log()[-2000:]
    assert emulator.ask("GET", "/api/result/large", headers=QUEUE).json() == body
    assert emulator.keys() == before + 1
    assert emulator.ask("POST", "/cdn-cgi/emulator/reset").status_code == 200
