"""Requests whose end or whose receiver two servers could see differently: refused with a reason, on every face."""

import pytest

from tests.cli import raw_http
from tests.cli.emulator_process import Emulator, StartEmulator
from tests.cli.raw_http import HOST, KEY

FACES = (b"/api/queue/claim", b"/cdn-cgi/emulator/reset", b"/client/v4/accounts/x/storage/kv/namespaces", b"/elsewhere")
HANDSHAKE = (
    b"Connection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
CHUNKS = b"\r\n2\r\n{}\r\n0\r\n\r\n"

REFUSED = {
    "both lengths": (400, HOST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n" + CHUNKS),
    "both, the other way round": (400, HOST + b"transfer-encoding:chunked\r\ncontent-length:12\r\n" + CHUNKS),
    "chunked is not the last": (400, HOST + b"Transfer-Encoding: chunked, gzip\r\n" + CHUNKS),
    "chunked is not there": (400, HOST + b"Transfer-Encoding: identity\r\n\r\n"),
    "chunked twice": (400, HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: Chunked\r\n" + CHUNKS),
    "a coding that is not known": (501, HOST + b"Transfer-Encoding: gzip, chunked\r\n" + CHUNKS),
    "an empty coding": (400, HOST + b"Transfer-Encoding:\r\n\r\n"),
    "lengths that differ in a list": (400, HOST + b"Content-Length: 2, 3\r\n\r\n{} "),
    "lengths that differ in two lines": (400, HOST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "),
    "a length with a sign": (400, HOST + b"Content-Length: +2\r\n\r\n{}"),
    "a length in hexadecimal": (400, HOST + b"Content-Length: 0x2\r\n\r\n{}"),
    "a length beyond 64 bits": (400, HOST + b"Content-Length: 18446744073709551618\r\n\r\n{}"),
    "a length of 5,000 digits": (400, HOST + b"Content-Length: " + b"2" * 5_000 + b"\r\n\r\n{}"),
    "a folded coding": (400, HOST + b"Transfer-Encoding:\r\n chunked\r\n" + CHUNKS),
    "a folded first header": (400, b" X: 1\r\n" + HOST + b"\r\n"),
    "a carriage return in a value": (400, HOST + b"X: 1\rTransfer-Encoding: chunked\r\n\r\n"),
    "a line feed alone in a value": (400, HOST + b"X: 1\nTransfer-Encoding: chunked\r\n" + CHUNKS),
    "a line feed alone after a length": (400, HOST + b"Content-Length: 2\nX: 1\r\n\r\n{}"),
    "a line feed alone after the head": (400, HOST + b"Content-Length: 2\r\n\n{}"),
    "a space before the colon": (400, HOST + b"Transfer-Encoding : chunked\r\n" + CHUNKS),
    "two hosts": (400, HOST + HOST + b"\r\n"),
    "a host with a path": (400, b"Host: 127.0.0.1/api\r\n\r\n"),
    "a host with a user": (400, b"Host: me@127.0.0.1\r\n\r\n"),
    "a host outside ASCII": (400, b"Host: 127.0.0.1\xe9\r\n\r\n"),
    "a host with a tab": (400, b"Host: 127.0.0.1\tx\r\n\r\n"),
    "a connection outside ASCII": (400, HOST + b"Upgrade: websocket\r\nConnection: upgrade, \xe9\r\n\r\n"),
    "an extension outside ASCII": (400, HOST + HANDSHAKE + b"Sec-WebSocket-Extensions: \xe9\r\n\r\n"),
    "a protocol outside ASCII": (400, HOST + HANDSHAKE + b"Sec-WebSocket-Protocol: a, \xff\r\n\r\n"),
}


@pytest.mark.parametrize("path", FACES)
@pytest.mark.parametrize(("status", "rest"), REFUSED.values(), ids=REFUSED)
def test_a_request_of_doubtful_end_is_refused_and_its_connection_closed(
    emulator: Emulator, path: bytes, status: int, rest: bytes
) -> None:
    with raw_http.connect(emulator.port) as connection:
        connection.sendall(b"POST " + path + b" HTTP/1.1\r\n" + rest + raw_http.get(b"/api/queue"))
        answer = raw_http.read_answer(connection)
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert answer.body.startswith((b"Bad Request: ", b"Not Implemented: "))
        assert connection.recv(1) == b"", "what follows is not taken for a request"


@pytest.mark.parametrize("headers", [b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n"])
def test_a_request_of_http_1_0_has_no_transfer_encoding(emulator: Emulator, headers: bytes) -> None:
    request = b"POST /api/queue/claim HTTP/1.0\r\n" + HOST + KEY + headers + CHUNKS
    assert raw_http.exchange(emulator.port, request).status == 400


@pytest.mark.parametrize("version", [b"0.9", b"2.0", b"3.0"])
def test_another_version_than_1_is_refused(emulator: Emulator, version: bytes) -> None:
    request = b"GET /api/queue HTTP/" + version + b"\r\n" + HOST + KEY + b"\r\n"
    assert raw_http.exchange(emulator.port, request).status == 505


@pytest.mark.parametrize(
    "rest",
    [
        HOST + KEY + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        HOST + KEY + b"Content-Length: 2, 2\r\n\r\n{}",
        HOST + KEY + b"Content-Length: 02\r\n\r\n{}",
        HOST + KEY + b"transfer-ENCODING: \t Chunked \t\r\n" + CHUNKS,
        b"host: [::1]:80\r\n" + KEY + b"Content-Length: 2\r\n\r\n{}",
    ],
)
def test_unusual_framing_without_a_doubt_is_obeyed(emulator: Emulator, rest: bytes) -> None:
    assert raw_http.exchange(emulator.port, b"POST /api/queue/claim HTTP/1.1\r\n" + rest).status == 200


@pytest.mark.slow
def test_a_refusal_is_one_line_in_the_log_that_shows_nothing_of_the_request(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral")
    for line in (b"X-API-Key : a-secret-key\r\n", b"Content-Length: a-secret-key\r\n", b"Host: a-secret-key?\r\n"):
        assert raw_http.exchange(emulator.port, b"GET /a-secret HTTP/1.1\r\n" + line + b"\r\n").status == 400
    assert emulator.stop() == 0
    lines = emulator.log().splitlines()
    assert [line.startswith("  a request was refused with 400: ") for line in lines] == [True, True, True]
    assert "a-secret" not in emulator.log()
