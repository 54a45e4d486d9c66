"""Request bodies that no caller should send, over a real socket: a clear 4xx, heard whole, and nothing written."""

import json

import pytest

from tests.cli import raw_http
from tests.cli.emulator_process import QUEUE, Emulator

MEBIBYTE = 2**20
DEPTH = 100_000
CLAIM, RESULT = b"/api/queue/claim", b"/api/result/r"
RELEASE, RENEW, STATUS = b"/api/queue/t/release", b"/api/queue/t/renew", b"/api/queue/t/status"

NOT_JSON = {
    "nothing": b"",
    "a word": b"hello",
    "half an object": b'{"workerId": "w"',
    "two objects": b"{}{}",
    "a comma too many": b'{"workerId": "w",}',
    "single quotes": b"{'workerId': 'w'}",
    "a form": b"workerId=w&leaseDurationSec=60",
    "NaN": b'{"leaseDurationSec": NaN}',
    "Infinity": b'{"leaseDurationSec": -Infinity}',
    "a duplicate name": b'{"workerId": "a", "workerId": "b"}',
    "a duplicate name deep inside": b'{"output": {"a": [{"b": 1, "b": 1}]}}',
    "a lone surrogate": rb'{"workerId": "\ud800"}',
    "a lone surrogate as a name": rb'{"\udfff": 1}',
    "bytes that are not UTF-8": b'{"workerId": "\xff\xfe"}',
    "a surrogate in UTF-8": b'{"workerId": "\xed\xa0\x80"}',
    "UTF-16": '{"workerId": "w"}'.encode("utf-16"),
    "a control character in a string": b'{"workerId": "a\x00b"}',
    "deep arrays": b"[" * DEPTH + b"]" * DEPTH,
    "deep arrays never closed": b"[" * DEPTH,
    "deep objects": b'{"a":' * DEPTH + b"1" + b"}" * DEPTH,
    "deep inside an object": b'{"output":' + b"[" * DEPTH + b"]" * DEPTH + b"}",
}
NOT_AN_OBJECT = [b"[]", b"[{}]", b'"text"', b"7", b"null", b"true"]
WRONG_FIELDS = [
    (CLAIM, {"workerId": 7}, "workerId"),
    (CLAIM, {"workerId": None}, "workerId"),
    (CLAIM, {"workerId": ["w"]}, "workerId"),
    (CLAIM, {"leaseDurationSec": "300"}, "leaseDurationSec"),
    (CLAIM, {"leaseDurationSec": 60.5}, "leaseDurationSec"),
    (CLAIM, {"leaseDurationSec": True}, "leaseDurationSec"),
    (CLAIM, {"leaseDurationSec": 59}, "leaseDurationSec"),
    (CLAIM, {"leaseDurationSec": -(10**400)}, "leaseDurationSec"),
    (RELEASE, {"workerId": {}}, "workerId"),
    (RELEASE, {"reason": 1}, "reason"),
    (RENEW, {}, "workerId"),
    (RENEW, {"workerId": ""}, "workerId"),
    (RENEW, {"workerId": "w", "extendSec": [60]}, "extendSec"),
    (RENEW, {"workerId": "w", "extendSec": 0}, "extendSec"),
    (STATUS, {}, "status"),
    (STATUS, {"status": ""}, "status"),
    (STATUS, {"status": ["pending"]}, "status"),
]


def refusal(emulator: Emulator, path: bytes, body: bytes) -> raw_http.Answer:
    """The answer to this body, which must not have written anything."""
    before = emulator.keys()
    answer = raw_http.exchange(emulator.port, raw_http.post(path, body))
    assert emulator.keys() == before
    assert answer.headers["content-type"] == "application/json"
    return answer


@pytest.mark.parametrize("path", [CLAIM, RELEASE, RENEW, STATUS, RESULT])
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_a_body_that_is_not_json_is_refused(emulator: Emulator, path: bytes, body: bytes) -> None:
    answer = refusal(emulator, path, body)
    assert (answer.status, json.loads(answer.body)) == (400, {"error": "Invalid JSON in request body"})


@pytest.mark.parametrize("path", [CLAIM, RELEASE, RENEW, STATUS, RESULT])
@pytest.mark.parametrize("body", NOT_AN_OBJECT)
def test_a_body_that_is_not_an_object_is_refused(emulator: Emulator, path: bytes, body: bytes) -> None:
    answer = refusal(emulator, path, body)
    expected = {"error": "Validation failed", "details": ["body: must be a JSON object"]}
    assert (answer.status, json.loads(answer.body)) == (400, expected)


@pytest.mark.parametrize(("path", "body", "field"), WRONG_FIELDS)
def test_a_field_of_a_wrong_type_or_value_is_refused_by_name(
    emulator: Emulator, path: bytes, body: object, field: str
) -> None:
    answer = refusal(emulator, path, json.dumps(body).encode())
    told = json.loads(answer.body)
    assert (answer.status, told["error"]) == (400, "Validation failed")
    assert [detail.partition(": ")[0] for detail in told["details"]] == [field]


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
