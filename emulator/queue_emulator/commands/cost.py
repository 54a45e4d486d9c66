"""`cost`: what the traffic that a running emulator has seen would cost on Cloudflare, as a table."""

import msgspec

from queue_emulator.commands.controls import control
from queue_emulator.commands.text_table import padded, shortened
from queue_emulator.core.shown import one_line
from queue_emulator.transfer.output import say, width_of_terminal

_KINDS = ("reads", "writes", "deletes", "lists")
_ROUTE_CHARACTERS_MAX = 200
_ROUTE_WIDTH, _ROUTE_WIDTH_MIN = 34, 16


class _Counts(msgspec.Struct):
    reads: int = 0
    writes: int = 0
    deletes: int = 0
    lists: int = 0
    requests: int | None = None

    def of(self, kind: str) -> int:
        counts: dict[str, int] = {"reads": self.reads, "writes": self.writes, "deletes": self.deletes}
        return counts.get(kind, self.lists)


class _Free(msgspec.Struct, rename="camel"):
    exceeded: list[str]
    quota_per_day: _Counts


class _Paid(msgspec.Struct, rename="camel"):
    dollars_per_month: float
    dollars_per_day: float
    of_which_subscription: float


class _Estimate(msgspec.Struct, rename="camel"):
    operations_per_day: _Counts
    prices_as_of: str
    free: _Free
    paid: _Paid


class _Cost(msgspec.Struct):
    routes: dict[str, _Counts]
    operations: _Counts
    estimate: _Estimate | None
    over_s: float = 0


def cost(url: str, over_s: int | None, *, as_json: bool) -> None:
    """Show what the emulator at `url` counted; `over_s` is the time that the traffic stands for, None as observed."""
    say(*(cost_as_json if as_json else cost_report)(url, over_s))


def cost_as_json(url: str, over_s: int | None) -> list[str]:
    """The lines of the same for programs, as the emulator answers it."""
    return msgspec.json.format(msgspec.json.encode(_asked(url, over_s)), indent=2).decode().splitlines()


def cost_report(url: str, over_s: int | None) -> list[str]:
    """As a table."""
    cost = _asked(url, over_s)
    numbers = f"{'requests':>10}" + "".join(f" {kind:>8}" for kind in _KINDS)
    columns_max = width_of_terminal()
    room = _ROUTE_WIDTH
    if columns_max is not None:
        room = min(room, max(columns_max - len(numbers), _ROUTE_WIDTH_MIN))
    rows = [("KV operations", numbers)]
    rows += [(route, _numbers(counts)) for route, counts in [*cost.routes.items(), ("all", cost.operations)]]
    lines = [_named(route, room, whole=columns_max is None) + said for route, said in rows]
    return [*lines, "", *_estimate(cost)]


def _asked(url: str, over_s: int | None) -> _Cost:
    path = f"/cost?over_s={over_s}" if over_s else "/cost"
    return control(url).ask("GET", path, _Cost)


def _named(route: str, room: int, *, whole: bool) -> str:
    shown = one_line(route[:_ROUTE_CHARACTERS_MAX])
    return padded(shown if whole else shortened(shown, room), room)


def _numbers(counts: _Counts) -> str:
    requests = "" if counts.requests is None else f"{counts.requests:,}"
    return f"{requests:>10}" + "".join(f" {counts.of(kind):>8,}" for kind in _KINDS)


def _estimate(cost: _Cost) -> list[str]:
    estimate = cost.estimate
    if estimate is None:
        return ["The traffic was too short to compute a day from it: give its length in seconds with --over."]
    per_day, quota, paid = estimate.operations_per_day, estimate.free.quota_per_day, estimate.paid
    kinds = [kind for kind in _KINDS if kind in estimate.free.exceeded]
    exceeded = ", ".join(f"{kind} {per_day.of(kind):,} of {quota.of(kind):,}" for kind in kinds)
    return [
        f"Cost of this traffic ({cost.over_s:,.0f} s of it), repeated all day (prices of "
        f"{one_line(estimate.prices_as_of[:_ROUTE_CHARACTERS_MAX])}):",
        f"  free plan   {'fails each day: ' + exceeded if exceeded else 'within the daily quotas'}",
        f"  paid plan   ${paid.dollars_per_month:,.2f} a month, ${paid.dollars_per_day:,.4f} a day, "
        f"with the ${paid.of_which_subscription:,.2f} of the subscription",
    ]
