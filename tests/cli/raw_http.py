"""HTTP by hand, over a real socket: for requests that a well-behaved client will not send."""

import http.client
import io
import socket
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from tests.cli.emulator_process import WAIT_S_MAX

HOST = b"Host: 127.0.0.1\r\n"
KEY = b"X-API-Key: dev-queue-key\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def connect(port: int) -> socket.socket:
    """A connection; the caller closes it."""
    return socket.create_connection(("127.0.0.1", port), timeout=WAIT_S_MAX)


def read_answer(connection: socket.socket, method: str = "GET") -> Answer:
    """The next answer on the connection; raises OSError or HTTPException if there is none."""
    return _answer(http.client.HTTPResponse(connection, method=method))


def read_answers(connection: socket.socket, count: int) -> list[Answer]:
    """The next ones to GET or POST, of which several may have come at once."""
    with connection.makefile("rb", 0) as received:
        buffered = _NeverClosed(received)
        shared: Any = SimpleNamespace(makefile=lambda mode: buffered)
        return [_answer(http.client.HTTPResponse(shared)) for _ in range(count)]


def exchange(port: int, request: bytes, *, method: str = "GET") -> Answer:
    """Send these bytes on a connection of their own and read one answer."""
    with connect(port) as connection:
        connection.sendall(request)
        return read_answer(connection, method)


class _NeverClosed(io.BufferedReader):
    """What it has read beyond one answer is there for the next."""

    def close(self) -> None:
        pass


def _answer(response: http.client.HTTPResponse) -> Answer:
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


def get(path: bytes, headers: bytes = KEY) -> bytes:
    """A GET of a path exactly as given."""
    return b"GET " + path + b" HTTP/1.1\r\n" + HOST + headers + b"\r\n"


def post(path: bytes, body: bytes, headers: bytes = KEY) -> bytes:
    """A POST of a body to a path, both exactly as given."""
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + headers + length + b"\r\n" + body
