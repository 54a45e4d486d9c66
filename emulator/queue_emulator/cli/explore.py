"""The command `explore`: its options, and the one function that it calls."""

import argparse
from pathlib import Path

from queue_emulator.cli.parsing import Commands, machines, positive
from queue_emulator.worker.rollout import DEFAULT_VERSION
from queue_emulator.workerd.binary import WHERE

_SECONDS_MAX = 86_400
_SHARDS_MAX = 16  # lanes of the search


def add_explore(commands: Commands) -> None:
    """`explore`."""
    parser = commands.add_parser("explore", help="search for orders of requests and KV operations that break the queue")
    _add_search(parser)
    _add_findings(parser.add_argument_group("what becomes of findings"))
    _add_worker(parser.add_argument_group("explore a Worker in JavaScript, on the real runtime (workerd)"))
    parser.set_defaults(run=_explore)


def _add_search(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--scenario", metavar="NAME", action="append", default=[],
        help="search only this one: the name of a built-in scenario, for example two-ends, or your file, for example "
        "mine.toml; repeatable (default: all built-in ones, and random ones)",
    )  # fmt: skip
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=_seconds, metavar="S", help="search for this long (default: 10)")
    length.add_argument(
        "--schedules",
        type=positive,
        metavar="N",
        help="run this many schedules; the same seed then gives the same findings",
    )
    add(
        "--random-seed",
        type=int,
        default=0,
        metavar="N",
        help="the same number gives the same random choices (default: %(default)s)",
    )
    add(
        "--workers",
        type=positive,
        metavar="N",
        help="search in so many processes (default: one for each core, at most 4; 1 with --schedules, or with a "
        "scenario of your own); with --schedules the findings are the same",
    )
    add(
        "--machines", type=machines, default=1, metavar="N",
        help="machines at each location, with copies of their own (default: %(default)s)",
    )  # fmt: skip
    add("--shard", type=_shard, metavar="I/N", help="search only part I of N, for example 3/16; N is at most 16")
    add(
        "--merge", type=Path, metavar="DIR", nargs="+", default=[],
        help="instead of searching: put together what shards have written into these folders",
    )  # fmt: skip


def _add_findings(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--out", type=Path, metavar="DIR", help="write the schedule and the picture of each finding into this folder")
    add("--json", action="store_true", help="print the findings as JSON")
    add(
        "--replay",
        type=Path,
        metavar="FILE",
        help="run a schedule file again, and say whether it still breaks the queue",
    )
    add("--picture", type=Path, metavar="FILE", help="with --replay: draw the schedule, as SVG")


def _add_worker(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--worker", type=Path, metavar="PATH",
        help="its main module, its wrangler config, or the folder of the config; the built-in scenarios ask a queue",
    )  # fmt: skip
    add(
        "--workerd",
        type=Path,
        metavar="PATH",
        help=WHERE,
    )
    add(
        "--version", metavar="NAME=PATH", action="append", default=[],
        help="another version of it, which answers the actors that are on this version; repeatable. --worker itself is "
        f"the version {DEFAULT_VERSION}",
    )  # fmt: skip
    add("--binding", metavar="NAME", action="append", default=[], help="its KV namespace binding (default: CACHE)")
    add("--var", metavar="NAME=VALUE", action="append", default=[], help="a text variable; repeatable")


def _explore(parsed: argparse.Namespace) -> int:
    from queue_emulator.commands.explore import explore

    return explore(parsed)


def _shard(text: str) -> tuple[int, int]:
    part, slash, parts = text.partition("/")
    if not (slash and part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts) <= _SHARDS_MAX):
        raise argparse.ArgumentTypeError(f"must be as 3/{_SHARDS_MAX}, of at most {_SHARDS_MAX} parts, not {text!r}")
    return int(part), int(parts)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _SECONDS_MAX:
        raise argparse.ArgumentTypeError(f"must be more than 0 and at most {_SECONDS_MAX} seconds, not {text!r}")
    return seconds
