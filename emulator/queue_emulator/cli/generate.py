"""The command `generate`: data of the old format."""

import argparse
import re

from queue_emulator.cli.parsing import Commands, add_command, instant

_COUNT_MAX = 100_000_000
_PREFIX_CHARACTERS_MAX = 64


def add_generate(commands: Commands) -> None:
    """`generate`."""
    parser = add_command(
        commands,
        "generate",
        "print test data as a `wrangler kv bulk put` file",
        epilog="queue-emulator generate KIND --help shows the options of a kind.",
    )
    kinds = parser.add_subparsers(metavar="KIND", required=True)
    old = kinds.add_parser("old-format", help="a queue in the key format before the migration")
    add = old.add_argument
    add("--tasks", type=_count, default=100, metavar="N", help="number of tasks (default: %(default)s)")
    add(
        "--leased", type=_share, default=(10.0, True), metavar="N|P%",
        help="number or percentage of tasks that are leased (default: 10%%)",
    )  # fmt: skip
    add(
        "--orphans", type=_count, default=0, metavar="N",
        help="half of N: tasks that the pending list does not name; half: ids on the list that have no task",
    )  # fmt: skip
    add(
        "--corrupt",
        type=_count,
        default=0,
        metavar="N",
        help="number of tasks whose value is not a task, for example broken JSON",
    )
    add(
        "--others", type=_count, default=0, metavar="N",
        help="number of keys that do not belong to the queue, for example rate limit counters",
    )  # fmt: skip
    add("--prefix", type=_prefix, default="", metavar="TEXT", help="start every id with this text")
    add("--seed", type=int, default=0, metavar="N", help="the same number gives the same data (default: %(default)s)")
    add(
        "--at",
        type=instant,
        default="2026-11-20T12:00:00Z",
        metavar="TIME",
        help="the time at which the data was written (default: %(default)s)",
    )
    old.set_defaults(run=_generate)


def _generate(parsed: argparse.Namespace) -> int:
    from queue_emulator.transfer.generate.old_format import OldFormatOptions, old_format
    from queue_emulator.transfer.output import write_out

    leased, is_percent = parsed.leased
    options = OldFormatOptions(
        tasks=parsed.tasks,
        leased=round(parsed.tasks * leased / 100) if is_percent else int(leased),
        orphans=parsed.orphans,
        corrupt=parsed.corrupt,
        others=parsed.others,
        prefix=parsed.prefix,
        seed=parsed.seed,
        at_ms=parsed.at,
    )
    write_out(old_format(options))
    return 0


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _COUNT_MAX):
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {_COUNT_MAX:,}, not {text!r}")
    return int(text)


def _share(text: str) -> tuple[float, bool]:
    """A number of tasks, or a percentage of them."""
    if not text.endswith("%"):
        return _count(text), False
    try:
        percent = float(text[:-1])
    except ValueError:
        percent = -1
    if not 0 <= percent <= 100:
        raise argparse.ArgumentTypeError(f"must be a number of tasks or 0% to 100%, not {text!r}")
    return percent, True


def _prefix(text: str) -> str:
    if not re.fullmatch(f"[A-Za-z0-9_-]{{0,{_PREFIX_CHARACTERS_MAX}}}", text):
        raise argparse.ArgumentTypeError(
            f"must be up to {_PREFIX_CHARACTERS_MAX} letters, digits, - and _, not {text[:80]!r}"
        )
    return text
