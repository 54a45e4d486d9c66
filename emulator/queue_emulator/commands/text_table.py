"""Columns for people: each as wide as its widest cell, on a terminal that shows some characters twice as wide."""

from collections.abc import Sequence
from unicodedata import category, east_asian_width

from queue_emulator.core.shown import one_line

_BETWEEN = "  "
_SHORTENED_TO_MIN = 16


def columns(rows: Sequence[Sequence[str]], width_max: int | None = None) -> list[str]:
    """A line for each row; the cells of the last column end where they end.

    Where a line is wider than `width_max`, as a terminal may have it, the middle of what is in the first column goes.
    """
    shown = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*shown, strict=True)]
    if width_max is not None and widths:
        others = sum(widths[1:]) + len(_BETWEEN) * (len(widths) - 1)
        widths[0] = min(widths[0], max(width_max - others, _SHORTENED_TO_MIN))
        shown = [[shortened(row[0], widths[0]), *row[1:]] for row in shown]
    return [_BETWEEN.join(map(padded, row, widths)).rstrip() for row in shown]


def width(text: str) -> int:
    """How many places a terminal gives it."""
    return sum(map(_width, text))


def padded(text: str, to: int) -> str:
    """With spaces behind it, if it has fewer places than that."""
    return text + " " * (to - width(text))


def shortened(text: str, to: int) -> str:
    """A text in so many places, without its middle if it has more: keys differ at their ends."""
    if width(text) <= to:
        return text
    left = to - 1
    end = _within(text[::-1], left // 2)[::-1]
    return _within(text, left - width(end)) + "…" + end


def _within(text: str, to: int) -> str:
    """As much of its beginning as has room."""
    left = to
    for at, each in enumerate(text):
        left -= _width(each)
        if left < 0:
            return text[:at]
    return text


def _width(character: str) -> int:
    if category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
