"""One side of `two_trees.py`: makes operations through `queue_emulator.testing` as it is told, and says what they cost.

Runs in an environment of its own, with whichever version of the package is there: so only what all versions have is
used. Reads the name of an operation a line; writes the processor time of one of them, in microseconds.
"""

import sys
import time
from collections.abc import Callable
from itertools import count

from queue_emulator.testing import Emulator

AT_ONCE = 300
VALUE = '{"id":"task","type":"task","content":"' + "x" * 300 + '"}'


def operations(emulator: Emulator) -> dict[str, Callable[[int], object]]:
    """Each is given a number that it had not before."""
    kv = emulator.at("SJC").kv
    for number in range(1_000):
        kv.put(f"there:{number:04}", VALUE)
    some = [f"there:{number:04}" for number in range(50)]
    entries = [{"key": f"loaded:{number}", "value": VALUE} for number in range(50)]
    return {
        "put, new key": lambda number: kv.put(f"new:{number}", VALUE),
        "put, old key": lambda number: kv.put(f"there:{number % 1_000:04}", VALUE),
        "get, hit": lambda number: kv.get("there:0007"),
        "get, miss": lambda number: kv.get(f"absent:{number}"),
        "get of 50": lambda number: kv.get_bulk(some),
        "list of 100": lambda number: kv.list(prefix="there:", limit=100),
        "delete": lambda number: kv.delete(f"there:{number % 1_000:04}"),
        "load of 50": lambda number: emulator.load(entries),
    }


def main() -> None:
    emulator = Emulator()
    known, numbers = operations(emulator), count()
    for line in sys.stdin:
        operation = known[line.strip()]
        emulator.clock.advance(5)  # a key is written once a second at most
        given = [next(numbers) for _ in range(AT_ONCE)]
        began = time.process_time_ns()
        for number in given:
            operation(number)
        print((time.process_time_ns() - began) / 1_000 / AT_ONCE, flush=True)


if __name__ == "__main__":
    main()
