"""Tells the Worker, at each of its locations, what the emulator's clock shows, whenever that has been moved.

An isolate cannot ask by itself outside of a request. So it is told before each request, and before each answer of KV,
if the clock was moved since; and while requests are under way as soon as it is moved.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from queue_emulator.core.clock import MovableClock
from queue_emulator.workerd.upstream import Address, Exchange, WorkerGone
from queue_emulator.workerd.wrapping import CLOCK_HEADER

_TOLD_S_MAX = 1.0  # a Worker that spins hears nothing, and need not: it is not waited for again until the clock moves


class _Shown(NamedTuple):
    """How far the clock is ahead of the machine's, or where it stands."""

    offset_ms: int
    stands_ms: int | None


_NEVER_MOVED = _Shown(0, None)


@dataclass(frozen=True, slots=True)
class Told:
    """How Workers are told: sockets, by location or by another name, and what begins the header."""

    sockets: Mapping[str, Address]
    sign: str


class WorkerClock:
    """`clock` is the one that the Worker is to show; `told` None: it shows the machine's own time."""

    def __init__(self, clock: Callable[[], MovableClock]) -> None:
        self._clock = clock
        self._last: dict[str, _Shown] = {}
        self._turns = defaultdict[str, asyncio.Lock](asyncio.Lock)
        self._telling: set[asyncio.Task[None]] = set()
        self.told: Told | None = None

    async def tell(self, location: str) -> None:
        """Returns when the Worker there shows this clock's time, or has no time to hear of it."""
        if self.told is None or self._last.get(location, _NEVER_MOVED) == self._shown():
            return
        async with self._turns[location]:
            shown = self._shown()
            if self._last.get(location, _NEVER_MOVED) != shown:
                with suppress(WorkerGone, TimeoutError):
                    async with asyncio.timeout(_TOLD_S_MAX):
                        await _say(self.told.sockets[location], self.told.sign, shown)
                self._last[location] = shown

    async def tell_all(self, _location: str = "") -> None:
        """Wherever a Worker can be told."""
        for name in self.told.sockets if self.told else ():
            await self.tell(name)

    def moved(self) -> None:
        """The clock was moved: runs that are under way see it without asking for anything."""
        for location in self.told.sockets if self.told else ():
            task = asyncio.ensure_future(self.tell(location))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    def forget(self) -> None:
        """The runtime is another one, and shows the machine's time."""
        self._last.clear()

    def _shown(self) -> _Shown:
        clock = self._clock()
        return _Shown(0, clock.now_ms()) if clock.frozen else _Shown(clock.offset_ms, None)


async def _say(address: Address, sign: str, shown: _Shown) -> None:
    told = f"{sign}{json.dumps(shown._asdict())}".encode()
    async with Exchange(address) as exchange:
        headers = ((b"host", b"emulator"), (CLOCK_HEADER.lower().encode(), told))
        await exchange.ask("GET", b"/", headers)
        await exchange.end()
        await exchange.response()
