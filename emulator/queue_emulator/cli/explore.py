"""The command `explore`: its options, and the one function that it calls."""

import argparse
from pathlib import Path

from queue_emulator.cli.parsing import positive

_SECONDS_MAX = 86_400


def add_explore(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`explore`."""
    parser = commands.add_parser("explore", help="find which order of requests and operations breaks the queue")
    add = parser.add_argument
    add(
        "--scenario", metavar="NAME", action="append", default=[],
        help="which to search, as daemons; repeatable (default: all there are, and drawn ones)",
    )  # fmt: skip
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=_seconds, metavar="S", help="how long to search (default: 10)")
    length.add_argument("--schedules", type=positive, metavar="N", help="how many to run: the same each time")
    add("--random-seed", type=int, default=0, metavar="N", help="makes every draw repeatable (default: %(default)s)")
    add("--out", type=Path, metavar="DIR", help="write the schedule and the picture of each finding there")
    add("--json", action="store_true", help="say what was found as JSON")
    add("--replay", type=Path, metavar="FILE", help="replay a schedule, and say whether it still breaks anything")
    add("--picture", type=Path, metavar="FILE", help="with --replay: draw it, as SVG")
    parser.set_defaults(run=_explore)


def _explore(parsed: argparse.Namespace) -> int:
    from queue_emulator.exploring import explore

    return explore(parsed)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _SECONDS_MAX:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most {_SECONDS_MAX} seconds, not {text!r}")
    return seconds
