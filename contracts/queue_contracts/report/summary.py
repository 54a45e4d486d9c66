"""What a run says at its end, so that a person can act on it."""

from collections.abc import Iterator, Sequence

from queue_contracts.report.causes import Cause, by_cause
from queue_contracts.report.outcomes import Outcome
from queue_contracts.report.verdict import Verdict


def summary(outcomes: Sequence[Outcome], verdict: Verdict, left_out: Sequence[str], exchanges: int) -> Iterator[str]:
    """The end of the output of a run."""
    for cause in by_cause([each for each in outcomes if each.result == "failed"]):
        yield from _failure(cause)
    for settled in sorted({line for each in outcomes for line in each.settled}):
        yield f"seen late: {settled}"
    for line in left_out:
        yield f"not checked: {line}"
    for label in verdict.unseen:
        yield f"not checked: {label}: no request to it succeeded, and this run does not require one"
    for line in verdict.missing:
        yield f"MISSING: {line}"
    for line in verdict.breaches:
        yield f"STOPPED BY THE GUARD: {line}"
    for line in verdict.untestable:
        yield f"CANNOT BE TESTED: {line}; nothing more was sent"
    for line in verdict.vacuous:
        yield f"PROVES NOTHING: {line}"
    failed = sum(each.result == "failed" for each in outcomes)
    held = sum(each.result == "passed" for each in outcomes)
    yield f"{held} checks passed, {failed} failed; {exchanges} requests were sent"


def _failure(cause: Cause) -> Iterator[str]:
    each = cause.first
    yield ""
    yield f"BROKEN: {each.name}"
    yield f"  expected: {each.promise}"
    for number, line in enumerate([*filter(None, (each.broken,)), *each.seen.splitlines()]):
        yield f"  {'seen:    ' if number == 0 else '         '} {line}"
    if each.curl:
        yield f"  repeat:   {each.curl}"
    if cause.others:
        yield f"  also:     {cause.also()}"
