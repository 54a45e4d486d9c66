"""Connections that go on: an answer never leaves some of its request's body behind."""

import socket
from urllib.parse import urlsplit

import pytest

from tests.cli.emulator_process import Emulator

pytestmark = pytest.mark.slow

_CONTROL = "/cdn-cgi/emulator"


def _answer(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536)
    head, _, body = received.partition(b"\r\n\r\n")
    (length,) = (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    while len(body) < length:
        body += connection.recv(65_536)
    return head.split(b"\r\n")[0]


@pytest.mark.parametrize(
    "target",
    [
        f"POST {_CONTROL}/reset",
        f"POST {_CONTROL}/nothing",
        f"PUT {_CONTROL}/reset",
        f"GET {_CONTROL}/status",
        "POST /api/migrate/run",
        "POST /nowhere",
    ],
)
def test_a_body_that_nobody_asked_for_and_that_comes_late_does_not_end_the_connection(
    emulator: Emulator, target: str
) -> None:
    server = urlsplit(emulator.url)
    with socket.create_connection((server.hostname, server.port), timeout=30) as connection:
        for _ in range(3):
            connection.sendall(f"{target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n".encode())
            connection.sendall(b"{")
            connection.sendall(b"}")
            assert _answer(connection).startswith(b"HTTP/1.1 ")
