"""The commands that move data: their options, and which function each of them calls."""

import argparse
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from queue_emulator.core.clock import iso_8601, parse_iso_8601
from queue_emulator.core.data_time import FROM_FILE, AsOf
from queue_emulator.core.errors import ClockError, SettingsError
from queue_emulator.transfer import forms

if TYPE_CHECKING:
    from queue_emulator.transfer.seeding import SeedOptions

_COUNT_MAX = 100_000_000
_PREFIX_CHARACTERS_MAX = 64
_AT_MS_MIN = 86_400_000  # the data is older than that time, and nothing was before 1970


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`seed`, `generate`, `verify`, `import` and `export`."""

    def add(name: str, words: str, places: str) -> argparse.ArgumentParser:
        shape = argparse.RawDescriptionHelpFormatter
        return commands.add_parser(name, help=words, epilog=f"places:\n{places}", formatter_class=shape)

    _add_seed(add("seed", "load bulk-put files into an emulator, a file, or Cloudflare", forms.TARGETS))
    _add_generate(commands.add_parser("generate", help="make data, as a bulk-put file on standard output"))
    _add_verify(add("verify", "what a migration left of the data that was there before", forms.SOURCES))
    _add_import(add("import", "load a namespace of wrangler's local state, or of another place", forms.SOURCES))
    _add_export(add("export", "write a namespace as a bulk-put file to standard output", forms.SOURCES))


def _add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="JSON as for `wrangler kv bulk put`; - is standard input"
    )
    target = parser.add_mutually_exclusive_group()
    _add_to(target)
    target.add_argument("--state", metavar="FILE", help="as --to state:FILE")
    _add_writing(parser)
    parser.add_argument(
        "--skip-expired", action="store_true", help="leave out what ends too soon to be written, or has ended"
    )
    add_as_of(parser)
    parser.set_defaults(run=_seed)


def add_as_of(parser: argparse.ArgumentParser) -> None:
    """`--as-of` and `--rebase`, of data that was exported some time ago."""
    parser.add_argument(
        "--as-of", type=_as_of, metavar="TIME",
        help="load what lived at that time, and set the clock to it; `file` is the newest time in the data",
    )  # fmt: skip
    parser.add_argument(
        "--rebase", action="store_true", help="load what lived then with the lifetime that it had left, beginning now"
    )


def _add_generate(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(metavar="KIND", required=True)
    old = kinds.add_parser("old-format", help="a queue as Workers kept it before the migration")
    add = old.add_argument
    add("--tasks", type=_count, default=100, metavar="N", help="how many tasks (default: %(default)s)")
    add(
        "--leased", type=_share, default=(10.0, True), metavar="N|P%",
        help="how many of them are leased, or which part (default: 10%%)",
    )  # fmt: skip
    add(
        "--orphans", type=_count, default=0, metavar="N",
        help="one half: tasks that the pending list does not name; the other: ids on it without a task",
    )  # fmt: skip
    add("--corrupt", type=_count, default=0, metavar="N", help="how many of the tasks hold what is no task")
    add(
        "--others",
        type=_count,
        default=0,
        metavar="N",
        help="keys beside the queue's, such as counters of a rate limit",
    )
    add("--prefix", type=_prefix, default="", metavar="TEXT", help="what every id begins with")
    add("--seed", type=int, default=0, metavar="N", help="another number makes other data (default: %(default)s)")
    add(
        "--at",
        type=_instant,
        default="2026-11-20T12:00:00Z",
        metavar="TIME",
        help="when the data is of (default: %(default)s)",
    )
    old.set_defaults(run=_generate)


def _add_verify(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--from", dest="source", default=forms.DEFAULT_URL, metavar="PLACE",
        help="the namespace after the migration, or a bulk-put file of it (default: %(default)s)",
    )  # fmt: skip
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--before", type=Path, metavar="FILE", help="a bulk-put file of what was there before")
    data.add_argument(
        "--predict", type=Path, metavar="FILE",
        help="instead: what a migration of this file would leave behind; nothing is run, and no place is read",
    )  # fmt: skip
    add("--as-of", type=_as_of, metavar="TIME", help="with --predict: when it runs; `file` is the newest time in it")
    add("--json", action="store_true", help="the report as JSON, with all names")
    parser.set_defaults(run=_verify)


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="a place, or a bulk-put file")
    _add_to(parser)
    _add_writing(parser)
    parser.set_defaults(run=_import)


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="a place")
    parser.set_defaults(run=_export)


def _add_to(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--to", metavar="PLACE", help=f"where to (default: {forms.DEFAULT_URL})")


def _add_writing(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--dry-run", action="store_true", help="check and show, and write nothing")
    add("--yes", action="store_true", help="do not ask before writing to what is not on this machine")
    add("--from-start", action="store_true", help="do not go on where an unfinished run ended")


def _seed(parsed: argparse.Namespace) -> int:
    from queue_emulator.transfer.seeding import seed

    place = f"state:{parsed.state}" if parsed.state is not None else _to(parsed)
    return seed(parsed.files, place, _options(parsed))


def _import(parsed: argparse.Namespace) -> int:
    from queue_emulator.transfer.exporting import import_

    return import_(parsed.source, _to(parsed), _options(parsed))


def _export(parsed: argparse.Namespace) -> int:
    from queue_emulator.transfer.exporting import export

    return export(parsed.source)


def _verify(parsed: argparse.Namespace) -> int:
    from queue_emulator.transfer.verifying import predict_file, verify

    if parsed.predict is not None:
        return predict_file(parsed.predict, parsed.as_of, as_json=parsed.json)
    if parsed.as_of is not None:
        raise SettingsError("--as-of is the time of a run that --predict foretells: add that")
    return verify(parsed.source, parsed.before, as_json=parsed.json)


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


def _options(parsed: argparse.Namespace) -> "SeedOptions":
    from queue_emulator.transfer.seeding import SeedOptions

    skip: bool = getattr(parsed, "skip_expired", True)  # `import` has no such option: it always does so
    return SeedOptions(
        dry_run=parsed.dry_run, yes=parsed.yes, from_start=parsed.from_start, skip_ending=skip, as_of=as_of(parsed)
    )


def as_of(parsed: argparse.Namespace) -> AsOf | None:
    """Of which time the data is; None if it is of now."""
    given: AsOf | None = getattr(parsed, "as_of", None)
    if getattr(parsed, "rebase", False):
        return replace(given or AsOf(), rebase=True)
    return given


def _as_of(text: str) -> AsOf:
    return AsOf() if text == FROM_FILE else AsOf(_instant(text))


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _COUNT_MAX):
        raise argparse.ArgumentTypeError(f"must be a whole number of 0 to {_COUNT_MAX:,}, not {text!r}")
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


def _instant(text: str) -> int:
    try:
        at_ms = parse_iso_8601(text)
    except ClockError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if at_ms < _AT_MS_MIN:
        raise argparse.ArgumentTypeError(f"must be {iso_8601(_AT_MS_MIN)} or later, not {text!r}")
    return at_ms


def _to(parsed: argparse.Namespace) -> str:
    """Where to; an empty text, as of a variable that is not set, is no place, and not the default one."""
    return forms.DEFAULT_URL if parsed.to is None else str(parsed.to)
