"""The picture: how many times better than miniflare, measure by measure, on a logarithmic scale; SVG."""

import math
from collections.abc import Iterator, Sequence
from html import escape

from tests.bench.compare.goals import GOALS
from tests.bench.compare.samples import Measured
from tests.bench.compare.targets import EMULATOR, MINIFLARE, ON_WORKERD

_COLOURS = {EMULATOR: "#2563eb", ON_WORKERD: "#f59e0b"}
_LEFT, _RIGHT, _TOP, _ROW, _BAR = 320, 90, 76, 44, 15
_OCTAVE = 80  # from one power of two to the next
_STYLE = "font: 13px system-ui, sans-serif; background: white"


def picture(measured: Sequence[Measured]) -> str:
    """Bars from 1, miniflare; to the right is better. A goal is a line across its row."""
    compared = [each for each in measured if MINIFLARE in each.by_target]
    times = [each.times_better(name, MINIFLARE) or 1.0 for each in compared for name in _COLOURS]
    least, most = math.floor(math.log2(min(times))), math.ceil(math.log2(max(times)))
    scale = _Scale(min(least, -1), max(most, 1))
    width, height = _LEFT + scale.width + _RIGHT, _TOP + _ROW * len(compared) + 20
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" style="{_STYLE}">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *_legend(),
        *scale.lines(height),
        *(line for row, each in enumerate(compared) for line in _row(each, _TOP + _ROW * row, scale)),
        "</svg>",
    ]
    return "\n".join(drawn) + "\n"


class _Scale:
    """From 2**least to 2**most."""

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most
        self.width = (most - least) * _OCTAVE

    def x(self, times: float) -> float:
        return _LEFT + (math.log2(times) - self._least) * _OCTAVE

    def lines(self, height: int) -> Iterator[str]:
        for power in range(self._least, self._most + 1):
            x, colour = self.x(2.0**power), "#111" if power == 0 else "#ddd"
            label = MINIFLARE if power == 0 else f"{2.0**power:g}x"
            yield f'<line x1="{x:.0f}" x2="{x:.0f}" y1="{_TOP - 8}" y2="{height - 12}" stroke="{colour}"/>'
            yield _text(x, _TOP - 14, label, anchor="middle")


def _legend() -> Iterator[str]:
    yield _text(12, 24, "times better than miniflare in the same run", weight="bold")
    for number, (name, colour) in enumerate(_COLOURS.items()):
        x = 330 + 180 * number
        yield f'<rect x="{x}" y="13" width="13" height="13" fill="{colour}"/>'
        yield _text(x + 19, 24, name)
    yield '<line x1="690" x2="690" y1="11" y2="28" stroke="#dc2626" stroke-width="3"/>'
    yield _text(698, 24, "goal of the emulator")


def _row(measured: Measured, top: int, scale: _Scale) -> Iterator[str]:
    yield _text(_LEFT - 14, top + 22, measured.name, anchor="end")
    for number, (name, colour) in enumerate(_COLOURS.items()):
        times = measured.times_better(name, MINIFLARE)
        if times is None:
            continue
        start, end = sorted((scale.x(1), scale.x(times)))
        y = top + 4 + number * (_BAR + 1)
        yield f'<rect x="{start:.1f}" y="{y}" width="{end - start:.1f}" height="{_BAR}" fill="{colour}"/>'
        yield _text(end + 5, y + 12, f"{times:.1f}x", size=11)
    for goal in GOALS:
        if goal.measure == measured.name:
            x = scale.x(goal.times)
            yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + 1}" y2="{top + 38}" stroke="#dc2626" stroke-width="3"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal", size: int = 13) -> str:
    style = f'text-anchor="{anchor}" font-weight="{weight}" font-size="{size}"'
    return f'<text x="{x:.0f}" y="{y:.0f}" {style}>{escape(text)}</text>'
