"""The command `verify`: a namespace after a migration against the data before."""

import argparse
from pathlib import Path

from queue_emulator.cli.data_time import time_of_data
from queue_emulator.cli.parsing import Commands, add_command
from queue_emulator.core.errors import SettingsError
from queue_emulator.transfer import endpoint_syntax


def add_verify(commands: Commands) -> None:
    """`verify`."""
    parser = add_command(
        commands,
        "verify",
        "compare a namespace after a migration with the data before it",
        epilog=endpoint_syntax.SOURCES_HELP,
    )
    add = parser.add_argument
    add(
        "--from", dest="source", default=endpoint_syntax.DEFAULT_URL, metavar="ENDPOINT",
        help="the data after the migration (default: %(default)s)",
    )  # fmt: skip
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--before", type=Path, metavar="FILE", help="the data before the migration, a bulk-put file")
    data.add_argument(
        "--predict", type=Path, metavar="FILE",
        help="only compute what a migration would do with this file; no --before, no --from",
    )  # fmt: skip
    add(
        "--as-of", type=time_of_data, metavar="TIME",
        help="with --predict: the time of the migration; `file`: the newest time in the file",
    )  # fmt: skip
    add("--json", action="store_true", help="print the report as JSON, with all names")
    parser.set_defaults(run=_verify)


def _verify(parsed: argparse.Namespace) -> int:
    from queue_emulator.transfer.verifying import predict_file, verify

    if parsed.predict is not None:
        return predict_file(parsed.predict, parsed.as_of, as_json=parsed.json)
    if parsed.as_of is not None:
        raise SettingsError("--as-of needs --predict FILE")
    return verify(parsed.source, parsed.before, as_json=parsed.json)
