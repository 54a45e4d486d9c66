"""The command `completion`: what a shell needs to complete queue-contracts and its options."""

import argparse
import sys
from importlib import import_module

from queue_contracts.codes import Code
from queue_contracts.names import KINDS

SHELLS = ("bash", "zsh", "tcsh")
_FILES = ("FILE", "DIR", "PATH")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which shell."""
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def run(parsed: argparse.Namespace) -> int:
    """Print its completions."""
    try:
        import shtab
    except ImportError:
        print(
            "queue-contracts: completion needs shtab: pip install 'queue-emulator[contracts,completion]'",
            file=sys.stderr,
        )
        return Code.USAGE
    print(shtab.complete(_whole(shtab.FILE), shell=parsed.shell))
    return 0


def _whole(files: object) -> argparse.ArgumentParser:
    """A parser that has all targets and commands, for each its options."""
    from queue_contracts.cli import DELEGATED, add_options

    parser = argparse.ArgumentParser(prog="queue-contracts", allow_abbrev=False)
    add_options(parser)
    commands = parser.add_subparsers(metavar="COMMAND")
    parsers = [parser]
    for kind in KINDS:
        parsers.append(commands.add_parser(kind, help="start this server for the run"))
        add_options(parsers[-1])
    for name, (module, description) in DELEGATED.items():
        parsers.append(commands.add_parser(name, help=description))
        parsers[-1].set_defaults(command=name)
        import_module(module).add_arguments(parsers[-1])
    for action in (action for each in parsers for action in each._actions if action.metavar in _FILES):
        action.complete = files  # type: ignore[attr-defined]  # how shtab is told
    return parser
