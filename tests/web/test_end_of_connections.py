"""What is under way when the emulator ends: it is ended too, without a word in the log."""

import asyncio
from typing import Any

import pytest
from hypercorn.config import Config
from starlette.types import Receive, Scope, Send

from queue_emulator.web import protocol
from queue_emulator.web.connections import Connections
from queue_emulator.web.serve import listen

pytestmark = pytest.mark.anyio


async def test_a_request_that_is_ended_with_the_emulator_is_no_connection_that_failed() -> None:
    logged: list[str] = []
    asked = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked.set()
        await asyncio.Event().wait()

    def note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        logged.append(repr(context.get("exception", context)))

    asyncio.get_running_loop().set_exception_handler(note)
    protocol.install(logged.append)
    connections = Connections(app, Config(), logged.append)
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    connections.accept(sock, limit=100_000, kept=10, log=logged.append)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await asked.wait()
    await connections.end(0)
    await asyncio.sleep(0)  # what is told of a task's end is told after it
    writer.close()
    assert logged == []
