"""The command `verify`: a namespace after a migration against the data before."""

import argparse
from pathlib import Path

from queue_emulator.transfer import forms


def add_verify(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`verify`."""
    parser = commands.add_parser(
        "verify",
        help="what a migration left of the data that was there before",
        epilog=f"places:\n{forms.SOURCES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--from", dest="source", default=forms.DEFAULT_URL, metavar="PLACE",
        help="the namespace after the migration, or a bulk-put file of it (default: %(default)s)",
    )  # fmt: skip
    add("--before", type=Path, required=True, metavar="FILE", help="a bulk-put file of what was there before")
    add("--json", action="store_true", help="the report as JSON, with all names")
    parser.set_defaults(run=_verify)


def _verify(parsed: argparse.Namespace) -> int:
    from queue_emulator.transfer.verifying import verify

    return verify(parsed.source, parsed.before, as_json=parsed.json)
