"""Failed checks by their cause, as far as it can be told: one entry for each, however many checks fell over it.

Two checks failed for one cause if the same operation's answer left openapi.yaml in the same way; or if they saw the
same, and asked the same operation last or are cases of one check.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from queue_contracts.report.outcomes import Outcome

_LINES_COMPARED = 4
# Where a value came from, and what is in it: the same fault looks different there in each check.
_ORIGIN = re.compile(r"^\s*\+\s+(?:where|and)\b|^\s*[-+?] ")
_RUN = re.compile(r"ct-[0-9a-f]{12}-[\w-]*")
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")
_STATUS = re.compile(r"\b[1-5]\d\d\b")
NAMED_MAX = 5


@dataclass(frozen=True)
class Cause:
    """The first check that failed for it, and the others."""

    first: Outcome
    others: tuple[Outcome, ...]

    def also(self) -> str:
        """The other checks by name, each with how many of its cases failed; empty if there are none."""
        if not self.others:
            return ""
        counted = Counter(each.check for each in self.others)
        named = [f"{name} ({times})" if times > 1 else name for name, times in counted.most_common(NAMED_MAX)]
        more = f", and {len(counted) - NAMED_MAX} further" if len(counted) > NAMED_MAX else ""
        return f"{len(self.others)} more for the same reason: {', '.join(named)}{more}"


def by_cause(failed: Sequence[Outcome]) -> list[Cause]:
    """In the order in which they were first met."""
    roots: dict[tuple[str, ...], int] = {}
    parents = list(range(len(failed)))

    def root(number: int) -> int:
        while parents[number] != number:
            number = parents[number]
        return number

    for number, outcome in enumerate(failed):
        for mark in _marks(outcome):
            other = root(roots.setdefault(mark, number))
            mine = root(number)
            parents[max(other, mine)] = min(other, mine)
    together: dict[int, list[Outcome]] = {}
    for number, outcome in enumerate(failed):
        together.setdefault(root(number), []).append(outcome)
    return [Cause(first, tuple(others)) for first, *others in together.values()]


def _marks(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    """What it has in common with others of the same cause."""
    if outcome.broken:
        yield "broken", outcome.asked, _without_numbers(outcome.broken)
        return
    seen = _what_was_seen(outcome.seen)
    yield "check", outcome.check, seen
    if outcome.asked:
        yield "asked", outcome.asked, seen


def _what_was_seen(seen: str) -> str:
    lines = [line for line in seen.splitlines() if not _ORIGIN.match(line)]
    return _without_numbers("\n".join(lines[:_LINES_COMPARED]))


def _without_numbers(said: str) -> str:
    """Statuses stay: they say what happened."""
    said = _RUN.sub("<id>", said)
    return _NUMBERS.sub(lambda number: number[0] if _STATUS.fullmatch(number[0]) else "<n>", said)
