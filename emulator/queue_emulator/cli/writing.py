"""Options of the commands that write to an endpoint."""

import argparse
from typing import TYPE_CHECKING

from queue_emulator.cli.data_time import as_of
from queue_emulator.transfer import endpoint_syntax

if TYPE_CHECKING:
    from queue_emulator.transfer.seeding import SeedOptions


def add_to(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--to", metavar="ENDPOINT", help=f"where to write the data (default: {endpoint_syntax.DEFAULT_URL})"
    )


def add_writing(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--dry-run", action="store_true", help="check and show everything, but write nothing")
    add("--yes", action="store_true", help="write to another machine without asking")
    add("--from-start", action="store_true", help="start again; do not continue an unfinished run")


def endpoint_of(parsed: argparse.Namespace) -> str:
    """Where to write. An empty text, as from a shell variable that is not set, does not mean the default endpoint."""
    return endpoint_syntax.DEFAULT_URL if parsed.to is None else str(parsed.to)


def options_of(parsed: argparse.Namespace, *, skip_expired: bool) -> "SeedOptions":
    from queue_emulator.transfer.seeding import SeedOptions

    return SeedOptions(
        dry_run=parsed.dry_run,
        yes=parsed.yes,
        from_start=parsed.from_start,
        skip_ending=skip_expired,
        as_of=as_of(parsed),
    )
