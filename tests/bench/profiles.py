"""What an operation costs in profile `cloudflare`, with all of production's ways, against profile `local`.

Prints medians in microseconds and their ratio, over a store in memory and one in a file. The profiles take turns, so
that what else the machine does falls on both. Run: python tests/bench/profiles.py [ROUNDS]
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.options import ListRequest, PutRequest
from queue_emulator.core.profiles import PROFILES, Profile
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService
from queue_emulator.kv.sqlite import SqliteStore
from queue_emulator.kv.store import MemoryStore, Store

NOON_MS = 1_767_268_800_000
KEYS = 10_000
TURN = 20  # operations of one profile in a row
VALUE = b'{"id":"task","type":"task","content":"' + b"x" * 300 + b'"}'
TASKS = b"queue:task:"
CALLER = Invocation(None, name="0123456789abcdef", route="GET /api/queue/{id}")
MINUTE_MS = 60_000

Operation = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class Subject:
    """One service with its clock, and a new number for every operation."""

    service: KVService
    clock: MovableClock
    numbers: Iterator[int]

    def operations(self) -> dict[str, Operation]:
        """Each as the Worker makes it, at SJC, while SJC and NRT both hold copies of much."""
        get, put, page = self.service.get, self.service.put, self.service.list
        return {
            "get, a copy at hand": lambda: get("SJC", task(7), caller=CALLER),
            "get, from the centre": lambda: get("SJC", self.next_task(), caller=CALLER),
            "get, absent": lambda: get("SJC", self.next_task() + b"!", caller=CALLER),
            "put over an old value": lambda: put("SJC", PutRequest(self.next_task(), VALUE), caller=CALLER),
            "put of a new key": lambda: put("SJC", PutRequest(self.next_task() + b"?", VALUE), caller=CALLER),
            "list of 100, a copy at hand": lambda: page("SJC", ListRequest(TASKS, 100), caller=CALLER),
            "list of 100, from the centre": lambda: page("SJC", ListRequest(self.next_task()[:-2], 100), caller=CALLER),
        }

    def next_task(self) -> bytes:
        return task(next(self.numbers) * 101 % KEYS)


async def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("memory", "sqlite"):
            subjects: dict[str, Subject] = {}
            for name, profile in PROFILES.items():
                store = MemoryStore() if kind == "memory" else await SqliteStore.open(Path(folder) / name)
                subjects[name] = await prepared(store, profile)
            await report(kind, subjects, rounds)
            for subject in subjects.values():
                await subject.service.close()


async def prepared(store: Store, profile: Profile) -> Subject:
    clock = MovableClock.frozen_at(NOON_MS)
    service = KVService(store, clock=clock, profile=profile)
    await service.load("SJC", [PutRequest(task(number), VALUE) for number in range(KEYS)])
    for location in ("SJC", "NRT"):
        for prefix in (TASKS, b"queue:lease:", b"orchestrator:"):
            await service.list(location, ListRequest(prefix, 100))
        for number in range(0, KEYS, 2):
            await service.get(location, task(number))
    return Subject(service, clock, count())


async def report(kind: str, subjects: dict[str, Subject], rounds: int) -> None:
    print(f"{f'median, µs, {kind} store':<36}" + "".join(f"{name:>12}" for name in subjects) + f"{'ratio':>8}")
    for operation in next(iter(subjects.values())).operations():
        took: dict[str, list[int]] = {name: [] for name in subjects}
        for number in range(rounds):
            for name in sorted(subjects, reverse=number % 2 == 1):
                took[name] += await turn(subjects[name], operation)
        medians = {name: statistics.median(each) / 1000 for name, each in took.items()}
        ratio = medians["cloudflare"] / medians["local"]
        print(f"{operation:<36}" + "".join(f"{each:>12.1f}" for each in medians.values()) + f"{ratio:>8.2f}")
    print()


async def turn(subject: Subject, name: str) -> list[int]:
    """Nanoseconds of each of one turn's operations; the first is not counted: it warms up.

    Between two of them passes as long as a copy lives, except where a copy is to be at hand.
    """
    operation = subject.operations()[name]
    wait_ms = 0 if "at hand" in name else MINUTE_MS
    took: list[int] = []
    for _ in range(TURN + 1):
        subject.clock.advance(wait_ms)
        start = time.perf_counter_ns()
        await operation()
        took.append(time.perf_counter_ns() - start)
    return took[1:]


def task(number: int) -> bytes:
    return f"queue:task:{number:09d}".encode()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
