"""What Workers KV costs and allows a day, by plan; what a stretch of traffic comes to.

Prices and quotas: https://developers.cloudflare.com/kv/platform/pricing/ and .../limits/, as of 2026-11.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TypedDict

from queue_emulator.core.errors import QuotaError
from queue_emulator.core.kinds import Kind

PRICES_AS_OF = "2026-11"
DAY_S, MONTH_S = 86_400, 30 * 86_400
_DAYS_KEPT_MAX = 1_000  # of a clock that goes to and fro; the day with the fewest operations goes first


@dataclass(frozen=True, slots=True)
class Plan:
    """`per_day`: operations by kind, above which they fail; `included_per_month`, above which they are billed."""

    name: str
    per_day: Mapping[str, int]
    included_per_month: Mapping[str, int]
    dollars_per_million: Mapping[str, float]
    dollars_per_month: float


FREE = Plan("free", {"reads": 100_000, "writes": 1_000, "deletes": 1_000, "lists": 1_000}, {}, {}, 0.0)
PAID = Plan(
    "paid",
    {},
    {"reads": 10_000_000, "writes": 1_000_000, "deletes": 1_000_000, "lists": 1_000_000},
    {"reads": 0.50, "writes": 5.00, "deletes": 5.00, "lists": 5.00},
    5.0,
)
PLANS = {plan.name: plan for plan in (FREE, PAID)}


@dataclass(slots=True)
class DailyQuota:
    """Counts operations by kind and day, so that a clock that comes back finds a day as it was left.

    Days begin at 00:00 UTC. `plan` None counts nothing.
    """

    plan: Plan | None = None
    _days: defaultdict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def clear(self) -> None:
        self._days.clear()

    def copy(self) -> "DailyQuota":
        """One that has counted the same, and goes on by itself."""
        return DailyQuota(self.plan, deepcopy(self._days) if self._days else defaultdict(Counter))

    def count(self, kind: Kind, now_ms: int, number: int = 1) -> None:
        """Count, all or none; raises QuotaError past the day's quota, in the text that users report."""
        if self.plan is None or kind.billed not in self.plan.per_day:
            return
        day = now_ms // (DAY_S * 1000)
        counts = self._days[day]
        if counts[kind.billed] + number > self.plan.per_day[kind.billed]:
            raise QuotaError(f"KV {kind.method}() limit exceeded for the day.")
        counts[kind.billed] += number
        if len(self._days) > _DAYS_KEPT_MAX:
            del self._days[min(self._days.keys() - {day}, key=lambda each: self._days[each].total())]


class FreePlan(TypedDict):
    """The operations of which a day has more than the quota; the quotas."""

    exceeded: list[str]
    quotaPerDay: dict[str, int]


class PaidPlan(TypedDict):
    """Dollars, the subscription's share among them."""

    dollarsPerDay: float
    dollarsPerMonth: float
    ofWhichSubscription: float


class Estimate(TypedDict):
    """What a day and a month of the same traffic come to; operations by kind: reads, writes, deletes, lists."""

    pricesAsOf: str
    operationsPerDay: dict[str, int]
    operationsPerMonth: dict[str, int]
    free: FreePlan
    paid: PaidPlan


class Traffic(TypedDict):
    """Operations by kind, of each route and of all; the time in which they were seen, and which they stand for."""

    routes: dict[str, dict[str, int]]
    operations: dict[str, int]
    observed_s: float
    over_s: float


class Cost(Traffic):
    """Traffic and what it comes to."""

    estimate: Estimate


def cost(operations: Mapping[str, int], over_s: float) -> Estimate:
    """What traffic of `operations` by kind in `over_s` seconds comes to: a day and a month of it, on each plan."""
    per_day = {kind: operations.get(kind, 0) * DAY_S / over_s for kind in FREE.per_day}
    per_month = {kind: count * MONTH_S / DAY_S for kind, count in per_day.items()}
    beyond = {kind: max(0.0, count - PAID.included_per_month[kind]) for kind, count in per_month.items()}
    usage = sum(count / 1e6 * PAID.dollars_per_million[kind] for kind, count in beyond.items())
    return {
        "pricesAsOf": PRICES_AS_OF,
        "operationsPerDay": {kind: round(count) for kind, count in per_day.items()},
        "operationsPerMonth": {kind: round(count) for kind, count in per_month.items()},
        "free": {
            "exceeded": [kind for kind, count in per_day.items() if count > FREE.per_day[kind]],
            "quotaPerDay": dict(FREE.per_day),
        },
        "paid": {
            "dollarsPerDay": round((PAID.dollars_per_month + usage) / 30, 4),
            "dollarsPerMonth": round(PAID.dollars_per_month + usage, 2),
            "ofWhichSubscription": PAID.dollars_per_month,
        },
    }
