"""`cost`: what the traffic that a running emulator has seen would cost on Cloudflare, as a table."""

from typing import Any

from queue_emulator.core.errors import RemoteError
from queue_emulator.remote_control import RemoteControl

_KINDS = ("reads", "writes", "deletes", "lists")


def cost_report(url: str, over_s: int | None) -> list[str]:
    """The report of the emulator at `url`; `over_s` is the time that the traffic stands for, None as observed."""
    answer = RemoteControl(url).ask("GET", f"/cost?over_s={over_s}" if over_s else "/cost")
    if not {"routes", "operations", "estimate"} <= answer.keys():
        raise RemoteError(f"{url} does not answer as a queue-emulator does")
    header = f"{'KV operations':<34}{'requests':>10}" + "".join(f"{kind:>12}" for kind in _KINDS)
    lines = [header, *(_line(route, counts) for route, counts in answer["routes"].items())]
    lines.append(_line("all", answer["operations"]))
    return [*lines, "", *_estimate(answer)]


def _line(name: str, counts: dict[str, int]) -> str:
    requests = f"{counts['requests']:,}" if "requests" in counts else ""
    return f"{name:<34}{requests:>10}" + "".join(f"{counts.get(kind, 0):>12,}" for kind in _KINDS)


def _estimate(answer: dict[str, Any]) -> list[str]:
    estimate = answer["estimate"]
    if estimate is None:
        return ["Too little time was observed to scale it: say with --over how many seconds this traffic stands for."]
    per_day, free, paid = estimate["operationsPerDay"], estimate["free"], estimate["paid"]
    exceeded = ", ".join(f"{kind} {per_day[kind]:,} of {free['quotaPerDay'][kind]:,}" for kind in free["exceeded"])
    return [
        f"Such traffic, {answer['over_s']:,.0f} s of it, repeated all day (prices of {estimate['pricesAsOf']}):",
        f"  free plan   {'fails each day: ' + exceeded if exceeded else 'within the daily quotas'}",
        f"  paid plan   ${paid['dollarsPerMonth']:,.2f} a month, ${paid['dollarsPerDay']:,.4f} a day, "
        f"with the ${paid['ofWhichSubscription']:,.2f} of the subscription",
    ]
