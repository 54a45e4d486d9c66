"""Says what a comparison found, for people: worst first, each with a line that asks the targets again."""

from collections import Counter
from collections.abc import Iterator

from queue_contracts.compare.allowed import differs_allowed
from queue_contracts.compare.comparing import ComparedStep, Finding
from queue_contracts.compare.formatting import answer_line, curl, from_where_they_differ, unkeyed, value_line
from queue_contracts.compare.scores import Outcome, Score
from queue_contracts.compare.sides import Side
from queue_contracts.compare.steps import Advance, Request, Seed
from queue_contracts.compare.verdicts import Verdict
from queue_contracts.untrusted.visible import one_line

_STEPS_SHOWN, _FINDINGS_SHOWN, _SETTLES_SHOWN = 4, 20, 10


def told(outcome: Outcome, sides: tuple[Side, Side]) -> Iterator[str]:
    """The report, a line each: differences, what settled late, what was left out, and the scores."""
    findings = sorted(
        (finding for finding in outcome.comparison.findings if finding.parting.verdict is not Verdict.VARIANT),
        key=lambda finding: (finding.known is not None, _ORDER[finding.parting.verdict]),
    )
    for finding in findings[:_FINDINGS_SHOWN]:
        yield from lines_of(finding, sides)
    if len(findings) > _FINDINGS_SHOWN:
        yield f"... and {len(findings) - _FINDINGS_SHOWN} more differences"
    for line in outcome.comparison.missing:
        yield f"MISSING: {line}; what needs it was not compared"
    yield from differs_allowed(outcome, sides)
    yield from _known(outcome)
    yield from _late(outcome.comparison.steps, sides)
    yield from _left_out(outcome)
    yield from table(outcome.scores)


def table(scores: tuple[Score, ...]) -> Iterator[str]:
    """Of each operation how many answers agreed, and what became of the rest."""
    names = ("equal", "breaks", "texts", "variants", "noise", "known", "not compared")
    yield f"{'operation':<20} {'equal of':>10} {'compared':<9} " + " ".join(f"{name:>8}" for name in names[1:])
    for score in (*scores, _total(scores)):
        row = (score.breaks, score.texts, score.variants, score.noise, score.known, score.not_compared)
        yield f"{one_line(score.operation):<20} {score.equal:>10} {score.compared:<9} " + " ".join(
            f"{number or '-':>{max(8, len(name))}}" for number, name in zip(row, names[1:], strict=True)
        )


def lines_of(finding: Finding, sides: tuple[Side, Side]) -> Iterator[str]:
    """One difference: what was asked after what, what either side answered, and how to ask it again."""
    parting, known = finding.parting, finding.known
    yield f"{parting.verdict.value}: {finding.step.label}, {parting.field}"
    yield f"  sequence  {finding.sequence.name}, step {finding.number + 1}"
    yield f"  after     {_before(finding)}"
    yield f"  reason    {unkeyed(parting.why, sides)}"
    if known is not None:
        yield f"  known     until {known.expires}: {known.reason}"
    values = from_where_they_differ(parting.a, parting.b, sides)
    for side, value, exchange in zip(sides, values, (finding.a, finding.b), strict=True):
        yield f"  {side.name}"
        yield f"    {parting.field} = {value_line(value, sides)}"
        yield f"    {answer_line(exchange.answer, finding.step, sides)}"
        yield f"    {unkeyed(curl(exchange.sent), sides)}"
    yield ""


def _before(finding: Finding) -> str:
    """What was done in the sequence before this step."""
    done: list[str] = []
    requests = 0
    for step in finding.sequence.steps:
        match step:
            case Seed(entries):
                done.append(f"seed {len(entries)} key{'s' if len(entries) > 1 else ''}")
            case Advance(seconds):
                done.append(f"{seconds} s")
            case Request():
                if requests == finding.number:
                    break
                requests += 1
                done.append(step.operation or f"{step.method} {step.path[:40]}")
    if len(done) > _STEPS_SHOWN:
        done = [f"{len(done) - _STEPS_SHOWN} steps", *done[-_STEPS_SHOWN:]]
    return ", then ".join(done) or "nothing"


def _known(outcome: Outcome) -> Iterator[str]:
    for entry in outcome.expired:
        yield f"known difference is out of date: {entry}"
    for entry in outcome.stale:
        yield f"known difference no longer happens, delete it: {entry}"
    for entry in outcome.unseen:
        yield f"known difference was not tested in this run: {entry}"


def _late(steps: list[ComparedStep], sides: tuple[Side, Side]) -> Iterator[str]:
    late = sorted(settled_late(steps), key=lambda step: -max(step.a.settled_s, step.b.settled_s))
    if late:
        yield f"seconds until a write was seen, at {sides[0].name} and at {sides[1].name}:"
    for step in late[:_SETTLES_SHOWN]:
        times = f"{step.a.settled_s:8.2f} {step.b.settled_s:8.2f}"
        yield f"{times}  {step.operation} in {step.sequence.name!r}, step {step.number + 1}"
    if len(late) > _SETTLES_SHOWN:
        yield f"... and {len(late) - _SETTLES_SHOWN} more"
    if late:
        yield ""


def settled_late(steps: list[ComparedStep]) -> list[ComparedStep]:
    """The steps that had to be asked more than once on either side."""
    return [step for step in steps if step.a.polls > 1 or step.b.polls > 1]


def _left_out(outcome: Outcome) -> Iterator[str]:
    reasons = Counter(skipped.why for skipped in outcome.comparison.skipped)
    if reasons:
        yield "not compared:"
    for reason, times in reasons.items():
        names = [skipped.sequence.name for skipped in outcome.comparison.skipped if skipped.why == reason]
        yield f"  {times} of the sequences: {reason}"
        yield from (f"    {name}" for name in names)
    if reasons:
        yield ""


def _total(scores: tuple[Score, ...]) -> Score:
    names = ("compared", "equal", "breaks", "texts", "variants", "noise", "known", "not_compared")
    return Score("all of them", **{name: sum(getattr(score, name) for score in scores) for name in names})


_ORDER = {verdict: number for number, verdict in enumerate(Verdict)}
