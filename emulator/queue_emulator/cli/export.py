"""The command `export`: a namespace as a bulk-put file."""

import argparse

from queue_emulator.transfer import forms


def add_export(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`export`."""
    parser = commands.add_parser(
        "export",
        help="write a namespace as a bulk-put file to standard output",
        epilog=f"places:\n{forms.SOURCES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", help="a place")
    parser.set_defaults(run=_export)


def _export(parsed: argparse.Namespace) -> int:
    from queue_emulator.transfer.exporting import export

    return export(parsed.source)
