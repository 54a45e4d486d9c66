"""Waiting on the emulator's clock: a delay ends early when the clock is moved past it."""

import asyncio
from collections.abc import Awaitable, Callable

from emulator.core.clock import MovableClock

Sleep = Callable[[int], Awaitable[None]]
"""Waits for a number of milliseconds."""


def sleep_on(clock: MovableClock) -> Sleep:
    """A sleep that ends when the clock has come that far, by itself or by being moved.

    Sleepers that one move wakes go on in the order in which they were due.
    """
    waiting: dict[asyncio.Event, int] = {}

    def wake() -> None:
        for event in sorted(waiting, key=waiting.__getitem__):
            event.set()

    async def sleep(by_ms: int) -> None:
        until_ms = clock.now_ms() + by_ms
        while (left_ms := until_ms - clock.now_ms()) > 0:
            event = asyncio.Event()
            waiting[event] = until_ms
            try:
                await asyncio.wait_for(event.wait(), None if clock.frozen else left_ms / 1000)
            except TimeoutError:
                pass
            finally:
                del waiting[event]

    clock.on_move(wake)
    return sleep


def advance_instead(clock: MovableClock) -> Sleep:
    """A sleep that moves the clock and takes no time: for tests in one thread of control."""

    async def sleep(by_ms: int) -> None:
        clock.advance(by_ms)

    return sleep
