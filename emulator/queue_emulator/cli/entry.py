"""The command itself: which commands there are, and what an error ends it with.

Exit codes: 0 done, 1 workerd died, or not everything was written or is as it should be, 2 refused, 130 interrupted;
of `explore` 1 something is broken, 3 a schedule that cannot be replayed to its end.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from queue_emulator import __version__
from queue_emulator.cli.completion import add_completion
from queue_emulator.cli.controls import add_clock, add_cost, add_faults, add_journal, add_keys, add_reset
from queue_emulator.cli.explore import add_explore
from queue_emulator.cli.export import add_export
from queue_emulator.cli.generate import add_generate
from queue_emulator.cli.importing import add_import
from queue_emulator.cli.parsing import Parser
from queue_emulator.cli.run import add_run
from queue_emulator.cli.seed import add_seed
from queue_emulator.cli.serve import add_serve
from queue_emulator.cli.verify import add_verify
from queue_emulator.core.errors import EmulatorError
from queue_emulator.terminal import tell
from queue_emulator.transfer.output import PIPE_CLOSED, ClosedPipe
from queue_emulator.workerd.stopped import WorkerStopped

_COMMANDS = {
    "serve": add_serve,
    "run": add_run,
    "seed": add_seed,
    "generate": add_generate,
    "verify": add_verify,
    "import": add_import,
    "export": add_export,
    "explore": add_explore,
    "keys": add_keys,
    "journal": add_journal,
    "clock": add_clock,
    "faults": add_faults,
    "reset": add_reset,
    "cost": add_cost,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    if isinstance(sys.stdout, TextIOWrapper):  # a name of a file need not be text
        sys.stdout.reconfigure(errors="backslashreplace")
    _end_on_sigterm()
    arguments = sys.argv[1:] if arguments is None else arguments
    parsed = _parser(arguments[0] if arguments else "").parse_args(arguments)
    try:
        code: int = parsed.run(parsed)
    except EmulatorError as error:
        tell(f"queue-emulator: {error}")
        code = 1 if isinstance(error, WorkerStopped) else 2
    except OSError as error:  # a folder that may not be entered, a name that is too long, a disk without room
        where = f"{error.filename}: " if error.filename else ""
        tell(f"queue-emulator: {where}{error.strerror or error}")
        code = 2
    except ClosedPipe:
        code = PIPE_CLOSED
    except KeyboardInterrupt:
        code = 130
    return code


def _end_on_sigterm() -> None:
    """As Ctrl-C does: with what was begun undone or said. `serve` has a handler of its own."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))


def _parser(first: str) -> argparse.ArgumentParser:
    """Of one command alone if the first argument names it: the options of all would take as long as its work."""
    parser: argparse.ArgumentParser = Parser(
        prog="queue-emulator", description="Run a Worker's task queue on this machine, over an emulated Workers KV."
    )
    parser.add_argument("--version", action="version", version=f"queue-emulator {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    if first in _COMMANDS:
        _COMMANDS[first](commands)
        return parser
    for add in _COMMANDS.values():
        add(commands)
    add_completion(commands, parser)
    return parser
