"""`queue-contracts diff A B`: two targets, the same sequences, and where their answers part."""

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from queue_contracts import options
from queue_contracts.arguments import whole
from queue_contracts.compare.comparing import NOISE_RUNS
from queue_contracts.compare.executor import Patience
from queue_contracts.compare.known import packaged_known, read_known
from queue_contracts.compare.opening import Wanted, open_side, side_names
from queue_contracts.compare.parser import packaged_sequences, read_sequences
from queue_contracts.compare.records import record
from queue_contracts.compare.report import told
from queue_contracts.compare.running import Plan, code_of, run_comparison
from queue_contracts.compare.seeds import SequenceError
from queue_contracts.compare.sides import Side
from queue_contracts.compare.steps import Sequence
from queue_contracts.names import ADMIN_KEY, KINDS, OF_B, QUEUE_KEY
from queue_contracts.options import RATE_OF_A_URL
from queue_contracts.targets.addresses import TargetError, check_address
from queue_contracts.targets.workerd import find_workerd
from queue_contracts.untrusted.visible import visible


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("a", metavar="A", help="the first target: emulator, workerd, or the URL of a deployment")
    add(
        "b",
        metavar="B",
        help=f"the second target; {QUEUE_KEY}{OF_B} and {ADMIN_KEY}{OF_B} are its keys, if they differ",
    )
    options.add(add, options.PROFILE)
    options.add(add, options.DISPOSABLE, action="append", default=[])
    options.add(add, options.RATE, default=RATE_OF_A_URL)
    options.add(add, options.WORKER)
    options.add(add, options.WORKERD)
    add("--sequences", type=Path, action="append", metavar="FILE", help="play your own sequences instead; repeatable")
    add("--only", metavar="WORDS", help="play only sequences with these words in their name or file name")
    add("--known", type=Path, metavar="FILE", help="use your own file of known differences instead")
    add("--ignore-texts", action="store_true", help="ignore differences in texts for people, such as messages")
    add(
        "--wait-s",
        type=whole,
        default=0,
        metavar="S",
        help="wait up to S seconds where the clock cannot be moved (default: 0)",
    )
    add(
        "--settle-s",
        type=whole,
        default=90,
        metavar="S",
        help="repeat a step with `until` for up to S seconds (default: 90)",
    )
    add(
        "--noise-runs",
        type=whole,
        default=NOISE_RUNS,
        metavar="N",
        help="repeat a sequence with differences N times (default: 2)",
    )
    add("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Compare, print, and return the exit code."""
    known = packaged_known() if args.known is None else read_known(args.known)
    plan = Plan(_sequences(args), known, Patience(args.settle_s), args.wait_s, args.noise_runs)
    with _sides(args) as (a, b):
        outcome = run_comparison(plan, a, b)
        sides = a[0], b[0]
        if args.json:
            print(json.dumps(record(outcome, sides), indent=2))
        else:
            print(visible("\n".join(told(outcome, sides))))
    return code_of(outcome, ignore_texts=args.ignore_texts)


def _sequences(args: argparse.Namespace) -> tuple[Sequence, ...]:
    given = read_sequences(args.sequences) if args.sequences else packaged_sequences()
    chosen = tuple(each for each in given if args.only is None or args.only in f"{each.source} {each.name}")
    if not chosen:
        raise SequenceError(f"no sequence has {args.only!r} in its name or file name")
    return chosen


@contextmanager
def _sides(args: argparse.Namespace) -> Iterator[tuple[tuple[Side, str], tuple[Side, str]]]:
    for each in (args.a, args.b):
        if each not in KINDS:
            check_address(each)
    hosts = [urlsplit(each).netloc for each in (args.a, args.b)]
    for host in args.disposable:
        if host not in hosts:
            raise TargetError(f"--disposable is {host!r}, which is not one of the two targets")
    if "workerd" not in (args.a, args.b) and (args.worker or args.workerd):
        raise TargetError("--worker and --workerd work only with the target workerd")
    names = side_names(args.a, args.b)
    with open_side(_wanted(args, args.a), names[0]) as a, open_side(_wanted(args, args.b, second=True), names[1]) as b:
        yield a, b


def _wanted(args: argparse.Namespace, target: str, *, second: bool = False) -> Wanted:
    host = urlsplit(target).netloc
    on_workerd = target == "workerd"
    return Wanted(
        target,
        profile=args.profile,
        disposable=host if host in args.disposable else None,
        rate=args.rate,
        worker=args.worker if on_workerd else None,
        workerd=find_workerd(args.workerd, os.environ) if on_workerd else None,
        second=second,
        # The environment names one namespace: of two URLs it is the first one's.
        with_kv=not (second and "://" in args.a),
    )
