"""Requests that are hardly HTTP, and the less usual ways of saying it: heard, answered, and never a crash."""

import json
import socket

import pytest

from tests.cli import raw_http
from tests.cli.emulator_process import Emulator, StartEmulator
from tests.cli.raw_http import HOST, KEY

NOTHING_FREE = {"success": False, "message": "No tasks available or all tasks are leased", "pending": 0}
CLAIM = b"POST /api/queue/claim HTTP/1.1\r\n" + HOST + KEY
CHUNKED = CLAIM + b"Transfer-Encoding: chunked\r\n\r\n"

MALFORMED = {
    "noise": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n",
    "no version": b"GET /api/queue\r\n\r\n",
    "a version of no protocol": b"GET /api/queue HTTP/9.9.9\r\n" + HOST + b"\r\n",
    "no host": b"GET /api/queue HTTP/1.1\r\n\r\n",
    "a space in the path": b"GET /api/queue/a b HTTP/1.1\r\n" + HOST + b"\r\n",
    "a control character in the path": b"GET /api/queue/a\x1b[2J HTTP/1.1\r\n" + HOST + KEY + b"\r\n",
    "a header without a colon": b"GET /api/queue HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n",
    "a space before the colon": b"GET /api/queue HTTP/1.1\r\n" + HOST + b"X-API-Key : dev-queue-key\r\n\r\n",
    "a null byte in a key": b"GET /api/queue HTTP/1.1\r\n" + HOST + b"X-API-Key: dev\0queue\r\n\r\n",
    "a length that is no number": CLAIM + b"Content-Length: two\r\n\r\n{}",
    "a negative length": CLAIM + b"Content-Length: -2\r\n\r\n{}",
    "two lengths": CLAIM + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "headers without end": b"GET /api/queue HTTP/1.1\r\n" + HOST + b"X-Filler: " + b"f" * 100_000 + b"\r\n\r\n",
    "a path without end": b"GET /" + b"p" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a chunk of no size": CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_http_is_refused(emulator: Emulator, request_bytes: bytes) -> None:
    before = emulator.keys()
    answer = raw_http.exchange(emulator.port, request_bytes)
    assert 400 <= answer.status < 500
    assert emulator.keys() == before
    assert "Traceback" not in emulator.log()


@pytest.mark.parametrize(
    "body",
    [b"2\r\n{}\r\n0\r\n\r\n", b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", b"2;note=x\r\n{}\r\n000\r\nX-Trailer: t\r\n\r\n"],
)
def test_a_body_in_chunks_is_a_body(emulator: Emulator, body: bytes) -> None:
    answer = raw_http.exchange(emulator.port, CHUNKED + body)
    assert (answer.status, json.loads(answer.body)) == (200, NOTHING_FREE)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"http://127.0.0.1/api/queue", 200),
        (b"HTTP://localhost:8787/cdn-cgi/emulator/status?x=1", 200),
        (b"HTTP://elsewhere:8787/cdn-cgi/emulator/status?x=1", 403),
        (b"http://elsewhere/api/queue", 403),
        (b"http://me@127.0.0.1/api/queue", 400),
        (b"http:///api/queue", 400),
        (b"http://127.0.0.1:x/api/queue", 400),
        (b"http://127.0.0.1", 404),
        (b"ftp://127.0.0.1/api/queue", 404),
        (b"*", 404),
    ],
)
def test_a_target_may_name_the_whole_url(emulator: Emulator, target: bytes, status: int) -> None:
    assert raw_http.exchange(emulator.port, b"GET " + target + b" HTTP/1.1\r\n" + HOST + KEY + b"\r\n").status == status


@pytest.mark.slow
def test_a_body_in_chunks_is_held_to_the_same_bound(emulator: Emulator) -> None:
    mebibyte = b"100000\r\n" + b"x" * 2**20 + b"\r\n"
    answer = raw_http.exchange(emulator.port, CHUNKED + mebibyte * 30 + b"0\r\n\r\n")
    assert answer.status == 413


def test_a_client_that_waits_for_100_continue_is_told_to_go_on(emulator: Emulator) -> None:
    with raw_http.connect(emulator.port) as connection:
        connection.sendall(CLAIM + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"{}")
        answer = raw_http.read_answer(connection)
    assert (answer.status, json.loads(answer.body)) == (200, NOTHING_FREE)


def test_one_connection_carries_many_requests_sent_at_once(emulator: Emulator) -> None:
    last = raw_http.get(b"/elsewhere", KEY + b"Connection: close\r\n")
    with raw_http.connect(emulator.port) as connection:
        connection.sendall(raw_http.get(b"/api/queue") * 3 + last)
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answers.count(b"HTTP/1.1 200 ") == 3
    assert answers.endswith(b"Not found")


def test_a_client_that_has_said_everything_still_hears_the_answer(emulator: Emulator) -> None:
    with raw_http.connect(emulator.port) as connection:
        connection.sendall(raw_http.post(b"/api/queue/claim", b"{}"))
        connection.shutdown(socket.SHUT_WR)
        assert raw_http.read_answer(connection).status == 200


@pytest.mark.parametrize("path", [b"/api/result/r", b"/cdn-cgi/emulator/seed", b"/elsewhere"])
def test_a_client_that_stops_in_the_middle_writes_nothing(emulator: Emulator, path: bytes) -> None:
    with raw_http.connect(emulator.port) as connection:
        connection.sendall(raw_http.post(path, b'[{"key": "a", "value": "1"}]')[:-5])
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")  # as the emulator notices it first here or there
    assert emulator.keys() == 0
    assert "Traceback" not in emulator.log()


@pytest.mark.slow
def test_a_client_that_leaves_in_the_middle_is_no_defect(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral")
    for path in (b"/api/result/r", b"/cdn-cgi/emulator/seed", b"/cdn-cgi/emulator/nothing", b"/elsewhere"):
        for headers in (KEY, KEY + b"Origin: https://example.com\r\n"):
            with raw_http.connect(emulator.port) as connection:
                connection.sendall(raw_http.post(path, b'{"success": true}', headers)[:-5])
    assert emulator.keys() == 0
    assert emulator.stop() == 0
    assert [line for line in emulator.log().splitlines() if not line.startswith(("GET ", "POST "))] == []


def test_an_older_client_is_answered_and_let_go(emulator: Emulator) -> None:
    with raw_http.connect(emulator.port) as connection:
        connection.sendall(b"GET /api/queue HTTP/1.0\r\n" + KEY + b"\r\n")
        assert raw_http.read_answer(connection).status == 200
        assert connection.recv(1) == b""


@pytest.mark.parametrize("line", [b"OPTIONS *", b"CONNECT 127.0.0.1:80", b"TRACE /api/queue", b"BREW /coffee"])
def test_a_method_that_no_route_has_is_not_found(emulator: Emulator, line: bytes) -> None:
    answer = raw_http.exchange(emulator.port, line + b" HTTP/1.1\r\n" + HOST + KEY + b"\r\n")
    assert answer.status == 404


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [(b"/api/queue", KEY, 200), (b"/api/queue", b"", 401), (b"/elsewhere", KEY, 404)],
)
def test_a_websocket_handshake_is_answered_as_the_request_it_is(
    emulator: Emulator, path: bytes, headers: bytes, status: int
) -> None:
    upgrade = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    )
    answer = raw_http.exchange(emulator.port, raw_http.get(path, headers + upgrade))
    assert answer.status == status


def test_a_head_request_is_answered_without_a_body(emulator: Emulator) -> None:
    request = raw_http.get(b"/api/queue").replace(b"GET", b"HEAD", 1)
    with raw_http.connect(emulator.port) as connection:
        for _ in range(2):
            connection.sendall(request)
            answer = raw_http.read_answer(connection, "HEAD")
            assert (answer.status, answer.body) == (404, b"")
