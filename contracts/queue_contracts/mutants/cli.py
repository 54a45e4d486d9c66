"""`queue-contracts mutants`: hunt broken Workers with the checks that are named for them, or with checks of your own.

Exit codes: 0 if every mutant was caught, or each of your checks caught one; 1 if not, or if a check fails on the Worker
as it is; 2 if it could not be found out.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from queue_contracts import options
from queue_contracts.arguments import count
from queue_contracts.mutants.catalogue import Mutant, MutantError, load_mutants, selected
from queue_contracts.mutants.hunt import Bench, Outcome, Run, Verdict, by_file, hunt, require_checks, run_checks
from queue_contracts.mutants.hunters import hunters, in_turn
from queue_contracts.packaged import reference_worker
from queue_contracts.targets.addresses import TargetError, check_keys
from queue_contracts.targets.workerd import RuntimeMissing, find_workerd
from queue_contracts.untrusted.environment import printable
from queue_contracts.untrusted.visible import visible

GOOD, BAD, UNKNOWN = 0, 1, 2
INDENT = " " * 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    add = parser.add_argument
    add("--only", metavar="WORDS", help="run only mutants with these words in their name or in the name of their check")
    add(
        "--check",
        action="append",
        default=[],
        dest="checks",
        metavar="FILE::TEST",
        help="run this check, from the suite or from your own file, against every mutant; repeatable",
    )
    options.add(
        add, options.WORKER, metavar="DIR", help="the folder of the Worker to break (default: the reference Worker)"
    )
    options.add(add, options.WORKERD)
    add(
        "--jobs",
        type=count,
        default=os.cpu_count() or 1,
        metavar="N",
        help="run N mutants at the same time (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Hunt, print what came of each mutant, and give the exit code."""
    try:
        check_keys(os.environ)
        mutants = selected(load_mutants(), arguments.only)
        bench = _bench(arguments)
        require_checks(arguments.checks)
        with hunters(arguments.jobs) as pool:
            return _hunt_all(pool, mutants, bench, tuple(arguments.checks))
    except (TargetError, MutantError, RuntimeMissing, FileNotFoundError) as error:
        print(printable(f"queue-contracts mutants: {error}"), file=sys.stderr)
        return UNKNOWN


def _bench(arguments: argparse.Namespace) -> Bench:
    worker = (arguments.worker or reference_worker()).absolute()
    if not worker.is_dir():
        raise MutantError(f"--worker must be the folder of a Worker; {worker} is not")
    return Bench(worker, find_workerd(arguments.workerd, os.environ))


def _hunt_all(pool: ProcessPoolExecutor, mutants: Sequence[Mutant], bench: Bench, checks: tuple[str, ...]) -> int:
    files = by_file(checks or [each.caught_by for each in mutants])
    controls = [pool.submit(in_turn, run_checks, each, bench) for each in files]
    verdicts = []
    hunted = pool.map(in_turn, [hunt] * len(mutants), mutants, [bench] * len(mutants), [checks] * len(mutants))
    for mutant, verdict in zip(mutants, hunted, strict=True):
        verdicts.append(verdict)
        print(*map(visible, lines_of(mutant, verdict)), sep="\n", flush=True)
    unbroken = [control.result() for control in controls]
    idle = _idle(verdicts, unbroken) if checks else []
    print(*map(visible, _account(verdicts, unbroken, idle)), sep="\n")
    return exit_code(verdicts, unbroken, idle, own_checks=bool(checks))


def lines_of(mutant: Mutant, verdict: Verdict) -> Iterator[str]:
    """What a person sees of one mutant: what is broken, and which checks noticed or why nobody could tell."""
    yield f"{verdict.outcome.value:<9} {mutant.name}"
    if verdict.outcome is Outcome.NOT_RUN:
        yield from (INDENT + line for line in verdict.why.splitlines())
    elif verdict.outcome is Outcome.CAUGHT:
        yield from (INDENT + check for check in verdict.caught_by)


def exit_code(verdicts: Sequence[Verdict], unbroken: Sequence[Run], idle: Sequence[str], *, own_checks: bool) -> int:
    """0, 1 or 2, as above. With checks of your own a mutant may survive; the suite has others for it."""
    if any(verdict.outcome is Outcome.NOT_RUN for verdict in verdicts) or any(control.errors for control in unbroken):
        return UNKNOWN
    survived = any(verdict.outcome is Outcome.SURVIVED for verdict in verdicts) and not own_checks
    return BAD if survived or idle or any(control.failed for control in unbroken) else GOOD


def _idle(verdicts: Sequence[Verdict], unbroken: Sequence[Run]) -> list[str]:
    busy = {check for verdict in verdicts for check in verdict.caught_by}
    return [check for control in unbroken for check in control.passed if check not in busy]


def _account(verdicts: Sequence[Verdict], unbroken: Sequence[Run], idle: Sequence[str]) -> Iterator[str]:
    for control in unbroken:
        yield from (f"fails on the unchanged Worker: {check}: {why}" for check, why in control.failed.items())
        yield from (f"cannot be run on the unchanged Worker: {error}" for error in control.errors)
    yield from (f"catches no mutant: {check}" for check in idle)
    counted = Counter(verdict.outcome.value for verdict in verdicts)
    yield f"{len(verdicts)} mutants: " + ", ".join(f"{count} {outcome}" for outcome, count in counted.items())
