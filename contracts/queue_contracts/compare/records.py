"""A comparison as JSON, for programs. Keys are masked, bodies shortened."""

from dataclasses import asdict

from queue_contracts.compare.allowed import recorded
from queue_contracts.compare.comparing import ComparedStep, Finding
from queue_contracts.compare.executor import Exchange
from queue_contracts.compare.formatting import answer_line, curl, unkeyed, value_line
from queue_contracts.compare.report import settled_late
from queue_contracts.compare.scores import Outcome, Score
from queue_contracts.compare.sides import Side
from queue_contracts.json_values import Json

Sides = tuple[Side, Side]


def record(outcome: Outcome, sides: Sides) -> dict[str, Json]:
    """Scores, findings, what was not compared, and how long eventual steps took."""
    comparison = outcome.comparison
    return {
        "a": sides[0].name,
        "b": sides[1].name,
        "scores": [scored(score) for score in outcome.scores],
        "findings": [_finding(finding, sides) for finding in comparison.findings],
        "notCompared": [
            {"sequence": skipped.sequence.name, "operations": [*skipped.operations], "why": skipped.why}
            for skipped in comparison.skipped
        ],
        "missing": [*comparison.missing],
        "differsAllowed": [dict(kind) for kind in recorded(comparison, sides)],
        "settled": [_settled(step) for step in settled_late(comparison.steps)],
        "knownExpired": [str(entry) for entry in outcome.expired],
        "knownStale": [str(entry) for entry in outcome.stale],
        "knownNotLookedFor": [str(entry) for entry in outcome.unseen],
    }


def scored(score: Score) -> dict[str, Json]:
    """One operation's figures."""
    return {**asdict(score), "share": round(score.share, 4)}


def _finding(finding: Finding, sides: Sides) -> Json:
    def half(side: Side, value: Json, exchange: Exchange) -> Json:
        return {
            "target": side.name,
            "value": value_line(value, sides),
            "status": exchange.answer.status,
            "answer": answer_line(exchange.answer, finding.step, sides),
            "curl": unkeyed(curl(exchange.sent), sides),
        }

    parting = finding.parting
    return {
        "verdict": parting.verdict.value,
        "operation": finding.step.label,
        "field": parting.field,
        "why": unkeyed(parting.why, sides),
        "sequence": finding.sequence.name,
        "step": finding.number + 1,
        "known": finding.known.reason if finding.known else None,
        "a": half(sides[0], parting.a, finding.a),
        "b": half(sides[1], parting.b, finding.b),
    }


def _settled(step: ComparedStep) -> Json:
    return {
        "sequence": step.sequence.name,
        "step": step.number + 1,
        "operation": step.operation,
        "aSeconds": round(step.a.settled_s, 3),
        "bSeconds": round(step.b.settled_s, 3),
    }
