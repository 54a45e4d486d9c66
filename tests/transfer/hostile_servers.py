"""A server that answers with whatever bytes it is told to, for as long as somebody listens."""

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from itertools import count, repeat
from typing import Any

Answer = Callable[[int, str], Iterable[bytes]]
"""What is sent for the nth request, by the path that was asked for."""

_PIECE = 65_536
_MORE_MAX = 4_000  # pieces of an endless answer: a quarter of a gigabyte, which nobody may want


@contextmanager
def hostile_server(answer: Answer) -> Iterator[str]:
    """Its URL."""
    numbers = count()
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        thread = threading.Thread(target=_serve, args=(listening, answer, numbers), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def _serve(listening: socket.socket, answer: Answer, numbers: Iterator[int]) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with closing(connection), suppress(OSError):
            connection.settimeout(30)
            head = b""
            while b"\r\n\r\n" not in head and (received := connection.recv(_PIECE)):
                head += received
            if not head:
                continue
            length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            wanted = int(length[0].split(b":")[1]) if length else 0
            while len(head.partition(b"\r\n\r\n")[2]) < wanted and (received := connection.recv(_PIECE)):
                head += received
            for piece in answer(next(numbers), head.split(b" ")[1].decode("latin-1")):
                connection.sendall(piece)


def http(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    """A whole answer."""
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def of_json(value: Any) -> bytes:
    return http(json.dumps(value).encode())


def endless(start: bytes, piece: bytes, times: int = _MORE_MAX) -> Iterator[bytes]:
    yield start
    yield from repeat(piece, times)


_BODY = b"HTTP/1.1 200 OK\r\n\r\n"
_LONG = b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 18 + b"\r\n\r\n"
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_WIDE = b"[" + b"[]," * 1_000_000 + b"[]]"


@cache
def _packed() -> bytes:
    """Less than a megabyte, and sixty when it is unpacked."""
    return gzip.compress(bytes(60_000_000), 1)


RAW: Mapping[str, Callable[[], Iterable[bytes]]] = {
    "a body without end": lambda: endless(_BODY, b" " * _PIECE),
    "chunks without end": lambda: endless(_CHUNKED, b"10000\r\n" + b" " * _PIECE + b"\r\n"),
    "a length without end": lambda: endless(
        b"HTTP/1.1 200 OK\r\nContent-Length: 9" + b"9" * 17 + b"\r\n\r\n", b" " * _PIECE
    ),
    "headers without end": lambda: endless(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"y" * 1000 + b"\r\n"),
    "one header without end": lambda: endless(b"HTTP/1.1 200 OK\r\nX: ", b"y" * _PIECE),
    "a string without end": lambda: endless(_BODY + b'{"keys": "', b"a" * _PIECE),
    "a failure without end": lambda: endless(b"HTTP/1.1 404 No\r\n\r\n", b"x" * _PIECE),
    "a million lists in each other": lambda: [http(b"[" * 1_000_000)],
    "a million objects in each other": lambda: [http(b'{"a":' * 1_000_000)],
    "a million lists beside each other": lambda: [http(_WIDE)],
    "what is packed twice": lambda: [http(gzip.compress(_packed(), 1), headers="Content-Encoding: gzip, gzip\r\n")],
    "what is packed and grows": lambda: [http(_packed(), headers="Content-Encoding: gzip\r\n")],
    "what is no packing": lambda: [http(b"x" * 100, headers="Content-Encoding: gzip\r\n")],
    "an unknown packing": lambda: [http(b"x" * 100, headers="Content-Encoding: \x1b[2J\r\n")],
    "nothing": list,
    "half an answer": lambda: [http(b"{}" * 100)[:-50]],
    "no HTTP": lambda: [b"\x00\xff\r\n\r\n" * 50],
    "another way": lambda: [http(b"", status="302 Found", headers="Location: http://127.0.0.1:1/\r\n")],
    "a way that is no address": lambda: [http(b"", status="302 Found", headers="Location: javascript:alert(1)\r\n")],
    "a chunk longer than any number": lambda: [_CHUNKED + b"f" * 40 + b"\r\n{}"],
    "a chunk shorter than nothing": lambda: [_CHUNKED + b"-5\r\n{}"],
    "a length that is none": lambda: [b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}"],
    "a length of five thousand digits": lambda: [b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}"],
    "what a chunk has beside it without end": lambda: endless(_CHUNKED + b"5;", b"x" * _PIECE),
    "what comes after the chunks without end": lambda: endless(
        _CHUNKED + b"1\r\n7\r\n0\r\n",
        b"X: " + b"y" * 60_000 + b"\r\n",
        200,  # all are read, one by one
    ),
    "another protocol": lambda: [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n"
    ],
    "a number that is too large": lambda: [http(b'{"now": "a", "offset_ms": ' + b"9" * 5000 + b"}")],
    "not UTF-8": lambda: [http(b'{"keys": "\xff"}')],
    "terminal escapes": lambda: [http(b'{"error": "\\u001b[2J\\u0007\\nyes"}', status="400 \x1b[2J")],
}
"""Answers that are hostile to whoever asked for anything."""

OF_ANY_KIND: Sequence[Any] = (None, True, 7, -1.5, 1e308, "text", [], [[]], {}, {"a": []}, "\x1b[2J")
"""JSON values in the place of others."""
