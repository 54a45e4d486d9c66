"""Clients of a Worker on workerd: bytes as they are, both ways as they come, and clients that go away."""

import http.client
import socket
import struct
from pathlib import Path

import pytest

from tests.cli.emulator_process import Emulator, StartEmulator, wait_for
from tests.cli.raw_http import HOST, connect, exchange, read_answer
from tests.workerd.serving import ON_LINUX, ServeWorker, kill, serve_worker, workerd_of

__all__ = ["serve_worker"]

pytestmark = pytest.mark.slow

WORKER = """
export default {
  async fetch(request, env, ctx) {
    const { pathname, search } = new URL(request.url);
    switch (pathname) {
      case "/echo": {
        const length = String(request.headers.get("content-length"));
        return new Response(request.body, { status: 201, headers: { "X-Length": length } });
      }
      case "/early": return new Response("no", { status: 401 });
      case "/empty": return new Response(null, { status: 204 });
      case "/redirect": return Response.redirect("https://example.com/");
      case "/cookies": return new Response("", { headers: [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]] });
      case "/bytes": return new Response(new Uint8Array([0, 255, 13, 10]));
      case "/headers": return Response.json([...request.headers]);
      case "/stream": {
        const { readable, writable } = new TransformStream();
        const writer = writable.getWriter();
        const encoder = new TextEncoder();
        ctx.waitUntil((async () => {
          await writer.write(encoder.encode("first"));
          while ((await env.CACHE.get("go", { cacheTtl: 30 })) === null) await scheduler.wait(5);
          await writer.write(encoder.encode("second"));
          await writer.close();
        })());
        return new Response(readable);
      }
      case "/endless": {
        const chunk = new Uint8Array(2_000);
        return new Response(new ReadableStream({ pull(to) { for (let n = 0; n < 50; n++) to.enqueue(chunk); } }));
      }
      case "/waits": {
        request.signal.addEventListener("abort", () => console.log("the client went"));
        console.log("waiting");
        await scheduler.wait(60_000);
      }
    }
    return Response.json({ method: request.method, url: request.url, body: await request.text() });
  },
};
"""


@pytest.fixture(scope="module")
def emulator(start_for_module: StartEmulator, tmp_path_factory: pytest.TempPathFactory, workerd: Path) -> Emulator:
    """One for all tests but that which kills the runtime: each asks for paths of its own."""
    worker = tmp_path_factory.mktemp("worker") / "worker.mjs"
    worker.write_text(WORKER)
    own = ("--profile", "local", "--compatibility-flag", "enable_request_signal")
    return start_for_module("--ephemeral", "--worker", worker, "--workerd", workerd, *own)


@pytest.fixture
def port(emulator: Emulator) -> int:
    return emulator.port


def request(target: bytes, *, method: bytes = b"GET", headers: bytes = b"", body: bytes = b"") -> bytes:
    return method + b" " + target + b" HTTP/1.1\r\n" + HOST + headers + b"\r\n" + body


def test_paths_and_queries_pass_as_they_are(port: int) -> None:
    for target in (b"/a%2Fb/%C3%A9", b"//x//y", b"/%ff?a=%00&b=+", b"/?", b"/*"):
        seen = exchange(port, request(target)).body
        assert b'"url":"http://127.0.0.1' + target.removesuffix(b"?") in seen


def test_every_method_passes(port: int) -> None:
    for method in (b"DELETE", b"OPTIONS", b"PATCH", b"PUT", b"PROPFIND"):
        answer = exchange(port, request(b"/", method=method, headers=b"Content-Length: 2\r\n", body=b"hi"))
        assert (b'"method":"' + method + b'"' in answer.body, b'"body":"hi"' in answer.body) == (True, True)
    head = exchange(port, request(b"/", method=b"HEAD"), method="HEAD")
    assert (head.status, head.body) == (200, b"")


def test_bodies_pass_with_their_length_or_in_chunks(port: int) -> None:
    known = exchange(port, request(b"/echo", method=b"POST", headers=b"Content-Length: 4\r\n", body=b"\x00\xff\r\n"))
    assert (known.status, known.body, known.headers["x-length"]) == (201, b"\x00\xff\r\n", "4")
    chunks = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    chunked = exchange(port, request(b"/echo", method=b"POST", headers=b"Transfer-Encoding: chunked\r\n", body=chunks))
    assert (chunked.body, chunked.headers["x-length"]) == (b"abcde", "null")


def test_statuses_and_headers_pass(port: int) -> None:
    assert exchange(port, request(b"/empty")).status == 204
    assert exchange(port, request(b"/redirect")).headers["location"] == "https://example.com/"
    assert exchange(port, request(b"/bytes")).body == b"\x00\xff\r\n"
    with connect(port) as connection:
        connection.sendall(request(b"/cookies"))
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.headers.get_all("set-cookie") == ["a=1", "b=2"]


def test_what_concerns_one_hop_only_is_not_passed_on(port: int) -> None:
    headers = b"Connection: X-Mine, keep-alive\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nX-Other: \xc3\xa9\r\n"
    seen = exchange(port, request(b"/headers", headers=headers)).body
    assert b'["x-other","\xc3\xa9"]' in seen
    for name in (b"connection", b"x-mine", b"keep-alive", b'"te"'):
        assert name not in seen


def test_an_answer_streams_while_the_worker_writes_it(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(request(b"/stream"))
        received = b""
        while b"first" not in received:
            received += connection.recv(4096)
        seed = b'[{"key":"go","value":"1"}]'
        length = b"Content-Length: %d\r\n" % len(seed)
        assert (
            exchange(port, request(b"/cdn-cgi/emulator/seed", method=b"POST", headers=length, body=seed)).status == 200
        )
        while b"second" not in received:
            received += connection.recv(4096)


def test_an_early_answer_is_heard_by_a_client_that_is_still_sending(port: int) -> None:
    body = bytes(8 * 2**20)
    head = request(b"/early", method=b"POST", headers=b"Content-Length: %d\r\n" % len(body))
    with connect(port) as connection:
        connection.sendall(head + body)
        assert read_answer(connection).status == 401
        connection.sendall(request(b"/empty"))
        assert read_answer(connection).status == 204, "the connection is still good"


@ON_LINUX
def test_an_answer_that_breaks_off_is_not_passed_off_as_whole(serve_worker: ServeWorker) -> None:
    emulator = serve_worker(WORKER, "--profile", "local")
    with connect(emulator.port) as connection:
        connection.sendall(request(b"/stream"))
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.read(5) == b"first"
        kill(workerd_of(emulator))
        with pytest.raises(http.client.IncompleteRead):
            response.read()


def test_a_client_that_goes_cancels_the_run(emulator: Emulator) -> None:
    with connect(emulator.port) as connection:
        connection.sendall(request(b"/waits"))
        wait_for(lambda: "waiting" in emulator.log())
        connection.shutdown(socket.SHUT_RDWR)
    wait_for(lambda: "the client went" in emulator.log())


def test_nothing_is_written_to_a_client_that_has_left_an_endless_answer(emulator: Emulator) -> None:
    for _ in range(15):
        with connect(emulator.port) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leaves with a reset
            connection.sendall(request(b"/endless"))
            connection.recv(1_000, socket.MSG_WAITALL)
    wait_for(lambda: emulator.log().count("GET /endless") == 15)
    assert "socket.send() raised exception" not in emulator.log()
