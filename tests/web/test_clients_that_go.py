"""A client that goes ends what was done for it, whatever was under way: nothing waits for it for ever."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import h2.config
import h2.connection
import h2.events
import pytest
from hypercorn.config import Config
from starlette.types import ASGIApp, Receive, Scope, Send

from queue_emulator.web import protocol
from queue_emulator.web.connections import Connections
from queue_emulator.web.serve import listen
from queue_emulator.workerd.proxying import Body, ClientGone, Message

pytestmark = pytest.mark.anyio

WAIT_S_MAX = 60  # reached only by what would hang
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[tuple[Connections, int]]:
    """The connections of a server, and its port."""
    protocol.install(lambda line: None)
    connections = Connections(app, Config(), lambda line: None)
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    connections.accept(sock, limit=100_000, kept=10, log=lambda line: None)
    try:
        yield connections, port
    finally:
        await connections.end(0)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what it waits for sets no event
        await asyncio.sleep(0)


def answering(bytes_at_once: int, ended: asyncio.Event) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"a" * bytes_at_once})
        finally:
            ended.set()

    return app


@pytest.mark.parametrize("size_bytes", [66_000, 1_000_000])
async def test_an_answer_over_http_2_that_a_client_leaves_behind_is_ended(size_bytes: int) -> None:
    ended = asyncio.Event()
    async with served(answering(size_bytes, ended)) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        client = h2.connection.H2Connection(h2.config.H2Configuration())
        client.initiate_connection()
        client.send_headers(
            1, [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "localhost")], end_stream=True
        )
        writer.write(client.data_to_send())
        seen: list[h2.events.Event] = []
        while not any(isinstance(each, h2.events.DataReceived) for each in seen):
            seen += client.receive_data(await reader.read(65_536))
        assert not ended.is_set(), "it waits for room"
        writer.transport.abort()
        async with asyncio.timeout(WAIT_S_MAX):
            await ended.wait()


async def test_of_requests_that_were_sent_ahead_none_begins_once_the_client_has_gone() -> None:
    begun, go = [], asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.append(scope["path"])
        await go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with served(app) as (connections, port), asyncio.timeout(WAIT_S_MAX):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET * 50)
        await until(lambda: bool(begun))
        (connection,) = connections._tasks.values()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()  # with a reset, which is heard also while nothing is read
        await until(connection.writer.transport.is_closing)
        go.set()
        await until(lambda: not connections._tasks)
    assert begun == ["/"]


async def test_a_client_that_has_gone_is_gone_for_whoever_asks_again() -> None:
    told: list[Message] = [{"type": "http.disconnect"}]

    async def receive() -> Message:
        return told.pop()  # a server tells it once, and then nothing any more

    body = Body(receive)
    with pytest.raises(ClientGone):
        await body.chunk()
    with pytest.raises(ClientGone):
        await body.drain()
