"""python -m tests.agreement --requests N: the Python Worker and the reference Worker on workerd must answer alike.

Profile cloudflare, three locations, replication lag, faults and a clock that moves; the old, the dual and the new
Worker. After each script the entries of both KVs and all of their operations must be the same as well. Ends with 1 if
anything differed. The seed of a script makes it again: --random-seed S --requests 1.
"""

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

from tests.agreement.comparing import Comparison, Tally
from tests.agreement.generated import script

_LENGTH = 200
_FINDINGS_MAX = 10
_SHOWN_EVERY = 50


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.agreement", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, metavar="N", help="at least (default: %(default)s)")
    parser.add_argument(
        "--random-seed", type=int, default=None, metavar="S", help="of the first script; the next is S+1"
    )
    parser.add_argument("--workerd", type=Path, metavar="FOLDER", help="a node_modules (default: what WORKERD names)")
    given = parser.parse_args(arguments)
    modules = given.workerd or Path(os.environ["WORKERD"])
    seed = random.randrange(2**31) if given.random_seed is None else given.random_seed
    tally, findings = Tally(), 0
    with tempfile.TemporaryDirectory() as folder:
        comparison = Comparison(Path(folder), modules.absolute())
        try:
            for number in range(seed, seed + max(-(-given.requests // _LENGTH), 1)):
                found = comparison.differences(script(number, _LENGTH), tally)
                if found is not None:
                    findings += 1
                    print(*found.lines(), sep="\n")
                if findings >= _FINDINGS_MAX:
                    break
                if (number - seed) % _SHOWN_EVERY == _SHOWN_EVERY - 1:
                    print(f"{tally.requests} requests, {findings} differences", flush=True)
        finally:
            comparison.end()
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(tally.statuses.items()))
    print(f"{tally.requests} requests from seed {seed}, {tally.stale} stale reads, {findings} differences; {statuses}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
