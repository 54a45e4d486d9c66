"""`queue-contracts diff` and `queue-contracts fidelity`.

Exit codes: 0 no difference but known and allowed ones; 1 differences, a known one that is stale or expired, a score
below the recorded one, or an answer with a key in it; 2 wrong usage, or a target that cannot be started or reached;
3 nothing could be compared or measured, the target went on answering 429, or the profile forbids a request.
"""

import argparse
import os
import sys

from queue_contracts.compare import diff, fidelity
from queue_contracts.compare.calibration import CalibrationError
from queue_contracts.compare.executor import Unreachable
from queue_contracts.compare.known import KnownError
from queue_contracts.compare.running import DIFFERENT, NOTHING_COMPARED, USAGE
from queue_contracts.compare.seeds import SequenceError
from queue_contracts.sending.guard import Breach, KeyShown, LimitedOtherwise, Stopped, Untestable
from queue_contracts.targets.addresses import TargetError, check_keys
from queue_contracts.targets.serving import StartError
from queue_contracts.targets.storage import StorageError
from queue_contracts.targets.workerd import RuntimeMissing
from queue_contracts.untrusted.environment import printable

_COMMANDS = {"diff": diff, "fidelity": fidelity}
_WRONG = (
    *(TargetError, StartError, StorageError, Unreachable),
    *(SequenceError, KnownError, CalibrationError, RuntimeMissing),
)
_EXIT_CODES = "exit codes: 0 no differences except known and allowed ones; 1 differences; 2 wrong usage, or a target \
cannot be tested; 3 nothing could be compared, or the profile forbids a request"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command that the parser has as its default `command`."""
    _COMMANDS[parser.get_default("command")].add_arguments(parser)
    parser.epilog = _EXIT_CODES


def run(args: argparse.Namespace) -> int:
    """Run `args.command`; returns its exit code."""
    try:
        check_keys(os.environ)
        code: int = _COMMANDS[args.command].run(args)
    except (*_WRONG, Untestable) as error:
        return _end(args, f"{error}", USAGE)
    except Breach as breach:
        return _end(args, f"stopped before it was sent: {breach}", NOTHING_COMPARED)
    except (KeyShown, LimitedOtherwise) as shown:
        return _end(args, f"stopped, {shown}", DIFFERENT)
    except Stopped as stopped:
        return _end(args, f"{stopped}", NOTHING_COMPARED)
    return _end(args, "nothing was compared", code) if code == NOTHING_COMPARED else code


def _end(args: argparse.Namespace, why: str, code: int) -> int:
    print(printable(f"queue-contracts {args.command}: {why}"), file=sys.stderr)
    return code
