"""The report: tables in Markdown."""

from collections.abc import Sequence

from tests.bench.compare.goals import Reached
from tests.bench.compare.growth import Cost, Growth
from tests.bench.compare.samples import Measured, Samples
from tests.bench.compare.targets import MINIFLARE, Target


def report(
    targets: Sequence[Target],
    measured: Sequence[Measured],
    goals: Sequence[Reached],
    growths: Sequence[Growth],
    *,
    machine: str,
) -> str:
    """Everything that was measured."""
    sections = [
        f"# Side by side\n\n{machine}",
        "\n".join(f"- **{each.name}**: {each.description}" for each in targets),
        _measures(targets, measured),
        _client(measured),
        f"## Goals\n\n{_goals(goals)}",
        f"## Old format against new\n\n{_growth(growths)}",
    ]
    return "\n\n".join(sections) + "\n"


def _measures(targets: Sequence[Target], measured: Sequence[Measured]) -> str:
    others = [each.name for each in targets if each.name != MINIFLARE]
    head = ["median (middle half)", "", *(each.name for each in targets), *(f"{each}, times better" for each in others)]
    rows = [
        [
            each.name,
            next(iter(each.by_target.values())).unit,
            *(_shown(each.by_target[target.name]) for target in targets),
            *(_times(each.times_better(name, MINIFLARE)) for name in others),
        ]
        for each in measured
    ]
    return f"{_table(head, rows)}\n\n{_ON_MEASURES}"


def _client(measured: Sequence[Measured]) -> str:
    shares = [samples.client_share or 0.0 for each in measured for samples in each.by_target.values()]
    return _ON_CLIENT.format(max(shares))


def _goals(goals: Sequence[Reached]) -> str:
    rows = [[each.goal, each.measured, "met" if each.met else "missed"] for each in goals]
    return _table(["goal", "measured", ""], rows)


def _growth(growths: Sequence[Growth]) -> str:
    sizes = [cost.size for cost in growths[0].costs]
    head = ["operation", "format", "claimed", *(f"n = {size:,}" for size in sizes), "KV operations", "bytes", "time"]
    rows = [
        [
            each.operation,
            each.version.value,
            each.claimed,
            *(f"{_count(cost)}, {_bytes(cost.value_bytes)}, {cost.time.median:,.0f} µs" for cost in each.costs),
            *(f"n^{each.exponent(grown):.2f}" for grown in (_operations, _value_bytes, _time)),
        ]
        for each in growths
    ]
    return f"{_table(head, rows)}\n\n{_ON_GROWTH}"


_ON_MEASURES = """\
Times are of one request, cycle or page, the medians of samples that the targets take in turn; in brackets the middle
half of them. Times better is miniflare's median by the target's. Memory is the sum of the proportional set sizes of a
process and all its children."""
_ON_CLIENT = """\
The client is one thread with blocking sockets and requests built beforehand. It was itself at work for at most {:.0%}
of the time of any target in any measure: the rest was waiting for answers."""
_ON_GROWTH = """\
For a queue of n tasks: KV operations by the journal, bytes of the values that they read and write, median time without
HTTP; then how each grows with n, as the power of n that fits best. A claim is of the only free task, which is the last.
The old format makes few operations too, but reads and writes the list of all ids, whole: that is its O(n), and where
two that add or remove at the same time lose a change."""


def _count(cost: Cost) -> str:
    return "1 operation" if cost.operations == 1 else f"{cost.operations:,} operations"


def _operations(cost: Cost) -> float:
    return cost.operations


def _value_bytes(cost: Cost) -> float:
    return cost.value_bytes


def _time(cost: Cost) -> float:
    return cost.time.median


def _shown(samples: Samples) -> str:
    first, third = samples.quartiles
    return f"{_number(samples.median)} ({_number(first)}..{_number(third)})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _bytes(count: int) -> str:
    return f"{count / 1000:.1f} kB" if count >= 1000 else f"{count} B"


def _times(times: float | None) -> str:
    return "" if times is None else f"{times:.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Padded, so that it reads as text too."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(f"| {' | '.join(c.ljust(w) for c, w in zip(line, widths, strict=True))} |" for line in lines)
