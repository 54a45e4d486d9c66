"""The command `seed`: bulk-put files into a place."""

import argparse
from pathlib import Path

from queue_emulator.cli.data_time import add_as_of
from queue_emulator.cli.writing import add_to, add_writing, options_of, place_of
from queue_emulator.transfer import forms


def add_seed(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`seed`."""
    parser = commands.add_parser(
        "seed",
        help="load bulk-put files into an emulator, a file, or Cloudflare",
        epilog=f"places:\n{forms.TARGETS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="JSON as for `wrangler kv bulk put`; - is standard input"
    )
    target = parser.add_mutually_exclusive_group()
    add_to(target)
    target.add_argument("--state", metavar="FILE", help="as --to state:FILE")
    add_writing(parser)
    parser.add_argument(
        "--skip-expired", action="store_true", help="leave out what ends too soon to be written, or has ended"
    )
    add_as_of(parser)
    parser.set_defaults(run=_seed)


def _seed(parsed: argparse.Namespace) -> int:
    from queue_emulator.transfer.seeding import seed

    place = f"state:{parsed.state}" if parsed.state is not None else place_of(parsed)
    return seed(parsed.files, place, options_of(parsed, skip_expired=parsed.skip_expired))
