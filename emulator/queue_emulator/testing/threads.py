"""Where a test's emulator runs: in the test's own thread, or, over a real Worker, in one that has an event loop."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Protocol, TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from queue_emulator.testing.run_now import run_now

Result = TypeVar("Result")


class Where(Protocol):
    """Does what a test asks of its emulator, and returns when it is done."""

    def run(self, work: Coroutine[object, None, Result]) -> Result: ...

    def do(self, work: Callable[[], Result]) -> Result: ...

    async def until_the_end(self) -> None:
        """Wait for as long as a request lasts, where somebody can wait."""
        ...

    def app(self, app: ASGIApp) -> ASGIApp:
        """The application as a client in the test's own event loop can ask it."""
        ...


class Here:
    """Without an event loop: nothing waits."""

    def run(self, work: Coroutine[object, None, Result]) -> Result:
        return run_now(work)

    def do(self, work: Callable[[], Result]) -> Result:
        return work()

    async def until_the_end(self) -> None:
        """Nobody else is there: what waits for the client's end hears of it at once."""

    def app(self, app: ASGIApp) -> ASGIApp:
        return app


class LoopThread:
    """A thread with an event loop, in which everything of a real Worker happens; any thread may ask."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._ended = False
        self._thread = threading.Thread(target=self._loop.run_forever, name="queue-emulator", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[object, None, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def do(self, work: Callable[[], Result]) -> Result:
        """After the end too: then nobody else is at what is left, as a journal is."""
        if self._ended:
            return work()

        async def done() -> Result:
            return work()

        return self.run(done())

    async def until_the_end(self) -> None:
        await asyncio.Event().wait()

    def app(self, app: ASGIApp) -> ASGIApp:
        async def bridged(scope: Scope, receive: Receive, send: Send) -> None:
            there = asyncio.get_running_loop()

            async def receive_there() -> Message:
                return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_awaited(receive()), there))

            async def send_there(message: Message) -> None:
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_awaited(send(message)), there))

            answering = _awaited(app(scope, receive_there, send_there))
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(answering, self._loop))

        return bridged

    def end(self) -> None:
        """Nothing happens here after this; what is left can be looked at."""
        self.run(_cancel_others())
        self._ended = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _awaited(work: Awaitable[Result]) -> Result:
    return await work


async def _cancel_others() -> None:
    """Requests that nobody waits for any more."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for each in others:
        each.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


HERE = Here()
