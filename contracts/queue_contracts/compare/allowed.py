"""What only some deployments do, as a table: for each kind what either side does, or why it was not compared.

Such a difference fails nothing, and yet whoever moves from one target to the other meets it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from queue_contracts.compare.comparing import Comparison, Finding
from queue_contracts.compare.formatting import value_line
from queue_contracts.compare.scores import Outcome
from queue_contracts.compare.sides import Side
from queue_contracts.compare.verdicts import Verdict
from queue_contracts.json_values import Json

_VALUES_SHOWN, _VALUE_LENGTH_MAX = 4, 40


@dataclass
class Kind:
    """One kind of difference. `values` are what a side answered, in the order in which it came, each once.

    not_compared  why requests about it were left out
    """

    name: str
    requests: int = 0
    values: tuple[list[Json], list[Json]] = field(default_factory=lambda: ([], []))
    not_compared: list[str] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        self.requests += 1
        for values, value in zip(self.values, (finding.parting.a, finding.parting.b), strict=True):
            if value not in values:
                values.append(value)


def kinds(comparison: Comparison) -> list[Kind]:
    """The kinds in which the two differ, and those that could not be compared."""
    found: dict[str, Kind] = {}
    for finding in comparison.findings:
        if finding.parting.verdict is Verdict.VARIANT:
            name = finding.sequence.allowed or finding.parting.why
            found.setdefault(name, Kind(name)).add(finding)
    for skipped in comparison.skipped:
        if skipped.sequence.allowed:
            name = skipped.sequence.allowed
            kind = found.setdefault(name, Kind(name))
            if skipped.why not in kind.not_compared:
                kind.not_compared.append(skipped.why)
    return list(found.values())


def differs_allowed(outcome: Outcome, sides: tuple[Side, Side]) -> Iterator[str]:
    """The table; nothing where there is nothing to tell."""
    rows = kinds(outcome.comparison)
    if not rows:
        return
    width = max(len(kind.name) for kind in rows)
    yield "differs, allowed:"
    for kind in rows:
        if kind.requests:
            shown = (_shown(values, sides) for values in kind.values)
            told = "; ".join(f"{side.name} {values}" for side, values in zip(sides, shown, strict=True))
            requests = "1 request" if kind.requests == 1 else f"{kind.requests} requests"
            yield f"  {kind.name:<{width}}  {told} ({requests})"
        for why in kind.not_compared:
            yield f"  {kind.name:<{width}}  not compared: {why}"
    yield ""


def recorded(comparison: Comparison, sides: tuple[Side, Side]) -> list[Mapping[str, Json]]:
    """The same for programs."""
    return [
        {
            "kind": kind.name,
            "requests": kind.requests,
            "a": [value_line(value, sides) for value in kind.values[0]],
            "b": [value_line(value, sides) for value in kind.values[1]],
            "notCompared": [*kind.not_compared],
        }
        for kind in kinds(comparison)
    ]


def _shown(values: list[Json], sides: tuple[Side, Side]) -> str:
    shown = [value_line(value, sides)[:_VALUE_LENGTH_MAX] for value in values[:_VALUES_SHOWN]]
    return " or ".join(shown) + (" or others" if len(values) > _VALUES_SHOWN else "")
