"""What a comparison comes to: for each operation how many answers agreed, and what the run as a whole says."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from queue_contracts.compare.comparing import ComparedStep, Comparison
from queue_contracts.compare.known import Known, expired
from queue_contracts.compare.steps import NOT_DESCRIBED
from queue_contracts.compare.verdicts import Verdict
from queue_contracts.described.operations import Description

_WORST_FIRST = (Verdict.BREAK, Verdict.TEXT, Verdict.VARIANT, Verdict.NOISE)


@dataclass(frozen=True)
class Score:
    """Of one operation the answers that were compared, each counted once, under the worst that was found in it."""

    operation: str
    compared: int = 0
    equal: int = 0
    breaks: int = 0
    texts: int = 0
    variants: int = 0
    noise: int = 0
    known: int = 0
    not_compared: int = 0

    @property
    def share(self) -> float:
        """How many of the compared answers were equal, from 0 to 1."""
        return self.equal / self.compared if self.compared else 0.0


@dataclass(frozen=True)
class Outcome:
    """A comparison against the known differences: `stale` are those that no longer happen, `unseen` not looked for."""

    comparison: Comparison
    scores: tuple[Score, ...]
    expired: tuple[Known, ...]
    stale: tuple[Known, ...]
    unseen: tuple[Known, ...]

    def passes(self, *, ignore_texts: bool = False) -> bool:
        """Whether something was compared, no unknown difference was found, and every known one is in order."""
        failing = {Verdict.BREAK} if ignore_texts else {Verdict.BREAK, Verdict.TEXT}
        unknown = any(f.fails and f.parting.verdict in failing for f in self.comparison.findings)
        return bool(self.comparison.steps) and not (unknown or self.expired or self.stale or self.comparison.missing)


def conclude(comparison: Comparison, known: tuple[Known, ...], description: Description, today: date) -> Outcome:
    """`known` are the entries that apply to these two targets."""
    seen = {finding.known for finding in comparison.findings}
    unseen = tuple(entry for entry in known if entry not in seen)
    asked = [(step.operation, step.sequence.name) for step in comparison.steps]
    stale = tuple(entry for entry in unseen if any(entry.is_about(*each) for each in asked))
    return Outcome(
        comparison,
        _scores(comparison, description),
        tuple(expired(known, today)),
        stale,
        tuple(entry for entry in unseen if entry not in stale),
    )


def _scores(comparison: Comparison, description: Description) -> tuple[Score, ...]:
    counted: dict[str, Counter[str]] = {name: Counter() for name in (*description.operations, NOT_DESCRIBED)}
    for step in comparison.steps:
        counted[step.operation].update(("compared", _counts_as(step)))
    for skipped in comparison.skipped:
        for operation in skipped.operations:
            counted[operation]["not_compared"] += 1
    return tuple(Score(name, **counts) for name, counts in counted.items())


def _counts_as(step: ComparedStep) -> str:
    unknown = {finding.parting.verdict for finding in step.findings if finding.known is None}
    names = {Verdict.BREAK: "breaks", Verdict.TEXT: "texts", Verdict.VARIANT: "variants", Verdict.NOISE: "noise"}
    worst = next((verdict for verdict in _WORST_FIRST if verdict in unknown), None)
    if worst is not None:
        return names[worst]
    return "known" if step.findings else "equal"
