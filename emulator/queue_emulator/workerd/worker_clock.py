"""Tells the Worker, at each of its locations, what the emulator's clock shows, whenever that has been moved.

An isolate cannot ask by itself outside of a request. So it is told before each request, and before each answer of KV,
if the clock was moved since; and while requests are under way as soon as it is moved.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from queue_emulator.core.clock import MovableClock
from queue_emulator.workerd.upstream import Address, Exchange, WorkerGone
from queue_emulator.workerd.wrapping import CLOCK_HEADER

_WAIT_S_MAX = 1.0  # for a Worker that spins, once each time that the clock is moved


class _Shown(NamedTuple):
    """How far the clock is ahead of the machine's, or where it stands."""

    offset_ms: int
    stands_ms: int | None


_NEVER_MOVED = _Shown(0, None)


@dataclass(frozen=True, slots=True)
class ClockSockets:
    """Where Workers are told the time, by location or by another name, and what begins the header."""

    addresses: Mapping[str, Address]
    sign: str


@dataclass(slots=True)
class _Telling:
    """One location is being told. `saying` lasts until that is heard, `waiting` no longer than anybody waits for it."""

    shown: _Shown
    saying: asyncio.Task[None]
    waiting: asyncio.Task[None]


class WorkerClock:
    """`clock` is the one that the Worker is to show; without `sockets` it shows the machine's own time."""

    def __init__(self, clock: Callable[[], MovableClock], log: Callable[[str], None]) -> None:
        self._clock = clock
        self._log = log
        self._heard: dict[str, _Shown | None] = {}
        self._under_way: dict[str, _Telling] = {}
        self._waiting: set[asyncio.Task[None]] = set()
        self.sockets: ClockSockets | None = None

    async def tell(self, location: str) -> None:
        """Returns when the Worker there shows this clock's time, or has no time to hear of it."""
        shown = self._shown()
        if self.sockets is None or location not in self.sockets.addresses or self._shows(location, shown):
            return
        telling = self._under_way.get(location)
        if telling is None or telling.shown != shown:
            telling = self._begin(location, self.sockets, shown)
        await asyncio.shield(telling.waiting)

    async def tell_all(self, _location: str = "") -> None:
        """Wherever a Worker can be told, all at once."""
        shown = self._shown()
        late = [each for each in self.sockets.addresses if not self._shows(each, shown)] if self.sockets else ()
        if late:
            await asyncio.gather(*map(self.tell, late))

    def moved(self) -> None:
        """The clock was moved: runs that are under way see it without asking for anything."""
        task = asyncio.ensure_future(self.tell_all())
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    def forget(self, locations: Iterable[str] | None = None) -> None:
        """The runtime of all Workers, or of these, is another one, and shows the machine's time."""
        for each in tuple((*self._heard, *self._under_way) if locations is None else locations):
            self._heard.pop(each, None)
            telling = self._under_way.pop(each, None)
            if telling is not None:
                telling.saying.cancel()

    def _shows(self, location: str, shown: _Shown) -> bool:
        return self._heard.get(location, _NEVER_MOVED) == shown

    def _begin(self, location: str, sockets: ClockSockets, shown: _Shown) -> _Telling:
        before = self._under_way.get(location)
        if before is not None:
            before.saying.cancel()
        self._heard[location] = None  # nobody knows, until it has answered
        saying = asyncio.ensure_future(self._say(location, sockets, shown))
        telling = _Telling(shown, saying, asyncio.ensure_future(self._wait(location, saying)))
        self._under_way[location] = telling
        return telling

    async def _say(self, location: str, sockets: ClockSockets, shown: _Shown) -> None:
        try:
            await _say(sockets.addresses[location], sockets.sign, shown)
            self._heard[location] = shown
        except WorkerGone:
            pass  # whoever comes next tells it
        del self._under_way[location]

    async def _wait(self, location: str, saying: "asyncio.Task[None]") -> None:
        await asyncio.wait({saying}, timeout=_WAIT_S_MAX)
        if not saying.done():
            self._log(
                f"  the Worker at {location} is busy: its Date shows an older time until it has heard the new one"
            )

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
