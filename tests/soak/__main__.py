"""`python -m tests.soak --minutes 10 [--workerd PATH]`: how the emulator stands many clients for a long time.

Prints a table of what it held before and after, on the Python Worker and, where workerd is given, on a Worker of the
soak's own; ends with 1 if anything was left behind.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from queue_emulator.core.limits import JOURNAL_EVENTS_MAX
from tests.soak.soaking import Running, Soaked, emulator, soak
from tests.soak.verdict import left_behind

_WORKER = Path(__file__).with_name("worker.mjs")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=1.0, metavar="N", help="how long, in all; a third of it is the warm-up"
    )
    parser.add_argument(
        "--workerd", type=Path, metavar="PATH", help="the workerd binary: then a real Worker is soaked too"
    )
    given = parser.parse_args()
    share_s = given.minutes * 60 / (2 if given.workerd else 1)
    failed = False
    for name, worker in (("Python Worker", None), ("serve --worker", _WORKER))[: 2 if given.workerd else 1]:
        with (
            tempfile.TemporaryDirectory() as folder,
            emulator(Path(folder), worker=worker, workerd=given.workerd) as it,
        ):
            failed |= _show(name, _soaked(it, share_s))
    return 1 if failed else 0


def _soaked(running: Running, share_s: float) -> Soaked:
    warm, rounds = _until(share_s / 3), _until(share_s * 2 / 3)
    return soak(running, warm=warm, rounds=rounds, requests=JOURNAL_EVENTS_MAX)


def _until(share_s: float) -> Iterator[object]:
    """Counted from its first round."""
    end_s = time.monotonic() + share_s
    while time.monotonic() < end_s:
        yield None


def _show(name: str, soaked: Soaked) -> bool:
    print(f"{name}\n{soaked.table()}")
    for (client, status), count in sorted(soaked.answers.items()):
        print(f"  {client:<28} {status:>4} {count:>9,}")
    for line in sorted(set(soaked.log_lines))[:20]:
        print(f"  log: {line.strip()}")
    found = left_behind(soaked)
    print("\n".join(f"LEFT BEHIND: {each}" for each in found) or "nothing was left behind", flush=True)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
