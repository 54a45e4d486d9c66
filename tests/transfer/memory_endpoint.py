"""An endpoint in memory that fails, dawdles or is interrupted when a test says so."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence

from queue_emulator.core.bulk import BulkEntry
from queue_emulator.core.errors import EmulatorError
from queue_emulator.transfer.endpoint import Page

NOON_MS = 1_795_435_200_000


class Failure(EmulatorError):
    """A write that failed; `definite` whether nothing of it was written."""

    def __init__(self, *, definite: bool) -> None:
        super().__init__("the endpoint failed")
        self.definite = definite


class MemoryEndpoint:
    """`fail_at` fails the nth write, counted from 1; `interrupt_at` sends this process a SIGINT in the midst of it."""

    name = where = "memory"

    def __init__(self, *, asks: bool = False, whole: bool = False) -> None:
        self.asks = asks
        self.whole = whole
        self.held: dict[bytes, BulkEntry] = {}
        self.begun: dict[bytes, BulkEntry] = {}
        self.writes: list[int] = []
        self.closed = 0
        self.hurried = False
        self.fail_at: int | None = None
        self.failure = Failure(definite=True)
        self.interrupt_at: int | None = None
        self.refuses: set[bytes] = set()
        self.clock_ms = NOON_MS
        self.times: list[tuple[int, bool]] = []

    async def look(self, *, writing: bool) -> str:
        return "an endpoint of tests"

    async def now_ms(self) -> int:
        return self.clock_ms

    async def set_time(self, now_ms: int, *, hold: bool) -> str:
        self.clock_ms = now_ms
        self.times.append((now_ms, hold))
        return ""

    async def write(self, batch: Sequence[BulkEntry]) -> Sequence[str]:
        self.writes.append(len(batch))
        if len(self.writes) == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0)  # the interrupt is heard before the write has ended
        if len(self.writes) == self.fail_at:
            raise self.failure
        into = self.begun if self.whole else self.held
        into.update({entry.key: entry for entry in batch if entry.key not in self.refuses})
        return [entry.key.decode() for entry in batch if entry.key in self.refuses]

    def hurry(self) -> None:
        self.hurried = True

    async def finish(self) -> None:
        self.held |= self.begun

    async def read(self, keys: Sequence[bytes]) -> list[BulkEntry | None]:
        return [self.held.get(key) for key in keys]

    async def pages(self) -> AsyncIterator[Page]:
        yield Page([self.held[key] for key in sorted(self.held)], [])

    async def close(self) -> None:
        self.closed += 1
