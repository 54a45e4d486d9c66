"""`queue-contracts fidelity`: the emulator's score against workerd, measured now or as it was recorded."""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from queue_contracts import options
from queue_contracts.compare.calibration import (
    Calibration,
    CalibrationError,
    packaged_calibration,
    read_calibration,
    worse,
    write_calibration,
)
from queue_contracts.compare.known import packaged_known
from queue_contracts.compare.opening import Wanted, open_side, side_names
from queue_contracts.compare.parser import packaged_sequences
from queue_contracts.compare.records import record, scored
from queue_contracts.compare.report import table, told
from queue_contracts.compare.running import DIFFERENT, EQUAL, NOTHING_COMPARED, Plan, code_of, run_comparison
from queue_contracts.compare.scores import Outcome
from queue_contracts.compare.sides import Side
from queue_contracts.targets.workerd import RuntimeMissing, find_workerd, versions
from queue_contracts.untrusted.visible import one_line, visible

_SIDES = "A is the Python Worker over the emulator's KV, B the reference Worker on workerd over the same KV."
_KV = "This compares the Worker, its runtime and HTTP, not KV itself."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    options.add(add, options.WORKERD)
    add("--record", action="store_true", help="save the scores; later runs must not fall below them")
    add("--calibration", type=Path, metavar="FILE", help="the file of saved scores (default: the one in the package)")
    add("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Measure where there is a workerd, else say what was recorded and when; returns the exit code."""
    workerd = find_workerd(args.workerd, os.environ)
    return _print_recorded(args) if workerd is None else _measure(args, workerd)


def _measure(args: argparse.Namespace, workerd: Path) -> int:
    recorded = None if args.record else read_calibration(args.calibration or packaged_calibration())
    with_versions = versions(workerd)
    names = side_names("emulator", "workerd")
    with open_side(Wanted("emulator"), names[0]) as a, open_side(Wanted("workerd", workerd=workerd), names[1]) as b:
        outcome = run_comparison(Plan(packaged_sequences(), packaged_known()), a, b)
        now = Calibration(datetime.now(UTC).date(), with_versions, outcome.scores)
        fallen = [] if recorded is None else [*worse(recorded, outcome.scores)]
        _print_measured(args, now, outcome, fallen, (a[0], b[0]))
    code = code_of(outcome) or (DIFFERENT if fallen else EQUAL)
    if args.record:
        _keep(args, now, code)
    return code


def _print_measured(
    args: argparse.Namespace, now: Calibration, outcome: Outcome, fallen: list[str], sides: tuple[Side, Side]
) -> None:
    if args.json:
        found = {**_origin(now), "measured": True, "worseThanRecorded": fallen, **record(outcome, sides)}
        print(json.dumps(found, indent=2))
    else:
        _print_lines(f"measured now, {now}", told(outcome, sides))
        print(*(one_line(f"worse than the saved score: {line}") for line in fallen), sep="\n")


def _keep(args: argparse.Namespace, now: Calibration, code: int) -> None:
    if code != EQUAL:
        print("queue-contracts fidelity: not saved, because there are differences", file=sys.stderr)
        return
    packaged = packaged_calibration()
    if args.calibration is None and not isinstance(packaged, Path):
        raise CalibrationError("the folder of the package cannot be written to: name a file with --calibration")
    write_calibration(args.calibration or Path(str(packaged)), now)


def _print_recorded(args: argparse.Namespace) -> int:
    """What was measured once: nothing is measured now, and nothing is said to be."""
    if args.record:
        raise RuntimeMissing("--record needs workerd: npm install workerd, or name it with --workerd")
    recorded = read_calibration(args.calibration or packaged_calibration())
    if args.json:
        scores = [scored(score) for score in recorded.scores]
        print(json.dumps({**_origin(recorded), "measured": False, "scores": scores}, indent=2))
    else:
        print("NOT MEASURED NOW: there is no workerd here (npm install workerd, or name it with --workerd)")
        _print_lines(f"saved on {recorded}", table(recorded.scores))
    return NOTHING_COMPARED


def _print_lines(first: str, lines: Iterable[str]) -> None:
    print(one_line(first), _SIDES, _KV, "", *map(visible, lines), sep="\n")


def _origin(calibration: Calibration) -> dict[str, object]:
    return {"date": str(calibration.date), "versions": calibration.versions, "sides": _SIDES, "kv": _KV}
