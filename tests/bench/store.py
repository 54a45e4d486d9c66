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

from queue_emulator.core.entries import Entry
from queue_emulator.kv.sqlite import SqliteStore

VALUE = b'{"id":"task","type":"task","content":"' + b"x" * 300 + b'"}'
ROUNDS = 1_000
WARM_UPS = 100
LOADED_AT_ONCE = 20_000
WRITTEN_MS = 1_795_435_200_000


async def main(sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stores = {size: await loaded(Path(folder) / f"{size}.sqlite", size) for size in sizes}
        print(f"{'median, µs':<32}" + "".join(f"{size:>14,} keys" for size in sizes) + f"{'ratio':>10}")
        for name, operation in OPERATIONS.items():
            medians = await medians_us(stores, operation)
            print(f"{name:<32}" + "".join(f"{each:>19.1f}" for each in medians) + f"{medians[-1] / medians[0]:>10.2f}")
        for store in stores.values():
            await store.close()


async def loaded(path: Path, size: int) -> SqliteStore:
    """A store with `size` tasks, opened anew."""
    store = await SqliteStore.open(path)
    for start in range(0, size, LOADED_AT_ONCE):
        ids = range(start, min(start + LOADED_AT_ONCE, size))
        await store.write([Entry(key(number), VALUE, number + 1, WRITTEN_MS) for number in ids])
    await store.close()
    return await SqliteStore.open(path)


Operation = Callable[[SqliteStore, int, int], Awaitable[object]]

FIRST, END = b"queue:task:", b"queue:task;"

# Each is given the store, its size, and the number of a key spread over it.
OPERATIONS: dict[str, Operation] = {
    "read, present": lambda store, size, number: store.read([key(number)]),
    "read, absent": lambda store, size, number: store.read([key(number) + b"!"]),
    "page of 100, the first": lambda store, size, number: store.walk(FIRST, END, 100),
    "page of 100, in the middle": lambda store, size, number: store.walk(key(size // 2), END, 100),
    "page of a prefix of few keys": lambda store, size, number: store.walk(
        key(number)[:-1], key(number)[:-1] + b":", 100
    ),
    "write over an old value": lambda store, size, number: store.write(
        [Entry(key(number), VALUE, size + number + 1, WRITTEN_MS)]
    ),
}


async def medians_us(stores: dict[int, SqliteStore], operation: Operation) -> list[float]:
    """The sizes in turn, so that a machine that slows down slows all of them; the first rounds only warm up."""
    took: dict[int, list[int]] = {size: [] for size in stores}
    for number in range(-WARM_UPS, ROUNDS):
        for size, store in stores.items():
            picked = number % ROUNDS * size // ROUNDS
            start = time.perf_counter_ns()
            await operation(store, size, picked)
            if number >= 0:
                took[size].append(time.perf_counter_ns() - start)
    return [statistics.median(each) / 1000 for each in took.values()]


def key(number: int) -> bytes:
    return f"queue:task:{number:09d}".encode()


if __name__ == "__main__":
    asyncio.run(main([int(size) for size in sys.argv[1:]] or [1_000, 1_000_000]))
