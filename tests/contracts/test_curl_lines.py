"""A line for a shell sends the request again, byte for byte: curl does, to a server that writes down what it gets."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from queue_contracts.sending.curl import ARGUMENT_BYTES_MAX, command_line, key_in_a_shell

KEY = "queue-key-7c1e09"
NAMES = {KEY: "$CONTRACT_QUEUE_KEY"}
JSON = (("Content-Type", "application/json"),)


@dataclass
class Listener:
    url: str
    got: list[tuple[str, str, str | None, str | None, bytes]]


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    listener = Listener("", [])

    class Handler(BaseHTTPRequestHandler):
        def _note(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said = (self.headers.get("X-API-Key"), self.headers.get("Content-Type"))
            listener.got.append((self.command, self.path, *said, body))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(b"{}")

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _note  # noqa: N815 - of the library

        def log_message(self, format: str, *args: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    listener.url = f"http://127.0.0.1:{server.server_port}"
    yield listener
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "key", "sent_key"),
    [
        ("GET", "/api/queue", (), None, "$CONTRACT_QUEUE_KEY", KEY),
        ("GET", "/api/queue/a%2Fb?x='$HOME'&y=[1]{2}", (), None, None, None),
        ("GET", "/api/queue/../x/%2e%2e/y", (), None, "", ""),
        ("HEAD", "/api/queue", (), None, "${CONTRACT_QUEUE_KEY%?}", KEY[:-1]),
        ("DELETE", "/api/queue/a", (), None, "${CONTRACT_QUEUE_KEY}x", KEY + "x"),
        ("POST", "/api/queue/claim", JSON, b'{"workerId": "it\'s $HOME `x` \\\\ !"}', "wrong", "wrong"),
        ("POST", "/api/queue/claim", JSON, b"@/etc/passwd\n\n", None, None),
        ("POST", "/api/queue/claim", JSON, b"", None, None),
        ("POST", "/api/result/a", (), '{"output": "é 🚀 %s %% "}'.encode(), None, None),
        ("PUT", "/api/result/a", JSON, bytes(range(256)), None, None),
        ("POST", "/api/result/a", JSON, b"x" * ARGUMENT_BYTES_MAX, None, None),
    ],
)
def test_a_pasted_line_sends_the_same_again(
    method: str,
    path: str,
    headers: tuple[tuple[str, str], ...],
    body: bytes | None,
    key: str | None,
    sent_key: str | None,
    listener: Listener,
) -> None:
    line = command_line(method, listener.url + path, headers, body, key)
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "CONTRACT_QUEUE_KEY": KEY}
    subprocess.run(["sh", "-c", line], env=environment, check=True, capture_output=True, timeout=30)
    assert listener.got[-1] == (method, path, sent_key, dict(headers).get("Content-Type"), body or b"")


def test_a_body_that_no_shell_takes_is_named_by_its_length() -> None:
    line = command_line("POST", "https://queue.example.com/api/result/a", (), b"x" * (ARGUMENT_BYTES_MAX + 1))
    assert line == "(no line for a shell: the body of POST /api/result/a has 100001 bytes)"


@pytest.mark.parametrize(
    ("sent", "in_a_shell"),
    [
        (KEY, "$CONTRACT_QUEUE_KEY"),
        (KEY[:-1], "${CONTRACT_QUEUE_KEY%?}"),
        (KEY + "x", "${CONTRACT_QUEUE_KEY}x"),
        (KEY.swapcase(), "$(printf %s \"$CONTRACT_QUEUE_KEY\" | tr 'A-Za-z' 'a-zA-Z')"),
        ("wrong", None),
        ("", None),
    ],
)
def test_a_key_made_of_another_is_made_by_the_shell_and_never_spelled_out(sent: str, in_a_shell: str | None) -> None:
    assert key_in_a_shell(sent, NAMES) == in_a_shell
