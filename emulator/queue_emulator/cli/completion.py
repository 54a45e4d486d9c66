"""The command `completion`: what a shell needs to complete this command and its options."""

import argparse
from functools import partial

from queue_emulator.cli.parsing import Commands, add_command
from queue_emulator.core.errors import SettingsError
from queue_emulator.transfer.output import say

SHELLS = ("bash", "zsh", "tcsh")
_FILES = ("FILE", "DIR", "PATH")

_HELP = """print completions for a shell; in bash: eval "$(queue-emulator completion bash)\""""


def add_completion(commands: Commands, whole: argparse.ArgumentParser) -> None:
    """`completion SHELL`, of the `whole` command."""
    parser = add_command(commands, "completion", _HELP)
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    parser.set_defaults(run=partial(_completion, whole))


def _completion(whole: argparse.ArgumentParser, parsed: argparse.Namespace) -> int:
    try:
        import shtab
    except ImportError:
        raise SettingsError("completion needs shtab: pip install 'queue-emulator[completion]'") from None
    _complete_files(whole, shtab.FILE)
    say(*shtab.complete(whole, shell=parsed.shell).splitlines())
    return 0


def _complete_files(parser: argparse.ArgumentParser, way: object) -> None:
    """Options that name a file complete files, in the commands too."""
    for action in parser._actions:
        if action.metavar in _FILES:
            action.complete = way  # type: ignore[attr-defined]  # how shtab is told
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                _complete_files(each, way)
