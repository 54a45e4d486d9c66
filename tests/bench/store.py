"""What a read, a write and a list page cost in the SQLite store at a thousand and at a million keys.

Prints medians in microseconds and their ratio. Run: tox -e bench, or python tests/bench/store.py [KEYS ...]
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from emulator.core.clock import SystemClock
from emulator.core.options import ListRequest, PutRequest
from emulator.core.profiles import LOCAL
from emulator.kv.service import KVService
from emulator.kv.sqlite import SqliteStore

VALUE = b'{"id":"task","type":"task","content":"' + b"x" * 300 + b'"}'
ROUNDS = 300
LOADED_AT_ONCE = 20_000


async def main(sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        columns = {size: await measured(Path(folder) / f"{size}.sqlite", size) for size in sizes}
    print(f"{'median, µs':<28}" + "".join(f"{size:>14,} keys" for size in sizes) + f"{'ratio':>10}")
    for name in columns[sizes[0]]:
        medians = [columns[size][name] for size in sizes]
        print(f"{name:<28}" + "".join(f"{each:>19.1f}" for each in medians) + f"{medians[-1] / medians[0]:>10.2f}")


async def measured(path: Path, size: int) -> dict[str, float]:
    """Medians by operation, over a namespace with `size` tasks and half as many leases."""
    service = KVService(await SqliteStore.open(path), clock=SystemClock(), profile=LOCAL)
    for start in range(0, size, LOADED_AT_ONCE):
        ids = range(start, min(start + LOADED_AT_ONCE, size))
        await service.load("SJC", [PutRequest(key(number), VALUE) for number in ids])
    picked = [number * size // ROUNDS for number in range(ROUNDS)]
    cursor = (await service.list("SJC", ListRequest(b"queue:task:", max(1, min(1000, size // 2))))).cursor or ""
    operations: dict[str, Callable[[int], Awaitable[object]]] = {
        "get, present": lambda number: service.get("SJC", key(number)),
        "get, absent": lambda number: service.get("SJC", key(number) + b"!"),
        "put over an old value": lambda number: service.put("SJC", PutRequest(key(number), VALUE)),
        "list, first page of 100": lambda number: service.list("SJC", ListRequest(b"queue:task:", 100)),
        "list, page of 100 at cursor": lambda number: service.list("SJC", ListRequest(b"queue:task:", 100, cursor)),
        "list, a prefix of few keys": lambda number: service.list("SJC", ListRequest(key(number)[:-1], 100)),
    }
    medians = {name: await median_us(operation, picked) for name, operation in operations.items()}
    await service.close()
    return medians


async def median_us(operation: Callable[[int], Awaitable[object]], picked: list[int]) -> float:
    took: list[int] = []
    for number in picked:
        start = time.perf_counter_ns()
        await operation(number)
        took.append(time.perf_counter_ns() - start)
    return statistics.median(took) / 1000


def key(number: int) -> bytes:
    return f"queue:task:{number:09d}".encode()


if __name__ == "__main__":
    asyncio.run(main([int(size) for size in sys.argv[1:]] or [1_000, 1_000_000]))
