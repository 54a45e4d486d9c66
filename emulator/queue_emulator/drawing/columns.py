"""Where lanes stand: locations left and right of the centre, each with its actors and its copies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from queue_emulator.drawing.story import Begin, Fold, Lane, Operation, Row
from queue_emulator.drawing.svg import mono_px

WIDTH = 1_000
GUTTER, MARGIN = 78, 12
MONO_SIZE = 11
_ROOMY, _NARROW, _NARROW_FROM = 92, 66, 4  # how wide copies and the centre are at least, from how many lanes on
_BOX_MIN, _BOX_MAX = 140, 330
_BAR, _PAD, _GAP = 26, 8, 6  # beside each box for a bar; within a location; between locations
_SAID_PX = 16  # between an operation and what came of it


@dataclass(frozen=True, slots=True)
class Column:
    """A lane's box: its left edge, its width, and on which side of the centre it is."""

    left: float
    width: float
    rightwards: bool

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bar(self) -> float:
        """Where its bars stand."""
        return self.left - 8


@dataclass(frozen=True, slots=True)
class Band:
    """A location: from where to where, and where its copies are."""

    location: str
    left: float
    right: float
    copies: float


@dataclass(frozen=True, slots=True)
class Columns:
    """One part of a picture."""

    columns: dict[str, Column]
    bands: dict[str, Band]
    centre: float
    width: float


def columns(lanes: Sequence[Lane], rows: Iterable[Row]) -> Columns:
    """Places for these lanes, as wide as what they say needs if there is room, 1,000 pixels in all if they fit."""
    locations = list(dict.fromkeys(lane.location for lane in lanes))
    left, right = _sides(locations, lanes)
    wanted = _wanted(lanes, rows)
    fixed = GUTTER + MARGIN + len(locations) * (2 * _PAD + _GAP) + len(lanes) * _BAR
    between = _NARROW if len(lanes) >= _NARROW_FROM else _ROOMY
    room = WIDTH - fixed - between * (1 + len(locations))
    boxes = {name: min(_BOX_MAX, max(_BOX_MIN, px)) for name, px in wanted.items()}
    if sum(boxes.values()) > room:
        boxes = dict.fromkeys(boxes, max(_BOX_MIN, room / len(lanes)))
    grown = max(0.0, room - sum(boxes.values())) / (len(lanes) + len(locations) + 1)
    boxes = {name: min(_BOX_MAX, px + grown) for name, px in boxes.items()}
    spare = max(0.0, room - sum(boxes.values())) / (len(locations) + 1)
    return _placed((left, right), lanes, boxes, between + spare)


def _sides(locations: Sequence[str], lanes: Sequence[Lane]) -> tuple[list[str], list[str]]:
    """Which locations stand left of the centre, and which right of it: about as many lanes on each side."""
    left: list[str] = []
    seen = 0
    for place, location in enumerate(locations):
        if place and seen * 2 >= len(lanes):
            return left, list(locations[place:])
        left.append(location)
        seen += sum(lane.location == location for lane in lanes)
    return (left, []) if len(left) < 2 else (left[:-1], left[-1:])


def _wanted(lanes: Sequence[Lane], rows: Iterable[Row]) -> dict[str, float]:
    """For each lane how wide a box it takes to have each operation and what came of it on one line."""
    wanted = {lane.name: 0.0 for lane in lanes}
    owners: dict[int, str] = {}
    for row in rows:
        if isinstance(row, Begin):
            owners[row.number] = row.lane
        elif isinstance(row, Operation):
            needed = mono_px(row.what, MONO_SIZE) + mono_px(row.said, MONO_SIZE) + _SAID_PX + 2 * _PAD
            wanted[owners[row.number]] = max(wanted[owners[row.number]], needed)
        elif isinstance(row, Fold):
            owner = row.lane if row.number is None else owners[row.number]
            wanted[owner] = max(wanted[owner], mono_px(row.text, MONO_SIZE) + 2 * _PAD)
    return wanted


def _placed(
    sides: tuple[list[str], list[str]],
    lanes: Sequence[Lane],
    boxes: dict[str, float],
    between: float,
) -> Columns:
    """`between` is how wide copies and the centre are."""
    x = float(GUTTER)
    placed: dict[str, Column] = {}
    bands: dict[str, Band] = {}
    centre_x = 0.0
    for rightwards, locations in ((True, sides[0]), (False, sides[1])):
        for location in locations:
            start = x
            x += _PAD
            copies_x = x + between / 2
            x += 0 if rightwards else between
            for lane in lanes:
                if lane.location == location:
                    x += _BAR
                    placed[lane.name] = Column(x, boxes[lane.name], rightwards)
                    x += boxes[lane.name]
            if rightwards:
                copies_x = x + between / 2
                x += between
            x += _PAD
            bands[location] = Band(location, start, x, copies_x)
            x += _GAP
        if rightwards:
            centre_x = x + between / 2 - _GAP / 2
            x += between
    return Columns(placed, bands, centre_x, max(float(WIDTH), x + MARGIN))
