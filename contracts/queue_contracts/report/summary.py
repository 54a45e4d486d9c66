"""What a run says at its end, so that a person can act on it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from queue_contracts.report.verdict import Verdict

FAILURE = "contract-failure"
LINES_MAX = 12


@dataclass(frozen=True)
class Outcome:
    """What came of one check. `seen` and `curl` are of a failure; `settled` how long it waited to see a write."""

    name: str
    result: str
    took_s: float
    seen: str = ""
    curl: str = ""
    promise: str = ""
    settled: tuple[str, ...] = ()


def promise_of(name: str, docstring: str | None) -> str:
    """What a check holds, in words: its name is a sentence."""
    said = name.partition("[")[0].removeprefix("test_").replace("_", " ")
    case = name.partition("[")[2].rstrip("]")
    sentence = f"{said} [{case}]" if case else said
    return f"{sentence}. {docstring.strip().splitlines()[0]}" if docstring else sentence


def seen_of(error: BaseException) -> str:
    """What was seen instead, without the way through the code; of several failures each."""
    if isinstance(error, BaseExceptionGroup):
        return "\n".join(seen_of(each) for each in error.exceptions)
    said = str(error).strip() or type(error).__name__
    if not isinstance(error, AssertionError):
        said = f"{type(error).__name__}: {said}"
    lines = [line for line in said.splitlines() if line.strip()]
    return "\n".join(lines[:LINES_MAX])


def summary(outcomes: Sequence[Outcome], verdict: Verdict, left_out: Sequence[str], exchanges: int) -> Iterator[str]:
    """The end of the output of a run."""
    for each in outcomes:
        if each.result == "failed":
            yield from _failure(each)
    for settled in sorted({line for each in outcomes for line in each.settled}):
        yield f"seen late: {settled}"
    for line in left_out:
        yield f"not checked: {line}"
    for label in verdict.unseen:
        yield f"never succeeded: {label}"
    for line in verdict.breaches:
        yield f"FORBIDDEN BY THE PROFILE: {line}"
    for line in verdict.untestable:
        yield f"CANNOT BE TESTED: {line}; nothing more was sent"
    for line in verdict.vacuous:
        yield f"PROVES NOTHING: {line}"
    failed = sum(each.result == "failed" for each in outcomes)
    held = sum(each.result == "passed" for each in outcomes)
    yield f"{held} checks passed, {failed} failed; {exchanges} requests were sent"


def _failure(each: Outcome) -> Iterator[str]:
    yield ""
    yield f"BROKEN: {each.name}"
    yield f"  expected: {each.promise}"
    for number, line in enumerate(each.seen.splitlines()):
        yield f"  {'seen:    ' if number == 0 else '         '} {line}"
    if each.curl:
        yield f"  repeat:   {each.curl}"
