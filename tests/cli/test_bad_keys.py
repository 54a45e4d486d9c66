"""Keys that open nothing, sent raw: refused in the words of their scope, before anything else is looked at."""

import pytest

from tests.cli import raw_http
from tests.cli.emulator_process import Emulator

QUEUE_REFUSAL = (401, "application/json", b'{"error":"Unauthorized"}')
ADMIN_REFUSAL = (401, "text/plain;charset=UTF-8", b"Unauthorized")

NO_KEYS = {
    "missing": b"",
    "empty": b"X-API-Key: \r\n",
    "wrong": b"X-API-Key: wrong\r\n",
    "cut short": b"X-API-Key: dev-\r\n",
    "in other letters": b"X-API-Key: DEV-QUEUE-KEY\r\nX-Other: DEV-ADMIN-KEY\r\n",
    "as a bearer token": b"Authorization: Bearer dev-queue-key\r\n",
    "in UTF-8": "X-API-Key: clé-🔑\r\n".encode(),
    "in Latin-1": "X-API-Key: clé\r\n".encode("latin-1"),
    "bytes of no encoding": b"X-API-Key: \xff\xfe\x80\r\n",
    "twice": b"X-API-Key: dev-queue-key\r\nX-API-Key: dev-queue-key\r\n",
    "the other way round": b"X-API-Key: yek-eueuq-ved\r\n",
    "very long": b"X-API-Key: " + b"k" * 8000 + b"\r\n",
}
QUEUE_ROUTES = [
    b"GET /api/queue",
    b"POST /api/queue/claim",
    b"GET /api/queue/task1",
    b"POST /api/queue/task1/release",
    b"POST /api/queue/task1/renew",
    b"POST /api/queue/task1/status",
    b"POST /api/result/task1",
    b"GET /api/result/task1",
]
ADMIN_ROUTES = [b"GET /api/migrate/status", b"POST /api/migrate/run", b"POST /api/migrate/rollback"]


def refusal(emulator: Emulator, request_line: bytes, headers: bytes, body: bytes = b"{}") -> tuple[int, str, bytes]:
    """Status, type and body of the answer, before which nothing was written."""
    method, _, path = request_line.partition(b" ")
    before = emulator.keys()
    request = raw_http.post(path, body, headers)
    answer = raw_http.exchange(emulator.port, request.replace(b"POST", method, 1))
    assert emulator.keys() == before
    return answer.status, answer.headers["content-type"], answer.body


@pytest.mark.parametrize("headers", NO_KEYS.values(), ids=NO_KEYS)
@pytest.mark.parametrize("request_line", QUEUE_ROUTES)
def test_the_queue_is_closed_to(emulator: Emulator, request_line: bytes, headers: bytes) -> None:
    assert refusal(emulator, request_line, headers) == QUEUE_REFUSAL


@pytest.mark.parametrize("headers", NO_KEYS.values(), ids=NO_KEYS)
@pytest.mark.parametrize("request_line", ADMIN_ROUTES)
def test_the_migration_is_closed_to(emulator: Emulator, request_line: bytes, headers: bytes) -> None:
    assert refusal(emulator, request_line, headers) == ADMIN_REFUSAL


@pytest.mark.parametrize("request_line", QUEUE_ROUTES)
def test_the_admin_key_does_not_open_the_queue(emulator: Emulator, request_line: bytes) -> None:
    assert refusal(emulator, request_line, b"X-API-Key: dev-admin-key\r\n") == QUEUE_REFUSAL


@pytest.mark.parametrize("request_line", ADMIN_ROUTES)
def test_the_queue_key_does_not_open_the_migration(emulator: Emulator, request_line: bytes) -> None:
    assert refusal(emulator, request_line, b"X-API-Key: dev-queue-key\r\n") == ADMIN_REFUSAL


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        (b"POST /api/queue/claim", QUEUE_REFUSAL),
        (b"POST /api/result/%FF", QUEUE_REFUSAL),
        (b"GET /api/queue/" + b"a" * 600, QUEUE_REFUSAL),
        (b"DELETE /api/queue/no/such/path", QUEUE_REFUSAL),
        (b"GET /api/result", QUEUE_REFUSAL),
        (b"POST /api/migrate/run", ADMIN_REFUSAL),
    ],
)
def test_the_key_is_looked_at_before_route_id_and_body(
    emulator: Emulator, request_line: bytes, expected: tuple[int, str, bytes]
) -> None:
    assert refusal(emulator, request_line, b"", b"not JSON") == expected


@pytest.mark.parametrize("name", [b"X-API-Key", b"x-api-key", b"X-Api-KEY"])
@pytest.mark.parametrize("value", [b"dev-queue-key", b"  dev-queue-key \t"])
def test_the_headers_name_has_no_case_and_its_value_no_edges(emulator: Emulator, name: bytes, value: bytes) -> None:
    answer = raw_http.exchange(emulator.port, raw_http.get(b"/api/queue", name + b":" + value + b"\r\n"))
    assert answer.status == 200
