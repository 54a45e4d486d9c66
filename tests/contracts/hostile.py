"""A server that answers each path with whatever bytes a test gives it, for as long as anybody reads them."""

import contextlib
import socket
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

Content = Iterable[bytes]
JSON = "Content-Type: application/json"
SPACES = 1024 * 1024


@dataclass
class Hostile:
    """`answers` by the beginning of the target; the longest beginning that fits is taken."""

    url: str = ""
    answers: dict[str, Callable[[], Content]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def content(self, target: str) -> Content:
        self.asked.append(target)
        fitting = [beginning for beginning in self.answers if target.startswith(beginning)]
        return self.answers[max(fitting, key=len)]() if fitting else answer(b"{}", status="404 Not Found")()


def answer(content: bytes, *headers: str, status: str = "200 OK") -> Callable[[], Content]:
    """One whole answer."""
    head = [f"HTTP/1.1 {status}", JSON, *headers, f"Content-Length: {len(content)}", "Connection: close"]
    return lambda: ["\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + content]


def without_end(begin: bytes, part: bytes, *headers: str) -> Callable[[], Content]:
    """A body that goes on for as long as it is read."""

    def content() -> Content:
        yield "\r\n".join(["HTTP/1.1 200 OK", JSON, *headers]).encode() + b"\r\n\r\n" + begin
        while True:
            yield part

    return content


def chunked_without_end() -> Callable[[], Content]:
    return without_end(b"", b"10000\r\n" + b" " * 0x10000 + b"\r\n", "Transfer-Encoding: chunked")


def gzipped(size_mib: int, *, times: int = 1) -> bytes:
    """So many MiB of spaces, compressed `times` times over."""
    content = _spaces(size_mib)
    for _ in range(times - 1):
        compressor = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
        content = compressor.compress(content) + compressor.flush()
    return content


def _spaces(size_mib: int) -> bytes:
    compressor = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    if size_mib == 1:
        return compressor.compress(b" " * SPACES) + compressor.flush()
    # After a full flush the same bytes mean the same again; only the sum at the end is wrong, which nobody reaches.
    first, again = (compressor.compress(b" " * SPACES) + compressor.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * (size_mib - 1) + compressor.flush()


@contextmanager
def hostile() -> Iterator[Hostile]:
    """Answers on a free port of this machine while the block runs."""
    server = Hostile()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        server.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=_accept, args=(listening, server))
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            thread.join()


def _accept(listening: socket.socket, server: Hostile) -> None:
    threads = []
    while not server.closing.is_set():
        with contextlib.suppress(TimeoutError):
            connection, _ = listening.accept()
            threads.append(threading.Thread(target=_serve, args=(connection, server)))
            threads[-1].start()
    for thread in threads:
        thread.join()


def _serve(connection: socket.socket, server: Hostile) -> None:
    connection.settimeout(0.2)
    with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:
        target = lines.readline().split(b" ")[1].decode("latin-1")
        length = 0
        while (line := lines.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        lines.read(length)
        for part in server.content(target):
            left = memoryview(part)
            while left and not server.closing.is_set():
                with contextlib.suppress(TimeoutError):
                    left = left[connection.send(left) :]
            if server.closing.is_set():
                return


@pytest.fixture
def server() -> Iterator[Hostile]:
    with hostile() as running:
        yield running
