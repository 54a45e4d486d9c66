"""The emulator's own port before a Worker that goes away in the middle: what is sent again, and what is not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from queue_emulator.core.wire_names import INVOCATION
from queue_emulator.kv.operation import Invocation
from queue_emulator.run.app import Addresses, ToolApp
from queue_emulator.workerd.invocations import Invocations
from queue_emulator.workerd.proxying import Receive, Scope, Send
from tests.asking import client_of

pytestmark = pytest.mark.anyio

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@asynccontextmanager
async def worker(*answers: bytes | None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A Worker with an answer for each connection; None closes it unanswered. Its URL, and what it was sent."""
    asked: list[bytes] = []
    answering: list[asyncio.Task[None]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            given = answers[len(asked) - 1]
            if given is not None:
                writer.write(given)
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass  # nothing was sent
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.append(asyncio.ensure_future(answer(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/", asked
    await asyncio.gather(*answering)


@asynccontextmanager
async def client(addresses: Addresses) -> AsyncIterator[httpx.AsyncClient]:
    tool = ToolApp(addresses, locate=lambda named: named or "SJC", invocations=Invocations())

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await tool({**scope, INVOCATION: Invocation()}, receive, send)

    async with client_of(app) as made:
        yield made


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_request_that_only_reads_is_sent_again_when_it_breaks_off(method: str) -> None:
    async with worker(None, None, WHOLE) as (url, asked), client(Addresses(("SJC",), {"SJC": url})) as asking:
        assert (await asking.request(method, "/")).status_code == 200
    assert len(asked) == 3


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_one_that_may_have_happened_is_not_and_its_client_is_told(method: str) -> None:
    async with worker(None, WHOLE) as (url, asked), client(Addresses(("SJC",), {"SJC": url})) as asking:
        answer = await asking.request(method, "/")
    assert answer.status_code == 502
    assert "may have taken effect" in answer.json()["error"]
    assert len(asked) == 1


async def test_a_get_with_a_body_is_not_sent_again() -> None:
    async with worker(None, WHOLE) as (url, asked), client(Addresses(("SJC",), {"SJC": url})) as asking:
        assert (await asking.request("GET", "/", content=b"body")).status_code == 502
    assert len(asked) == 1


async def test_any_request_waits_for_a_worker_that_is_not_there_yet() -> None:
    addresses = Addresses(("SJC",))
    async with worker(WHOLE) as (url, asked), client(addresses) as asking:
        waiting = asyncio.ensure_future(asking.post("/", content=b"body"))
        await asyncio.sleep(0)
        addresses.urls = {"SJC": url}
        assert (await waiting).status_code == 200
    assert len(asked) == 1


async def test_a_refused_connection_is_tried_at_the_workers_next_address() -> None:
    async with worker() as (gone, _):
        pass  # nobody listens there any more
    addresses = Addresses(("SJC",), {"SJC": gone})
    async with worker(WHOLE) as (url, _), client(addresses) as asking:
        waiting = asyncio.ensure_future(asking.post("/"))
        await asyncio.sleep(0)
        addresses.urls = {"SJC": url}
        assert (await waiting).status_code == 200


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [(b"x-token", b"a-secret\nmore", "Illegal header value"), (b"two words", b"v", "Illegal header name b'two words'")],
)
async def test_a_request_that_cannot_be_sent_on_is_refused_with_the_reason_and_without_a_value(
    name: bytes, value: bytes, reason: str
) -> None:
    async with worker(WHOLE) as (url, asked), client(Addresses(("SJC",), {"SJC": url})) as asking:
        answer = await asking.get("/", headers=[(name, value)])
    assert answer.status_code == 502
    assert answer.json()["error"] == f"this request cannot be sent to the Worker: {reason}"
    assert asked == []


async def test_where_a_tool_has_one_location_another_is_refused_with_the_reason() -> None:
    addresses = Addresses(("SJC", "NRT"), {"SJC": "http://127.0.0.1:1/"}, alone="Vite has one location")
    async with client(addresses) as asking:
        answer = await asking.get("/", headers={"X-Emulator-Location": "NRT"})
    assert answer.status_code == 400
    assert answer.json()["error"] == (
        "Vite has one location: its Worker is at SJC, not at NRT. "
        "--at BINDING=LOCATION puts a KV binding at another location; wrangler 4 can have several"
    )
