"""Workers are told the time at once; one that is busy is waited for once, and one that has not heard is told again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.workerd.worker_clock import ClockSockets, WorkerClock

pytestmark = pytest.mark.anyio

ANSWER = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


class Workers:
    """Those at two locations, and the clock that tells them the time."""

    def __init__(self, folder: Path, clock: MovableClock) -> None:
        self.told: list[str] = []
        self.log: list[str] = []
        self.answer = ANSWER
        self.free, self.answered = asyncio.Event(), asyncio.Event()
        self.sockets = {location: folder / location for location in ("SJC", "NRT")}
        self.clock = WorkerClock(lambda: clock, self.log.append)
        self.clock.sockets = ClockSockets(self.sockets, "")

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Workers"]:
        async with AsyncExitStack() as stack:
            for location, path in self.sockets.items():
                await stack.enter_async_context(await asyncio.start_unix_server(self._answers(location), path))
            yield self

    def _answers(self, location: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            self.told.append(location)
            if len(set(self.told)) == 2:
                self.free.set()
            await self.free.wait()
            writer.write(self.answer)
            writer.write_eof()
            await reader.read()  # it has been heard
            writer.close()
            self.answered.set()

        return answers


@pytest.fixture
async def workers(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Workers]:
    async with Workers(tmp_path, clock).listening() as listening:
        clock.advance(60_000)
        yield listening


async def test_all_are_told_at_once(workers: Workers) -> None:
    await workers.clock.tell_all()  # each answers when the other has been told too
    assert sorted(workers.told) == ["NRT", "SJC"]
    assert workers.log == []
    await workers.clock.tell_all()
    assert len(workers.told) == 2


async def test_one_that_is_busy_is_waited_for_once_and_hears_it_later(workers: Workers, clock: MovableClock) -> None:
    for _ in range(50):
        await workers.clock.tell("SJC")
    assert workers.told == ["SJC"]
    assert workers.log == ["  the Worker at SJC is busy: its Date shows an older time until it has heard the new one"]
    workers.free.set()
    await workers.answered.wait()
    await workers.clock.tell("SJC")
    assert workers.told == ["SJC"]
    clock.advance(1)
    await workers.clock.tell("SJC")
    assert workers.told == ["SJC"] * 2


async def test_one_that_is_gone_before_it_has_answered_is_told_again(workers: Workers) -> None:
    workers.free.set()
    workers.answer = b""
    await workers.clock.tell("SJC")
    workers.answer = ANSWER
    for _ in range(2):
        await workers.clock.tell("SJC")
    assert workers.told == ["SJC"] * 2
