"""The command `import`: a namespace of one place into another."""

import argparse

from queue_emulator.cli.writing import add_to, add_writing, options_of, place_of
from queue_emulator.transfer import forms


def add_import(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`import`."""
    parser = commands.add_parser(
        "import",
        help="load a namespace of wrangler's local state, or of another place",
        epilog=f"places:\n{forms.SOURCES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", help="a place, or a bulk-put file")
    add_to(parser)
    add_writing(parser)
    parser.set_defaults(run=_import)


def _import(parsed: argparse.Namespace) -> int:
    from queue_emulator.transfer.exporting import import_

    return import_(parsed.source, place_of(parsed), options_of(parsed, skip_expired=True))
