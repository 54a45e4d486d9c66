"""Columns for people: each as wide as its widest cell, on a terminal that shows some characters twice as wide."""

from collections.abc import Sequence
from unicodedata import combining, east_asian_width

from queue_emulator.core.shown import one_line

_BETWEEN = "  "


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """A line for each row; the cells of the last column end where they end."""
    shown = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*shown, strict=True)]
    return [_BETWEEN.join(map(_padded, row, widths)).rstrip() for row in shown]


def width(text: str) -> int:
    """How many places a terminal gives it."""
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def _padded(text: str, to: int) -> str:
    return text + " " * (to - width(text))
