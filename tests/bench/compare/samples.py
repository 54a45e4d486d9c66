"""What was measured, and what follows from it: median, spread, ratio, growth."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Samples:
    """Of one measure at one target, in `unit`; less is better.

    `client_share` is how much of the time the client itself was at work, None where no time was taken.
    """

    values: Sequence[float]
    unit: str
    client_share: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Between which the middle half of the samples lies."""
        if len(self.values) < 2:
            return self.median, self.median
        first, _, third = statistics.quantiles(self.values, n=4, method="inclusive")
        return first, third


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure at every target that it was taken of, by the target's name."""

    name: str
    by_target: Mapping[str, Samples]

    def times_better(self, target: str, than: str) -> float | None:
        """By how much the median of `target` is better; None if one of the two was not measured."""
        if target not in self.by_target or than not in self.by_target:
            return None
        return self.by_target[than].median / self.by_target[target].median


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """k of the curve cost = c * size**k that lies nearest: the slope of a straight line through the logarithms."""
    slope, _ = statistics.linear_regression([math.log(each) for each in sizes], [math.log(each) for each in costs])
    return slope
