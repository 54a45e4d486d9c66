"""The command `export`: a namespace as a bulk-put file."""

import argparse

from queue_emulator.cli.parsing import Commands, add_command
from queue_emulator.transfer import endpoint_syntax


def add_export(commands: Commands) -> None:
    """`export`."""
    parser = add_command(
        commands,
        "export",
        "print a namespace as a `wrangler kv bulk put` file",
        epilog=endpoint_syntax.SOURCES_HELP,
    )
    parser.add_argument("source", metavar="ENDPOINT", help="the namespace to read")
    parser.set_defaults(run=_export)


def _export(parsed: argparse.Namespace) -> int:
    from queue_emulator.transfer.exporting import export

    return export(parsed.source)
