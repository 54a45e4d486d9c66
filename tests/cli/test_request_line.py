"""The two lines that begin a request and an answer: a target that is no URL yet, and the reason phrase."""

import http.client
from http import HTTPStatus

import h2.config
import h2.connection
import h2.events
import pytest

from tests.cli import raw_http
from tests.cli.emulator_process import Emulator, StartEmulator
from tests.cli.raw_http import HOST, KEY

_API = b"/client/v4/accounts/x/storage/kv/namespaces"


def _get(target: bytes, headers: bytes = KEY) -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + headers + b"\r\n"


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/api/queue?x=café", 200),
        ("/api/queue/té", 404),
        ("/cdn-cgi/emulator/journal?after=0&limit=1", 200),
        ("/cdn-cgi/emulator/journal?limit=一", 400),
        ("/client/v4/accounts/ü/storage/kv/namespaces", 400),
        ("http://127.0.0.1/api/queue?emoji=🙂", 200),
        ("/élsewhere", 404),
    ],
)
def test_a_target_in_raw_utf_8_is_taken_as_its_url(emulator: Emulator, target: str, status: int) -> None:
    assert raw_http.exchange(emulator.port, _get(target.encode())).status == status


@pytest.mark.slow
def test_a_name_in_raw_bytes_and_the_same_name_escaped_are_one_name(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral")
    for target in ("/api/result/ö".encode(), b"/api/result/%C3%B6"):
        assert raw_http.exchange(emulator.port, _get(target)).status == 404
    assert raw_http.exchange(emulator.port, _get(b"/api/result/\xff")).status == 400, "not UTF-8, however it is sent"
    assert emulator.stop() == 0
    assert emulator.log().count("GET /api/result/%C3%B6 404 ") == 2


def test_a_target_that_arrives_byte_by_byte_is_taken_as_its_url(emulator: Emulator) -> None:
    with raw_http.connect(emulator.port) as connection:
        for byte in _get("/api/queue?x=é".encode()):
            connection.send(bytes([byte]))
        assert raw_http.read_answer(connection).status == 200


def test_a_raw_target_does_not_lose_the_body_or_the_next_request(emulator: Emulator) -> None:
    last = _get("/api/queue?é".encode(), KEY + b"Connection: close\r\n")
    with raw_http.connect(emulator.port) as connection:
        connection.sendall(raw_http.post("/api/queue/claim?é".encode(), b"{}") + last)
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert b"No tasks available" in answers


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (_get(b"/api/queue"), 200),
        (_get(b"/api/queue", b""), 401),
        (_get(b"/nowhere"), 404),
        (_get(b"/cdn-cgi/emulator/nothing"), 404),
        (_get(_API), 400),
        (_get(_API, b"Authorization: Bearer wrong\r\n"), 401),
        (raw_http.post(b"/api/queue/claim", b"["), 400),
        (_get(b"/cdn-cgi/emulator/status", b"Origin: https://example.com\r\n"), 403),
        (b"POST /cdn-cgi/emulator/status HTTP/1.1\r\n" + HOST + b"\r\n", 405),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
    ],
)
def test_every_answer_has_the_reason_phrase_of_its_status(
    emulator: Emulator, request_bytes: bytes, status: int
) -> None:
    with raw_http.connect(emulator.port) as connection:
        connection.sendall(request_bytes)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.reason) == (status, HTTPStatus(status).phrase)


@pytest.mark.parametrize(
    ("method", "path", "host", "status"),
    [
        (b"GET", "/api/queue?x=é".encode(), b"[::1]:80", 200),
        (b"GET", b"/api/queue/a\x1b[2Jb c", b"127.0.0.1", 404),
        (b"G\x1bT", b"/api/queue", b"127.0.0.1", None),
        ("GÉT".encode(), b"/api/queue", b"127.0.0.1", None),
        (b"GET", b"/api/queue", b"me@127.0.0.1", None),
        (b"GET", b"/api/queue", b"127.0.0.1/api", None),
        (b"GET", b"/api/queue", b"\x1b[2J", None),
        (b"GET", b"/api/queue", b"\xff", None),
    ],
)
def test_over_http_2_a_path_is_made_a_url_and_a_method_or_host_that_is_none_ends_its_stream(
    emulator: Emulator, method: bytes, path: bytes, host: bytes, status: int | None
) -> None:
    before = len(emulator.log())
    connection = h2.connection.H2Connection(
        h2.config.H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False)
    )
    connection.initiate_connection()
    headers = [(b":method", method), (b":scheme", b"http"), (b":authority", host), (b":path", path)]
    connection.send_headers(1, [*headers, (b"x-api-key", b"dev-queue-key")], end_stream=True)
    with raw_http.connect(emulator.port) as sock:
        sock.sendall(connection.data_to_send())
        seen: list[h2.events.Event] = []
        while not any(isinstance(each, (h2.events.ResponseReceived, h2.events.StreamReset)) for each in seen):
            seen += connection.receive_data(sock.recv(65_536))
    answered = [dict(each.headers or ()) for each in seen if isinstance(each, h2.events.ResponseReceived)]
    assert [each[b":status"] for each in answered] == ([] if status is None else [b"%d" % status])
    assert "\x1b" not in emulator.log()[before:]
    assert "failed" not in emulator.log()[before:]
