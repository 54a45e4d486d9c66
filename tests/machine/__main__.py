"""python -m tests.machine --rounds N [--random-seed S]: nothing that was acknowledged is lost, whichever way it came.

Each round opens the emulator over one state file, drives every face at once, kills it or closes it at some moment,
opens it again and compares each key with what its clients know. With WORKERD, a folder of workerd's or its binary, a
Worker runs on the real runtime in half of the rounds; without, only the face for the runtime is driven in its place.

The seed chooses the requests and the ends. How they meet is the machine's chance: the same seed need not fail again.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from queue_emulator.workerd.binary import find_binary
from tests.machine.history import Finding
from tests.machine.running import Machine

_SHOWN_EVERY = 50
_FAULTS_SHOWN = 20


def main(arguments: list[str] | None = None) -> int:
    """Exit code 1 if anything was lost, reordered, torn or made up."""
    parser = argparse.ArgumentParser(prog="python -m tests.machine", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rounds", type=int, default=1000, metavar="N", help="lives of the emulator (default: %(default)s)"
    )
    parser.add_argument("--random-seed", type=int, default=None, metavar="S", help="chooses requests and ends")
    parsed = parser.parse_args(arguments)
    seed = parsed.random_seed if parsed.random_seed is not None else random.randrange(2**32)
    named = os.environ.get("WORKERD")
    workerd = find_binary(Path(named), []) if named else None
    print(f"random seed {seed}; workerd: {workerd or 'none, its face alone'}", flush=True)
    signal.signal(
        signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT)
    )  # no emulator is left behind
    with tempfile.TemporaryDirectory(prefix="machine-") as folder:
        machine = Machine(Path(folder), random.Random(seed), workerd, int(time.time() * 1000))
        asyncio.run(machine.run(parsed.rounds, _show))
    print(report(machine))
    return 1 if machine.faults else 0


def report(machine: Machine) -> str:
    """The table that a reader wants."""
    counts, found = machine.counts, Counter(fault.finding for _, fault in machine.faults)
    lines = [
        f"rounds               {machine.rounds:>9,}",
        f"requests             {sum(counts.requests.values()):>9,}",
        *(f"  {face.value:<19}{number:>9,}" for face, number in counts.requests.items()),
        f"acknowledged writes  {counts.acknowledged:>9,}",
        f"refused requests     {counts.refused:>9,}",
        f"broken off           {counts.broken_off:>9,}",
        *(f"{finding.name.lower():<21}{found[finding]:>9,}  {finding.value}" for finding in Finding),
        *(f"round {number}: {fault}" for number, fault in machine.faults[:_FAULTS_SHOWN]),
    ]
    return "\n".join(lines)


def _show(machine: Machine) -> None:
    if machine.rounds % _SHOWN_EVERY == 0:
        print(
            f"  {machine.rounds} rounds, {machine.counts.acknowledged:,} acknowledged, {len(machine.faults)} wrong",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
