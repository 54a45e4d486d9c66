"""`queue-contracts diff` and `queue-contracts fidelity`.

Exit codes: 0 no difference but known and allowed ones; 1 differences, a known one that is stale or expired, a score
below the recorded one, or an answer with a key in it; 2 wrong usage, or a target that cannot be started or reached;
3 nothing could be compared or measured, the target went on answering 429, or the profile forbids a request.
"""

import argparse
import sys

from queue_contracts.differences import diff, fidelity
from queue_contracts.differences.calibration import CalibrationError
from queue_contracts.differences.known import KnownError
from queue_contracts.differences.playing import Unreachable
from queue_contracts.differences.running import DIFFERENT, NOTHING_COMPARED, USAGE
from queue_contracts.differences.runtime import RuntimeMissing
from queue_contracts.differences.seeds import SequenceError
from queue_contracts.guard import Breach, KeyShown, LimitedOtherwise, Stopped
from queue_contracts.process import StartError
from queue_contracts.storage import StorageError
from queue_contracts.targets import TargetError

_COMMANDS = {"diff": diff, "fidelity": fidelity}
_WRONG = (
    *(TargetError, StartError, StorageError, Unreachable),
    *(SequenceError, KnownError, CalibrationError, RuntimeMissing),
)
_EXIT_CODES = "exit codes: 0 no difference but known and allowed ones, 1 differences, 2 wrong usage or a target that \
cannot be reached, 3 nothing could be compared or the profile stopped a request"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command that the parser has as its default `command`."""
    _COMMANDS[parser.get_default("command")].add_arguments(parser)
    parser.epilog = _EXIT_CODES


def run(args: argparse.Namespace) -> int:
    """Run `args.command`; returns its exit code."""
    said = f"queue-contracts {args.command}"
    try:
        code: int = _COMMANDS[args.command].run(args)
    except _WRONG as error:
        print(f"{said}: {error}", file=sys.stderr)
        return USAGE
    except Breach as breach:
        print(f"{said}: stopped before it was sent: {breach}", file=sys.stderr)
        return NOTHING_COMPARED
    except (KeyShown, LimitedOtherwise) as shown:
        print(f"{said}: stopped, {shown}", file=sys.stderr)
        return DIFFERENT
    except Stopped as stopped:
        print(f"{said}: {stopped}", file=sys.stderr)
        return NOTHING_COMPARED
    if code == NOTHING_COMPARED:
        print(f"{said}: nothing was compared", file=sys.stderr)
    return code
