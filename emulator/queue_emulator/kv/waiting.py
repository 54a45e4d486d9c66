"""Waiting on the emulator's clock, where a delay ends early when the clock moves past it, and letting others run."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.threads import in_short_turns

LARGE_BYTES = 65_536  # what takes a few milliseconds at most
STEP_ENTRIES = 500  # as many as are written, or told to the locations' edges, in a few milliseconds
STEP_BYTES = 1 << 20

Result = TypeVar("Result")
Sleep = Callable[[int], Awaitable[None]]
"""Waits for a number of milliseconds."""


async def sleep_really(by_ms: int) -> None:
    """Takes the time that it says, whatever any clock is told."""
    await asyncio.sleep(by_ms / 1000)


async def first_of(*waits: Awaitable[object]) -> None:
    """Waits until one of them ends; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def sleep_on(clock: MovableClock) -> Sleep:
    """A sleep that ends when the clock has come that far, by itself or by being moved.

    Sleepers that one move wakes go on in the order in which they were due.
    """
    waiting: dict[asyncio.Event, int] = {}

    def wake() -> None:
        for event in sorted(waiting, key=waiting.__getitem__):
            event.set()

    async def sleep(by_ms: int) -> None:
        left_ms = by_ms
        while left_ms > 0:
            event, began_ms = asyncio.Event(), clock.now_ms()
            waiting[event] = began_ms + left_ms
            try:
                await asyncio.wait_for(event.wait(), None if clock.frozen else left_ms / 1000)
            except TimeoutError:
                return
            finally:
                del waiting[event]
            left_ms -= max(clock.now_ms() - began_ms, 0)  # a clock that went back leaves what was left

    clock.on_move(wake)
    return sleep


def advance_instead(clock: MovableClock) -> Sleep:
    """A sleep that moves the clock and takes no time: for tests in one thread of control."""

    async def sleep(by_ms: int) -> None:
        clock.advance(by_ms)

    return sleep


def in_event_loop() -> bool:
    """Whether other requests can go on meanwhile; not inside a test that needs no loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def off_loop(size_bytes: int, work: Callable[[], Result]) -> Result:
    """Do `work` on so many bytes, beside other requests if it is much."""
    if size_bytes < LARGE_BYTES or not in_event_loop():
        return work()
    return await asyncio.to_thread(in_short_turns, work)


def steps(count: int) -> Iterator[slice]:
    """Parts of what has so many members, each of them short."""
    return (slice(start, start + STEP_ENTRIES) for start in range(0, count, STEP_ENTRIES))


async def others_first() -> None:
    """Let whoever waits for the event loop go on."""
    await asyncio.sleep(0)
