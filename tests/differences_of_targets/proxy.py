"""Something between a client and a deployment that changes answers on their way, answers late, or makes them up."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_ON_THE_WAY = {"connection", "content-length", "date", "server", "transfer-encoding"}


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    content: bytes


@dataclass
class Told:
    """An answer on its way. `headers` without those that a server writes itself."""

    status: int
    headers: dict[str, str]
    content: bytes


Answering = Callable[[Asked], Told]
Change = Callable[[Asked, Told], Told]


@dataclass
class Running:
    url: str
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def serving(answer: Answering) -> Iterator[Running]:
    """Answer requests on a free port while the block runs, and keep what was asked."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _respond(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(self.command, self.path, dict(self.headers.items()), content)
            running.asked.append(asked)
            told = answer(asked)
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told.content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(told.content)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _respond  # noqa: N815 - http.server names them

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    running = Running(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def through(url: str, change: Change) -> Answering:
    """Ask the deployment at `url`, and change what it answers."""

    def answer(asked: Asked) -> Told:
        connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
        try:
            headers = {name: value for name, value in asked.headers.items() if name.lower() not in _ON_THE_WAY}
            connection.request(asked.method, asked.path, asked.content or None, headers)
            response = connection.getresponse()
            kept = {name: value for name, value in response.getheaders() if name.lower() not in _ON_THE_WAY}
            return change(asked, Told(response.status, kept, response.read()))
        finally:
            connection.close()

    return answer
