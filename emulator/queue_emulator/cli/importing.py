"""The command `import`: a namespace of one endpoint into another."""

import argparse

from queue_emulator.cli.parsing import Commands, add_command
from queue_emulator.cli.writing import add_to, add_writing, endpoint_of, options_of
from queue_emulator.transfer import endpoint_syntax


def add_import(commands: Commands) -> None:
    """`import`."""
    parser = add_command(
        commands,
        "import",
        "copy a namespace, for example from wrangler's local state",
        epilog=endpoint_syntax.SOURCES_HELP,
    )
    parser.add_argument("source", metavar="ENDPOINT", help="the namespace to read, or a bulk-put file")
    add_to(parser)
    add_writing(parser)
    parser.set_defaults(run=_import)


def _import(parsed: argparse.Namespace) -> int:
    from queue_emulator.transfer.exporting import import_

    return import_(parsed.source, endpoint_of(parsed), options_of(parsed, skip_expired=True))
