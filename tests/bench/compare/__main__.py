"""The emulator, the reference Worker over its KV, and miniflare side by side; writes a table and a picture.

Run: tox -e bench -- [--quick] [--out FOLDER]. It takes about twenty minutes, in which the machine
should have nothing else to do, and needs Linux: memory is read from /proc.
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tests.bench.compare.goals import reached
from tests.bench.compare.growth import take_growth
from tests.bench.compare.list_pages import take_pages
from tests.bench.compare.measures import QUICK, Sizes, measures
from tests.bench.compare.picture import picture
from tests.bench.compare.samples import Measured
from tests.bench.compare.table import report
from tests.bench.compare.taking import take_measures, take_starts
from tests.bench.compare.targets import EMULATOR, MINIFLARE, targets
from tests.differential.runtime import pinned_version


def main(arguments: Sequence[str]) -> None:
    parsed = _parser().parse_args(arguments)
    out = parsed.out or Path(tempfile.mkdtemp(prefix="queue-emulator-bench-"))
    out.mkdir(parents=True, exist_ok=True)
    compared, sizes = targets(), QUICK if parsed.quick else Sizes()
    measured: list[Measured] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each in take_starts(compared, sizes.slow_rounds):
            _say(measured, each)
        for each in take_measures(compared, measures(sizes), folder / "requests"):
            _say(measured, each)
        for each in take_pages(compared, sizes.listed, sizes.slow_rounds, folder / "pages"):
            _say(measured, each)
        growths = take_growth(sizes.grown, sizes.rounds, folder / "growth")
    text = report(compared, measured, reached(measured, sizes), growths, machine=_machine())
    (out / "compare.md").write_text(text, "utf-8")
    (out / "compare.svg").write_text(picture(measured), "utf-8")
    print(f"\n{text}\nwritten to {out}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tox -e bench --", description="How fast it is, beside miniflare.")
    parser.add_argument("--quick", action="store_true", help="few samples of little: whether it works, not how fast")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write (default: a new temporary folder)")
    return parser


def _say(measured: list[Measured], one: Measured) -> None:
    """What is known so far: all of it takes a while."""
    measured.append(one)
    figures = ", ".join(f"{name} {samples.median:.3g} {samples.unit}" for name, samples in one.by_target.items())
    times = one.times_better(EMULATOR, MINIFLARE)
    print(f"{one.name}: {figures}" + ("" if times is None else f"; {times:.2f} times better"), flush=True)


def _machine() -> str:
    return (
        f"{os.cpu_count()} processors, {platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"Hypercorn {version('hypercorn')}, miniflare {pinned_version()}; load at the end {os.getloadavg()[0]:.1f}."
    )


if __name__ == "__main__":
    main(sys.argv[1:])
