"""Time as a parameter: the only module that reads it. Integer milliseconds since the UNIX epoch."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from queue_emulator.core.errors import ClockError

LATEST_MS = 253_402_300_799_000  # 9999-12-31T23:59:59Z: the last instant that ISO 8601 with four digits can name


_CYCLE_MS = 146_097 * 86_400_000  # 400 years, after which the calendar repeats


class Clock(Protocol):
    """What everything that depends on time is given."""

    def now_ms(self) -> int:
        """Milliseconds since the UNIX epoch."""
        ...


class SystemClock:
    """The machine's own wall clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class MovableClock:
    """A clock that follows another one until it is told otherwise.

    It can be advanced, frozen, set and resumed. Frozen, it moves only when told: a test's virtual clock.
    """

    def __init__(self, source: Clock) -> None:
        self._source = source
        self._offset_ms = 0
        self._frozen_ms: int | None = None
        self._first_ms: int | None = None
        self._on_move: list[Callable[[], None]] = []

    @classmethod
    def frozen_at(cls, now_ms: int) -> "MovableClock":
        """A clock that stands at `now_ms` and moves only when told."""
        check_instant(now_ms)
        clock = cls(SystemClock())
        clock._frozen_ms = clock._first_ms = now_ms
        return clock

    @property
    def frozen(self) -> bool:
        return self._frozen_ms is not None

    @property
    def offset_ms(self) -> int:
        """How far this clock is ahead of its source, in milliseconds."""
        return self._offset_ms if self._frozen_ms is None else self._frozen_ms - self._source.now_ms()

    def now_ms(self) -> int:
        if self._frozen_ms is not None:
            return self._frozen_ms
        return min(self._source.now_ms() + self._offset_ms, LATEST_MS)

    def advance(self, by_ms: int) -> None:
        """Move forward by `by_ms` >= 0; raises ClockError for a negative step or past the year 9999."""
        if by_ms < 0:
            raise ClockError(f"the clock can only be advanced by 0 or more, not by {by_ms} ms")
        self.set(self.now_ms() + by_ms)

    def set(self, now_ms: int) -> None:
        """Stand at `now_ms`, which may lie before the present; goes on from there unless frozen."""
        check_instant(now_ms)
        if self._frozen_ms is None:
            self._offset_ms = now_ms - self._source.now_ms()
        else:
            self._frozen_ms = now_ms
        self._moved()

    def on_move(self, call: Callable[[], None]) -> None:
        """Have `call` called after each move."""
        self._on_move.append(call)

    def freeze(self) -> None:
        """Stop at the present moment."""
        self._frozen_ms = self.now_ms()

    def resume(self) -> None:
        """Go on from the present moment at the source's pace."""
        if self._frozen_ms is not None:
            self._offset_ms = self._frozen_ms - self._source.now_ms()
            self._frozen_ms = None
            self._moved()

    def restart(self) -> None:
        """Forget every move: follow the source again, or stand where it stood at first."""
        self._offset_ms, self._frozen_ms = 0, self._first_ms
        self._moved()

    def _moved(self) -> None:
        for call in self._on_move:
            call()


class Stopwatch:
    """Measures how long something took on this machine, whatever the clock is told."""

    def __init__(self) -> None:
        self._start_ns = time.perf_counter_ns()

    def elapsed_ms(self) -> float:
        return (time.perf_counter_ns() - self._start_ns) / 1_000_000

    def elapsed_s(self) -> float:
        return self.elapsed_ms() / 1000


def check_instant(now_ms: int) -> None:
    """Raises ClockError for an instant before 1970 or after 9999."""
    if not 0 <= now_ms <= LATEST_MS:
        raise ClockError(f"a time must be 0 to {LATEST_MS} ms since 1970, not {now_ms}")


def parse_iso_8601(text: str) -> int:
    """Milliseconds since the UNIX epoch; raises ClockError for what is not ISO 8601 with an offset from UTC."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise ClockError(f"a time must look like 2026-11-23T17:00:00Z, not {text[:40]!r}")
    return round(instant.timestamp() * 1000)


def iso_8601(now_ms: int) -> str:
    """As JavaScript's Date.prototype.toISOString: `2026-11-23T17:00:00.000Z`."""
    cycles = max(0, now_ms - LATEST_MS) // _CYCLE_MS + (now_ms > LATEST_MS)
    seconds, ms = divmod(now_ms - cycles * _CYCLE_MS, 1000)
    if cycles:
        instant = datetime.fromtimestamp(seconds, UTC)
        return f"+{instant.year + 400 * cycles:06d}{instant:-%m-%dT%H:%M:%S}.{ms:03d}Z"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"
