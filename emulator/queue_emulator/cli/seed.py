"""The command `seed`: bulk-put files into an endpoint."""

import argparse
from pathlib import Path

from queue_emulator.cli.data_time import add_as_of
from queue_emulator.cli.parsing import Commands, add_command
from queue_emulator.cli.writing import add_to, add_writing, endpoint_of, options_of
from queue_emulator.transfer import endpoint_syntax


def add_seed(commands: Commands) -> None:
    """`seed`."""
    parser = add_command(
        commands,
        "seed",
        "load `wrangler kv bulk put` files into an emulator, a file, or Cloudflare",
        epilog=endpoint_syntax.TARGETS_HELP,
    )
    parser.add_argument(
        "files",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="JSON in the format of `wrangler kv bulk put`; - is standard input",
    )
    target = parser.add_mutually_exclusive_group()
    add_to(target)
    target.add_argument("--state", metavar="FILE", help="the same as --to state:FILE")
    add_writing(parser)
    parser.add_argument(
        "--skip-expired", action="store_true", help="leave out keys that have expired, or will within 90 seconds"
    )
    add_as_of(parser)
    parser.set_defaults(run=_seed)


def _seed(parsed: argparse.Namespace) -> int:
    from queue_emulator.transfer.seeding import seed

    endpoint = f"state:{parsed.state}" if parsed.state is not None else endpoint_of(parsed)
    return seed(parsed.files, endpoint, options_of(parsed, skip_expired=parsed.skip_expired))
