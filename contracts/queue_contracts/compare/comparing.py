"""Plays sequences on two targets and compares what they answered, step by step.

A sequence with a difference is played again on both, and what differs between two runs on one target is noise.
"""

from collections.abc import Callable, Iterator
from collections.abc import Sequence as List
from dataclasses import dataclass, field, replace

from queue_contracts.compare.executor import Exchange, Player, Transcript
from queue_contracts.compare.known import Known
from queue_contracts.compare.normalising import Normaliser, Seen, brought
from queue_contracts.compare.sides import Side
from queue_contracts.compare.skip_reasons import obstacle, without
from queue_contracts.compare.steps import Request, Sequence
from queue_contracts.compare.verdicts import Half, Parting, Verdict, judge, parts
from queue_contracts.described.operations import Description, packaged_description
from queue_contracts.json_values import Json

NOISE_RUNS = 2


@dataclass(frozen=True)
class Finding:
    """One difference: in which step of which sequence, what was asked and answered, and whether it is a known one."""

    parting: Parting
    sequence: Sequence
    number: int
    a: Exchange
    b: Exchange
    known: Known | None = None

    @property
    def step(self) -> Request:
        return self.sequence.requests[self.number]

    @property
    def fails(self) -> bool:
        return self.parting.verdict in (Verdict.BREAK, Verdict.TEXT) and self.known is None


@dataclass(frozen=True)
class ComparedStep:
    """A step that both sides answered, what is compared of the answers, and all that was found in it."""

    sequence: Sequence
    number: int
    a: Exchange
    b: Exchange
    seen: tuple[Seen, Seen]
    findings: tuple[Finding, ...]

    @property
    def operation(self) -> str:
        return self.sequence.requests[self.number].label


@dataclass(frozen=True)
class Skipped:
    """Steps of a sequence that were not compared, and why: all of them, or those from `number` on."""

    sequence: Sequence
    number: int
    why: str

    @property
    def operations(self) -> tuple[str, ...]:
        return tuple(step.label for step in self.sequence.requests[self.number :])


@dataclass
class Comparison:
    """All that came of comparing two targets. `missing` says what one of them lacks, a line for each group."""

    sides: tuple[str, str]
    missing: list[str] = field(default_factory=list)
    steps: list[ComparedStep] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def findings(self) -> list[Finding]:
        return [finding for step in self.steps for finding in step.findings]


def compare(
    sequences: List[Sequence],
    a: Player,
    b: Player,
    description: Description,
    known: List[Known] = (),
    *,
    noise_runs: int = NOISE_RUNS,
    compared: Callable[[], object] = lambda: None,
) -> Comparison:
    """Play all of them on `a` and `b`.

    `known` are the entries that count for these two, `noise_runs` is how often a sequence with a difference is played
    again, `compared` hears of each sequence that is done.
    """
    comparison = Comparison((a.side.name, b.side.name), missing=[*_missing(a.side, b.side), *_missing(b.side, a.side)])
    for given in sequences:
        sequence = without(given, a.side.missing | b.side.missing)
        reason = obstacle(sequence, a) or obstacle(sequence, b)
        if reason is not None:
            comparison.skipped.append(Skipped(sequence, 0, reason))
            compared()
            continue
        steps, skipped = compare_played(sequence, _play(a, sequence), _play(b, sequence), description)
        if any(finding.fails for step in steps for finding in step.findings):
            noise = _noise(a, [step.seen[0] for step in steps], sequence, noise_runs)
            noise += _noise(b, [step.seen[1] for step in steps], sequence, noise_runs)
            steps = [_without_noise(step, noise) for step in steps]
        comparison.steps += [_with_known(step, known) for step in steps]
        comparison.skipped += skipped
        compared()
    return comparison


def _missing(side: Side, other: Side) -> Iterator[str]:
    """What this side lacks and the other has, a line for each group of operations."""
    lacks = side.missing - other.missing
    operations = [each for each in packaged_description().operations.values() if each.id in lacks]
    for tag in dict.fromkeys(each.tag for each in operations):
        yield f"{side.name} has no {', '.join(each.label for each in operations if each.tag == tag)}"


@dataclass(frozen=True)
class Played:
    """What one side answered to a sequence."""

    side: str
    transcript: Transcript


def compare_played(
    sequence: Sequence, a: Played, b: Played, description: Description
) -> tuple[list[ComparedStep], list[Skipped]]:
    """Step by step, until one was not answered, or the two have gone apart."""
    ours, theirs = a.transcript, b.transcript
    steps: list[ComparedStep] = []
    own = brought(sequence)
    pairs = zip(_halves(sequence, a, own), _halves(sequence, b, own), strict=False)
    for number, (half_a, half_b) in enumerate(pairs):
        request = sequence.requests[number]
        exchanges = ours.exchanges[number], theirs.exchanges[number]
        partings = judge(request, half_a, half_b, description)
        findings = tuple(Finding(parting, sequence, number, *exchanges) for parting in partings)
        steps.append(ComparedStep(sequence, number, *exchanges, (half_a.seen, half_b.seen), findings))
        # Where either may do as it does, each step stands by itself.
        apart = not sequence.allowed and _went_apart(request, half_a.seen, half_b.seen)
        if apart and number + 1 < len(sequence.requests):
            why = f"the targets had already differed in step {number + 1}, {request.label}"
            return steps, [Skipped(sequence, number + 1, why)]
    return steps, _stopped(sequence, len(steps), a, b)


def _stopped(sequence: Sequence, played: int, *sides: Played) -> list[Skipped]:
    """The rest of a sequence that one side could not play to its end."""
    for side, transcript in ((each.side, each.transcript) for each in sides):
        if len(transcript.exchanges) == played and transcript.stopped and played < len(sequence.requests):
            return [Skipped(sequence, played, f"{side}: {transcript.stopped}")]
    return []


def _play(player: Player, sequence: Sequence) -> Played:
    return Played(player.side.name, player.play(sequence))


def _halves(sequence: Sequence, played: Played, own: frozenset[str]) -> list[Half]:
    normaliser = Normaliser(played.transcript.names, own)
    return [
        Half(played.side, exchange.answer, normaliser.seen(request, exchange.answer), exchange.settled)
        for request, exchange in zip(sequence.requests, played.transcript.exchanges, strict=False)
    ]


def _went_apart(request: Request, a: Seen, b: Seen) -> bool:
    """Whether the targets may hold different data from here on: they answered a write with different statuses."""
    return request.method != "GET" and a.status != b.status


def _noise(player: Player, first: list[Seen], sequence: Sequence, runs: int) -> list[tuple[int, str]]:
    """The fields in which the answers of one target differ from run to run, with the number of the step."""
    own = brought(sequence)
    again = [_halves(sequence, _play(player, sequence), own) for _ in range(runs)]
    return [
        (number, name)
        for halves in again
        for number, (seen, half) in enumerate(zip(first, halves, strict=False))
        for name, _, _ in parts(seen, half.seen)
    ]


def _without_noise(step: ComparedStep, noise: list[tuple[int, str]]) -> ComparedStep:
    fields = [name for number, name in noise if number == step.number]
    return replace(step, findings=tuple(_subtracted(finding, fields) for finding in step.findings))


def _subtracted(finding: Finding, fields: list[str]) -> Finding:
    """The finding as noise, if its field is; what is breached, or of another type, is none."""
    parting = finding.parting
    same_kind = _kind(parting.a) == _kind(parting.b)
    if parting.breach or not same_kind or not any(_overlap(name, parting.field) for name in fields):
        return finding
    why = "also differs between two runs on one target"
    return replace(finding, parting=replace(parting, verdict=Verdict.NOISE, why=why))


def _overlap(one: str, other: str) -> bool:
    """Whether one field is the other or a part of it."""
    short, long = sorted((one, other), key=len)
    return long == short or (long.startswith(short) and long[len(short)] in ".[")


def _kind(value: Json) -> str:
    return "number" if type(value) in (int, float) else type(value).__name__


def _with_known(step: ComparedStep, known: List[Known]) -> ComparedStep:
    def marked(finding: Finding) -> Finding:
        covering = [k for k in known if k.covers(step.operation, step.sequence.name, finding.parting.field)]
        return replace(finding, known=covering[0]) if covering else finding

    return replace(step, findings=tuple(map(marked, step.findings)))
