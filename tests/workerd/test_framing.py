"""No request switches the limit of operations off: whatever the runtime made of it, the next run is counted alone."""

import re
import time

import pytest

from tests.cli.emulator_process import WAIT_S_MAX, Emulator
from tests.cli.raw_http import HOST, connect, exchange
from tests.workerd.serving import ServeWorker, serve_worker

__all__ = ["serve_worker"]

pytestmark = pytest.mark.slow

WORKER = """
export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname === "/throw") throw new Error("as asked");
    if (pathname === "/later") ctx.waitUntil(env.CACHE.get("later"));
    if (pathname === "/refused") return new Response("ERROR: mine", { status: 400 });
    for (let n = 0; n < (pathname === "/three" ? 3 : 0); n++) await env.CACHE.get(`key-${n}`);
    return new Response("hi");
  },
};
"""

REQUESTS = {
    "both lengths": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a target that the runtime calls no URI": b"GET /a`<b> HTTP/1.1\r\n" + HOST + b"\r\n",
    "a query that it calls none": b"GET /?a=<`> HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method that it does not know": b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n",
    "another one": b"PRI / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a connection through": b"CONNECT 127.0.0.1:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a length that it cannot count": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999999999999\r\n\r\n",
    "a target over its limit": b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "the server itself": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method of WebDAV": b"PROPFIND / HTTP/1.1\r\n" + HOST + b"\r\n",
    "no host": b"GET / HTTP/1.0\r\n" + HOST + b"\r\n",
    "a Worker that throws": b"GET /throw HTTP/1.1\r\n" + HOST + b"\r\n",
    "a Worker that goes on": b"GET /later HTTP/1.1\r\n" + HOST + b"\r\n",
    "a Worker that refuses": b"POST /refused HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\n{}",
    "a body that nobody reads": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\n{}",
    "a handshake": b"GET / HTTP/1.1\r\n" + HOST + b"Connection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
}


OWN_KEYS = {"QUEUE_API_KEY": "a", "ADMIN_API_KEY": "b"}  # with which other hosts are served too
HOSTS = (b"~", b"a%2fb", b"a,b;c", b"a&b", b"a%41b")


@pytest.fixture
def emulator(serve_worker: ServeWorker) -> Emulator:
    return serve_worker(WORKER)


def counted_soon(emulator: Emulator) -> bool:
    """Whether a run that comes after this is soon known to have made its three operations: a tail may come later."""
    until = time.monotonic() + WAIT_S_MAX
    while time.monotonic() < until:
        before = len(emulator.log())
        assert exchange(emulator.port, b"GET /three HTTP/1.1\r\n" + HOST + b"\r\n").body == b"hi"
        while not (line := re.search(r"GET /three 200 .*\n", emulator.log()[before:])):
            continue  # it is written after the answer
        if "3 KV operations" in line[0]:
            return True
    return False


def test_after_every_odd_request_the_next_run_is_counted(emulator: Emulator) -> None:
    for name, request in REQUESTS.items():
        with connect(emulator.port) as connection:
            connection.sendall(request)
            assert connection.recv(12).startswith(b"HTTP/1.1 "), name
        assert counted_soon(emulator), name


def test_after_clients_that_go_at_once_the_next_run_is_counted(emulator: Emulator) -> None:
    for name in (
        "a method that it does not know",
        "the server itself",
        "a body that nobody reads",
        "a Worker that throws",
    ):
        for _ in range(8):
            with connect(emulator.port) as connection:
                connection.sendall(REQUESTS[name])
        assert counted_soon(emulator), name


def test_a_host_that_the_runtime_calls_no_url_is_refused_before_a_run_begins(serve_worker: ServeWorker) -> None:
    emulator = serve_worker(WORKER, environment=OWN_KEYS)
    for host in HOSTS:
        answer = exchange(emulator.port, b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        assert (answer.status, answer.body[:13]) == (400, b"Bad Request: "), host
    assert counted_soon(emulator)


def test_an_empty_host_is_no_reason_for_the_runtime_to_refuse(serve_worker: ServeWorker) -> None:
    emulator = serve_worker(WORKER, environment=OWN_KEYS)
    assert exchange(emulator.port, b"GET / HTTP/1.1\r\nHost:\r\n\r\n").body == b"hi"
    assert counted_soon(emulator)
