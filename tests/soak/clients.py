"""Clients as there are: short, kept, slow, silent and broken ones. Each takes a port and a face's request."""

import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

_WAIT_S = 60
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Face:
    """Requests to one face, as bytes: one that asks, one that sends a body; `status` is how both are answered."""

    name: str
    ask: bytes
    send: bytes


HOST = b"Host: 127.0.0.1\r\n"


def face(name: str, ask: str, send: str, body: bytes, headers: bytes = b"") -> Face:
    """`ask` and `send` are a method and a path each."""
    length = b"Content-Length: %d\r\n" % len(body)
    return Face(
        name,
        f"{ask} HTTP/1.1\r\n".encode() + HOST + headers + b"\r\n",
        f"{send} HTTP/1.1\r\n".encode() + HOST + headers + length + b"\r\n" + body,
    )


def connect(port: int) -> socket.socket:
    """A connection; the caller closes it."""
    return socket.create_connection(("127.0.0.1", port), timeout=_WAIT_S)


def answered(connection: socket.socket) -> int:
    """Read one whole answer; its status, or 0 if there is none."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65_536)
        if not chunk:
            return 0
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    if b"transfer-encoding: chunked" in lines:
        while not body.endswith(b"0\r\n\r\n"):
            body += connection.recv(65_536)
    length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65_536)
    return int(head.split()[1])


def short(port: int, face: Face) -> int:
    """One request, one answer, closed by the client."""
    with connect(port) as connection:
        connection.sendall(face.ask)
        return answered(connection)


def sends_a_body(port: int, face: Face) -> int:
    """The same with a body."""
    with connect(port) as connection:
        connection.sendall(face.send)
        return answered(connection)


def half_closed(port: int, face: Face) -> int:
    """The client closes its side before it reads."""
    with connect(port) as connection:
        connection.sendall(face.ask)
        connection.shutdown(socket.SHUT_WR)
        return answered(connection)


def pipelined(port: int, face: Face) -> int:
    """Three requests at once: while others wait for a descriptor, only the first is answered."""
    with connect(port) as connection:
        connection.sendall(face.ask * 3)
        return answered(connection)


def unread(port: int, face: Face) -> None:
    """Asks, and goes without reading the answer."""
    with connect(port) as connection:
        connection.sendall(face.ask)


def reset(port: int, face: Face) -> None:
    """Asks, and breaks the connection."""
    with connect(port) as connection:
        connection.sendall(face.ask)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def broken_off(port: int, face: Face) -> None:
    """Goes in the middle of its body."""
    with connect(port) as connection:
        connection.sendall(face.send[:-1])


def half_a_head(port: int, face: Face) -> None:
    """Goes in the middle of its head."""
    with connect(port) as connection:
        connection.sendall(face.ask[:-4])


def silent(port: int, face: Face) -> None:
    """Says nothing, and goes."""
    connect(port).close()


def handshake(port: int, face: Face) -> int:
    """Wants a WebSocket."""
    key = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n"
    with connect(port) as connection:
        connection.sendall(face.ask[:-2] + key)
        return answered(connection)


def no_http(port: int, face: Face) -> int:
    """Speaks another language."""
    with connect(port) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
        return answered(connection)


def head(port: int, face: Face) -> None:
    """A HEAD for a GET."""
    with connect(port) as connection:
        connection.sendall(b"HEAD" + face.ask.partition(b" ")[1] + face.ask.partition(b" ")[2])
        connection.recv(65_536)


CLIENTS: tuple[Callable[[int, Face], int | None], ...] = (
    short,
    sends_a_body,
    half_closed,
    pipelined,
    unread,
    reset,
    broken_off,
    half_a_head,
    silent,
    handshake,
    no_http,
    head,
)
