"""The client on real connections: kept, dropped in the middle, silent, and refused."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from queue_emulator.kv.cloudflare_api import CloudflareAPI
from queue_emulator.kv.cloudflare_calls import ApiError
from queue_emulator.kv.retry import Patience
from tests.kv.scripted_api import ACCESS

pytestmark = pytest.mark.anyio

_BODY = json.dumps({"success": True, "errors": [], "messages": [], "result": {}}).encode()
DONE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)

Act = Callable[["Connection"], Awaitable[None]]


class Connection:
    """One client's connection, as an act of the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def request(self) -> None:
        """Read one request whole."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await self._reader.readexactly(int(length[0].partition(b":")[2]) if length else 0)

    async def answer(self, content: bytes = DONE) -> None:
        self._writer.write(content)
        await self._writer.drain()

    def reset(self) -> None:
        """Break off without a word."""
        self._writer.transport.abort()


async def _close_unread(connection: Connection) -> None:
    connection.reset()


async def _close_read(connection: Connection) -> None:
    await connection.request()
    connection.reset()


async def _answer_in_part(connection: Connection) -> None:
    await connection.request()
    await connection.answer(DONE[:-5])
    connection.reset()


async def _answer_no_http(connection: Connection) -> None:
    await connection.request()
    await connection.answer(b"220 mail.example ESMTP\r\n")
    connection.reset()


async def _stay_silent(connection: Connection) -> None:
    await connection.request()
    await asyncio.Event().wait()


async def _do_all(connection: Connection) -> None:
    while True:
        await connection.request()
        await connection.answer()


@asynccontextmanager
async def serving(*acts: Act) -> AsyncIterator[tuple[CloudflareAPI, list[Act]]]:
    """A server that plays an act on each connection, the last one on all further, and a client; and what was played."""
    begun: list[Act] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.append(acts[min(len(begun), len(acts) - 1)])
        try:
            await begun[-1](Connection(reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(play, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    access = replace(ACCESS, base_url=f"http://127.0.0.1:{port}/client/v4")
    patience = Patience(silence_ms=400, deadline_ms=20_000, wait_first_ms=2)
    try:
        async with CloudflareAPI(access, patience=patience) as api:
            yield api, begun
    finally:
        server.close()


@pytest.mark.slow
async def test_one_connection_serves_many_calls() -> None:
    async with serving(_do_all) as (api, begun):
        for _ in range(5):
            await api.put_value("k", b"v" * 100_000)
    assert begun == [_do_all]


@pytest.mark.slow
@pytest.mark.parametrize("act", [_close_unread, _close_read, _answer_in_part, _answer_no_http, _stay_silent])
async def test_a_write_that_broke_off_is_made_again_on_another_connection(act: Act) -> None:
    async with serving(act, _do_all) as (api, begun):
        await api.put_value("k", b"v")
    assert begun == [act, _do_all]


@pytest.mark.slow
@pytest.mark.parametrize("act", [_close_read, _answer_in_part, _answer_no_http, _stay_silent])
async def test_a_write_that_breaks_off_for_good_may_have_happened(act: Act) -> None:
    async with serving(act) as (api, _):
        api._patience = replace(api._patience, deadline_ms=300, wait_first_ms=200)
        with pytest.raises(ApiError, match="it may have happened anyway") as raised:
            await api.put_value("k", b"v")
    assert not raised.value.definite


@pytest.mark.slow
async def test_a_connection_that_is_refused_leaves_no_doubt() -> None:
    async with serving(_do_all) as (api, begun):
        pass
    async with CloudflareAPI(api.access, patience=Patience(deadline_ms=9_000, wait_first_ms=18_000)) as later:
        with pytest.raises(ApiError, match="could not put 'k': no connection: ") as raised:
            await later.put_value("k", b"v")
    assert raised.value.definite
    assert begun == []


@pytest.mark.no_cover
@pytest.mark.slow
async def test_calls_at_once_wait_for_each_other_s_connections() -> None:
    async with serving(_do_all) as (api, begun):
        await asyncio.gather(*(api.delete_value(f"k{number}") for number in range(40)))
    assert 1 < len(begun) <= 32
