"""`--as-of` and `--rebase`: of which time the data is that a command loads."""

import argparse
from dataclasses import replace

from queue_emulator.cli.parsing import instant
from queue_emulator.core.data_time import FROM_FILE, AsOf


def add_as_of(parser: argparse.ArgumentParser) -> None:
    """Both options, of data that was exported some time ago."""
    parser.add_argument(
        "--as-of", type=time_of_data, metavar="TIME",
        help="load the data as it was at this time, and set the clock to it; `file`: the newest time in the data",
    )  # fmt: skip
    parser.add_argument(
        "--rebase", action="store_true",
        help="each key keeps the time to live that it had left at the time of the data, counted from now; that time is "
        "--as-of, or else the newest time in the data",
    )  # fmt: skip


def as_of(parsed: argparse.Namespace) -> AsOf | None:
    """Of which time the data is; None if it is of now."""
    given: AsOf | None = getattr(parsed, "as_of", None)
    if getattr(parsed, "rebase", False):
        return replace(given or AsOf(), rebase=True)
    return given


def time_of_data(text: str) -> AsOf:
    """What `--as-of` takes."""
    return AsOf() if text == FROM_FILE else AsOf(instant(text))
