"""Keys that open nothing, sent raw: refused in the words of their scope. Which key opens which route: tests/worker."""

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


@pytest.mark.parametrize(
    ("path", "expected"), [(b"/api/queue/claim", QUEUE_REFUSAL), (b"/api/migrate/run", ADMIN_REFUSAL)]
)
@pytest.mark.parametrize("headers", NO_KEYS.values(), ids=NO_KEYS)
def test_a_key_that_is_none_opens_nothing(
    emulator: Emulator, path: bytes, expected: tuple[int, str, bytes], headers: bytes
) -> None:
    before = emulator.keys()
    answer = raw_http.exchange(emulator.port, raw_http.post(path, b"{}", headers))
    assert (answer.status, answer.headers["content-type"], answer.body) == expected
    assert emulator.keys() == before


@pytest.mark.parametrize("name", [b"X-API-Key", b"x-api-key", b"X-Api-KEY"])
@pytest.mark.parametrize("value", [b"dev-queue-key", b"  dev-queue-key \t"])
def test_the_headers_name_has_no_case_and_its_value_no_edges(emulator: Emulator, name: bytes, value: bytes) -> None:
    answer = raw_http.exchange(emulator.port, raw_http.get(b"/api/queue", name + b":" + value + b"\r\n"))
    assert answer.status == 200
