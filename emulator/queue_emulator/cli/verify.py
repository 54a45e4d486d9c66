"""The command `verify`: a namespace after a migration against the data before."""

import argparse
from pathlib import Path

from queue_emulator.cli.data_time import time_of_data
from queue_emulator.core.errors import SettingsError
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
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--before", type=Path, metavar="FILE", help="a bulk-put file of what was there before")
    data.add_argument(
        "--predict", type=Path, metavar="FILE",
        help="instead: what a migration of this file would leave behind; nothing is run, and no place is read",
    )  # fmt: skip
    add(
        "--as-of", type=time_of_data, metavar="TIME",
        help="with --predict: when it runs; `file` is the newest time in it",
    )  # fmt: skip
    add("--json", action="store_true", help="the report as JSON, with all names")
    parser.set_defaults(run=_verify)


def _verify(parsed: argparse.Namespace) -> int:
    from queue_emulator.transfer.verifying import predict_file, verify

    if parsed.predict is not None:
        return predict_file(parsed.predict, parsed.as_of, as_json=parsed.json)
    if parsed.as_of is not None:
        raise SettingsError("--as-of is the time of a run that --predict foretells: add that")
    return verify(parsed.source, parsed.before, as_json=parsed.json)
