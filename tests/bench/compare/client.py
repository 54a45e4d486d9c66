"""The client: blocking sockets that stay open, requests built beforehand, answers read as far as their framing tells.

So little is done a request that the server is the slower side by far; `Spent` tells how much of a turn was the
client's own work, and the report says so.
"""

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

_CHUNK_BYTES = 262_144
_TIMEOUT_S = 600  # far beyond what anything here takes

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Spent:
    """How long something took, and for how much of that this process worked itself; nanoseconds."""

    elapsed_ns: int
    client_ns: int


class Connection:
    """One connection to the server at `url`, kept alive."""

    def __init__(self, url: str) -> None:
        server = urlsplit(url)
        self._address = (server.hostname, server.port)
        self._open()

    def ask(self, request: bytes) -> Answer:
        """One request and its answer."""
        self.send(request)
        return self.hear(request)

    def knock(self) -> None:
        """Ask for nothing in particular, so that the connection is one that the server knows."""
        self.send(request("GET", "/"))
        self._received()

    def send(self, request: bytes) -> None:
        self._socket.sendall(request)

    def hear(self, request: bytes) -> Answer:
        """The answer to the request that was sent, which must be a 200."""
        answer = self._received()
        if answer.status != 200:
            raise RuntimeError(f"{request[:60]!r} was answered {answer.status}: {answer.body[:300]!r}")
        return answer

    def close(self) -> None:
        self._socket.close()

    def _received(self) -> Answer:
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._chunk()
        head, body = received[:end].lower(), bytearray(received[end + 4 :])
        status = int(head[9:12])
        if b"\r\ntransfer-encoding: chunked" in head:
            while not body.endswith(b"0\r\n\r\n"):
                body += self._chunk()
            body = bytearray(_unchunked(bytes(body)))
        else:
            length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
            while len(body) < length:
                body += self._chunk()
        if b"\r\nconnection: close" in head:
            self.close()
            self._open()
        return Answer(status, bytes(body))

    def _open(self) -> None:
        self._socket = socket.create_connection(self._address, timeout=_TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _chunk(self) -> bytes:
        chunk = self._socket.recv(_CHUNK_BYTES)
        if not chunk:
            raise ConnectionError("the server closed the connection before its answer was whole")
        return chunk


def request(method: str, path: str, body: bytes = b"", *, key: str = "") -> bytes:
    """A request as it is sent; `key` goes into X-API-Key."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"X-API-Key: {key}"]
    if body or method == "POST":
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join((*lines, "", "")).encode() + body


def ask_once(url: str, asked: bytes) -> Answer:
    """One request on a connection of its own."""
    connection = Connection(url)
    try:
        return connection.ask(asked)
    finally:
        connection.close()


def timed(call: Callable[[], Result]) -> tuple[Result, Spent]:
    """What the call gives, and what it took."""
    worked_ns, begun_ns = time.process_time_ns(), time.perf_counter_ns()
    result = call()
    return result, Spent(time.perf_counter_ns() - begun_ns, time.process_time_ns() - worked_ns)


def in_turn(connections: Sequence[Connection], requests: Sequence[bytes]) -> Spent:
    """Ask all requests, on each connection one at a time."""
    return timed(lambda: _ask_in_turn(connections, requests))[1]


def _ask_in_turn(connections: Sequence[Connection], requests: Sequence[bytes]) -> None:
    waiting = list(zip(connections, requests, strict=False))
    for connection, each in waiting:
        connection.send(each)
    for number, asked in enumerate(requests):
        connection = connections[number % len(connections)]
        connection.hear(asked)
        following = number + len(connections)
        if following < len(requests):
            connection.send(requests[following])


def _unchunked(body: bytes) -> bytes:
    parts: list[bytes] = []
    while True:
        size, _, rest = body.partition(b"\r\n")
        size_bytes = int(size.partition(b";")[0], 16)
        if size_bytes == 0:
            return b"".join(parts)
        parts.append(rest[:size_bytes])
        body = rest[size_bytes + 2 :]
