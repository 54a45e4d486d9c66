"""python -m tests.differential --operations N: random operations on this KV and on miniflare's, which must agree.

Half of the operations are on the machine's clock, half on one that moves. Each disagreement that kv/DIFFERENCES.md does
not intend is made small and shown; ends with 1 if there was one. The seed and its kind make a script again.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tests.differential.comparison import Comparison, Tally
from tests.differential.emulated import open_all
from tests.differential.generated import scripts_on_the_real_clock, scripts_with_a_moving_clock
from tests.differential.operations import Script
from tests.differential.runtime import Runtime, fastest_folder, installed_in

_CLOCKS = {"real": scripts_on_the_real_clock, "moving": scripts_with_a_moving_clock}
_SHOWN_EVERY = 10_000
_FINDINGS_MAX = 10


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--operations", type=int, default=100_000, metavar="N", help="at least (default: %(default)s)")
    parser.add_argument("--clock", choices=[*_CLOCKS, "both"], default="both", help="(default: %(default)s)")
    parser.add_argument("--random-seed", type=int, default=None, metavar="S", help="chooses the scripts")
    parser.add_argument(
        "--miniflare", type=Path, metavar="FOLDER", help="whose node_modules has it (default: what MINIFLARE_DIR names)"
    )
    given = parser.parse_args(arguments)
    seed = str(random.randrange(2**32) if given.random_seed is None else given.random_seed)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # the runtime ends with it
    clocks = list(_CLOCKS) if given.clock == "both" else [given.clock]
    with tempfile.TemporaryDirectory(prefix="differential-", dir=fastest_folder()) as folder:
        runtime = Runtime(Path(folder) / "log", given.miniflare or installed_in(os.environ))
        emulated = open_all(Path(folder))
        try:
            print(f"miniflare {runtime.version}, random seed {seed}, {time.strftime('%Y-%m-%d')}", flush=True)
            comparison = Comparison(runtime, emulated)
            found = [_compared(comparison, clock, seed, given.operations // len(clocks)) for clock in clocks]
        finally:
            for side in emulated:
                side.close()
            runtime.close()
    return 1 if any(found) else 0


def _compared(comparison: Comparison, clock: str, seed: str, operations: int) -> int:
    """How many disagreements were found; it gives up after some."""
    comparison.tally = Tally()
    found, began_s = 0, time.monotonic()
    try:
        for disagreement in comparison.disagreements(_told(_CLOCKS[clock](seed), comparison, clock), operations):
            found += 1
            number = comparison.tally.scripts - 1
            print(f"{clock} clock, script {number}: {comparison.shrunk(disagreement)}", flush=True)
            if found == _FINDINGS_MAX:
                break
    finally:  # also where it is stopped
        took_s = time.monotonic() - began_s
        print(f"{clock} clock, {took_s:.0f} s, {found} disagreements: {comparison.tally.text()}", flush=True)
    return found


def _told(scripts: Iterable[Script], comparison: Comparison, clock: str) -> Iterable[Script]:
    """The scripts, and a line now and then that says how far it is."""
    next_shown = _SHOWN_EVERY
    for script in scripts:
        if comparison.tally.operations >= next_shown:
            print(f"  {clock} clock: {comparison.tally.operations:,} operations", flush=True)
            next_shown += _SHOWN_EVERY
        yield script


if __name__ == "__main__":
    sys.exit(main())
