"""A story as one self-contained SVG: time runs down, a row each operation; who asks, the copies, and the centre.

Thick lines are writes, thin ones reads, dashed ones reads that a copy answered. Colour only repeats what line, mark or
word says, so that it reads in black and white; the description says it all to those who do not see it.
"""

from dataclasses import dataclass, field

from queue_emulator.drawing.columns import GUTTER, MARGIN, MONO_SIZE, WIDTH, Band, Column, Columns, columns
from queue_emulator.drawing.folding import folded
from queue_emulator.drawing.story import Bar, Begin, Chapter, End, Fold, Lane, Mood, Operation, Place, Row, Story
from queue_emulator.drawing.svg import Canvas, Layer, escaped, fitted, mono_px, wrapped
from queue_emulator.drawing.words import description

_ROW, _SECOND_LINE, _TITLE, _FOOT, _GAP, _BETWEEN = 22, 13, 24, 21, 20, 10
_STILL_RUNS = 18  # room for these words below the last operation
_VERDICT, _HEADINGS = 74, 42
_TEXT_PX = WIDTH - 2 * 24
_COLOURS = ("#1559b0", "#7b1fa2", "#00695c", "#a84300", "#455a64", "#9e1b4f")


def picture(story: Story) -> str:
    """The SVG, 1,000 pixels wide (more where so many lanes do not fit)."""
    drawing = _Drawing(story)
    drawing.head()
    rows = folded(story.moments)
    for chapter in _chapters(rows):
        drawing.chapter(*chapter)
    drawing.legend()
    return drawing.svg()


def _chapters(rows: list[tuple[int, Row]]) -> list[tuple[str, list[tuple[int, Row]], bool]]:
    """Title, rows, and whether it is the last, of each part in which anything happens."""
    parts: list[tuple[str, list[tuple[int, Row]]]] = [("", [])]
    for index, row in rows:
        if isinstance(row, Chapter):
            parts.append((row.title, []))
        else:
            parts[-1][1].append((index, row))
    happens = [(title, part) for title, part in parts if part]
    return [(title, part, place == len(happens) - 1) for place, (title, part) in enumerate(happens)]


@dataclass(slots=True)
class _Open:
    """A request that runs: where its box begins, and in which lane."""

    lane: str
    top: float


@dataclass(slots=True)
class _Part:
    """One part while it is drawn."""

    columns: Columns
    lanes: dict[str, Lane]
    top: float
    open: dict[int, _Open] = field(default_factory=dict)
    ys: dict[int, float] = field(default_factory=dict)


class _Drawing:
    def __init__(self, story: Story) -> None:
        self._story = story
        self._canvas = Canvas()
        self._y = 0.0
        self._width = float(WIDTH)
        self._last_ms: int | None = None
        names = dict.fromkeys(lane.name for lane in story.lanes)
        self._colours = {name: _COLOURS[place % len(_COLOURS)] for place, name in enumerate(names)}

    def head(self) -> None:
        """What is wrong, in words."""
        self._y = 18
        for line in wrapped(self._story.title, _TEXT_PX, 19):
            self._y += 24
            self._canvas.text(24, self._y - 6, line, "t")
        for heading, text in self._story.says:
            lines = wrapped(text, _TEXT_PX - 110, 12.5)
            for place, line in enumerate(lines):
                self._y += 18
                if not place:
                    self._canvas.text(24, self._y, heading, "h")
                self._canvas.text(134, self._y, line, "p")
        self._y += 16

    def chapter(self, title: str, rows: list[tuple[int, Row]], last: bool) -> None:
        """One part: its lanes, its rows, and its bars."""
        if title:
            self._y += 14
            self._canvas.text(24, self._y, title, "h")
            self._y += 12
        lanes = self._lanes([row for _, row in rows])
        part = _Part(columns(lanes, [row for _, row in rows]), {lane.name: lane for lane in lanes}, self._y)
        self._width = max(self._width, part.columns.width)
        self._headings(part)
        for index, row in rows:
            self._row(part, row)
            part.ys[index] = self._y
        self._y += _STILL_RUNS if part.open else 8
        for running in part.open.values():
            self._box(part, running, self._y, Mood.PLAIN, ends=False)
        if last and self._story.verdict:
            self._verdict(part)
        self._ground(part)
        self._bars(part, rows)
        self._y += 10

    def legend(self) -> None:
        """How to see it again, and what the lines mean."""
        canvas = self._canvas
        if self._story.command:
            self._y += 16
            canvas.text(24, self._y, "See it again", "h")
            canvas.text(134, self._y, fitted(self._story.command, self._width - 158, 11.5, mono=True), "m c")
        self._y += 24
        x, y = 24.0, self._y
        for class_, said in _LEGEND:
            if class_ == "dot":
                canvas.dot(x + 14, y - 4, "ko")
            else:
                canvas.line(x, y - 4, x + 28, y - 4, class_)
            canvas.text(x + 36, y, said, "s")
            x += 52 + len(said) * 6.1
        self._y += 18

    def svg(self) -> str:
        name = f"picture-{self._story.name}"
        style = "".join(f"#{name} {rule}" for rule in _STYLE)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" width="{self._width:.0f}" height="{self._y:.0f}" '
            f'viewBox="0 0 {self._width:.0f} {self._y:.0f}" role="img" aria-labelledby="{name}-t {name}-d">\n'
            f'<title id="{name}-t">{escaped(self._story.title)}</title>\n'
            f'<desc id="{name}-d">{escaped(description(self._story))}</desc>\n'
            f"<style>{style}</style>\n{_DEFINITIONS.replace('NAME', name)}\n"
            f'<rect width="100%" height="100%" fill="#fff"/>\n{self._canvas}\n</svg>\n'
        ).replace("url(#", f"url(#{name}-")

    def _lanes(self, rows: list[Row]) -> list[Lane]:
        there = {row.lane for row in rows if isinstance(row, (Begin, Fold))}
        lanes = [lane for lane in self._story.lanes if lane.name in there]
        order = list(dict.fromkeys(lane.location for lane in lanes))
        return sorted(lanes, key=lambda lane: order.index(lane.location))

    def _headings(self, part: _Part) -> None:
        canvas, y = self._canvas, self._y
        for band in part.columns.bands.values():
            canvas.text((band.left + band.right) / 2, y + 17, band.location, "b", "middle")
            canvas.text(band.copies, y + 34, "copies", "s", "middle")
        canvas.text(part.columns.centre, y + 17, "KV", "b", "middle")
        canvas.text(part.columns.centre, y + 34, "centre", "s", "middle")
        for name, column in part.columns.columns.items():
            lane = part.lanes[name]
            said = f"{name}, {lane.note}" if lane.note else name
            middle = column.left + column.width / 2
            canvas.text(
                middle, y + 34, fitted(said, column.width, 12), "b", "middle", style=f"fill:{self._colours[name]}"
            )
        self._y += _HEADINGS
        part.top = self._y

    def _row(self, part: _Part, row: Row) -> None:
        assert not isinstance(row, Chapter)
        begins = isinstance(row, Begin)
        self._pass_time(part, row.at_ms, between=begins)
        if isinstance(row, Begin):
            part.open[row.number] = _Open(row.lane, self._y)
            column = part.columns.columns[row.lane]
            title = fitted(row.title, column.width - 16, 12)
            self._canvas.text(column.left + 8, self._y + 16, title, "b")
            self._y += _TITLE
        elif isinstance(row, Operation):
            self._operation(part, row)
        elif isinstance(row, End):
            running = part.open.pop(row.number)
            column = part.columns.columns[running.lane]
            answer = fitted(f"→ {row.answer}", column.width - 16, 12)
            self._canvas.text(column.right - 8, self._y + 15, answer, f"b {row.mood.value}", "end")
            self._y += _FOOT
            self._box(part, running, self._y, row.mood, ends=True)
            self._y += 4
        else:
            lane = row.lane or part.open[row.number or 0].lane
            column = part.columns.columns[lane]
            self._canvas.text(column.left + 8, self._y + 15, fitted(row.text, column.width - 16, 10.5), "s i")
            self._y += _ROW

    def _pass_time(self, part: _Part, at_ms: int, *, between: bool) -> None:
        gap_ms = 0 if self._last_ms is None else at_ms - self._last_ms
        self._last_ms = at_ms
        if gap_ms > 0:
            middle = self._y + _GAP / 2
            self._canvas.text(GUTTER - 8, middle + 4, f"+{gap_ms / 1000:g} s", "g", "end")
            self._canvas.line(GUTTER, middle, part.columns.width - MARGIN, middle, "kg", Layer.LINES)
            self._y += _GAP
        elif between:
            self._y += _BETWEEN

    def _operation(self, part: _Part, row: Operation) -> None:
        canvas, lane = self._canvas, part.open[row.number].lane
        column = part.columns.columns[lane]
        first = self._y + 15
        canvas.text(GUTTER - 8, first, str(row.position), "n", "end")
        lines = _lines(row, column.width - 16)
        class_ = ("m w" if row.write else "m") + (" bad" if row.alarm else "")
        for place, line in enumerate(lines):
            canvas.text(column.left + 8 + 10 * place, first + _SECOND_LINE * place, line, class_)
        last = first + _SECOND_LINE * (len(lines) - 1)
        said = fitted(row.said, column.width - 16, MONO_SIZE, mono=True)
        canvas.text(column.right - 8, last, said, "m bad" if row.alarm else "m q", "end")
        self._arrow(part, row, column, part.columns.bands[part.lanes[lane].location], self._y + 11)
        self._y += _ROW + last - first

    def _arrow(self, part: _Part, row: Operation, column: Column, band: Band, y: float) -> None:
        """From the box to where the operation got; a dot where a copy is kept on the way, or changed."""
        canvas = self._canvas
        towards = 1 if column.rightwards else -1
        start = column.right if column.rightwards else column.left
        if row.place is Place.NOWHERE:
            canvas.line(start, y, start + towards * 26, y, "kw kx" if row.write else "kr kx")
            x = start + towards * 34
            canvas.line(x - 5, y - 5, x + 5, y + 5, "kw kx")
            canvas.line(x - 5, y + 5, x + 5, y - 5, "kw kx")
            return
        end = band.copies if row.place is Place.COPY else part.columns.centre
        kind = "kc" if row.place is Place.COPY else "kw" if row.write else "kr"
        canvas.line(start, y, end - towards * 5, y, kind + (" kx" if row.alarm else ""))
        if row.place is Place.CENTRE:
            canvas.dot(band.copies, y, "kf" if row.write else "ko")
        canvas.dot(end, y, "kx kf" if row.alarm else "kf", 4)
        for place, said in enumerate(row.beside):
            at = (band.copies + towards * 9, y - 4 + 14 * place)
            anchor = "start" if column.rightwards else "end"
            canvas.text(*at, said, "s bad" if row.alarm else "s", anchor)

    def _box(self, part: _Part, running: _Open, bottom: float, mood: Mood, *, ends: bool) -> None:
        column, top = part.columns.columns[running.lane], running.top
        self._canvas.rect(Layer.BOXES, column.left, top, column.width, bottom - top, f"x {mood.value}", 5)
        self._canvas.rect(Layer.BOXES, column.left, top, column.width, _TITLE - 2, f"y {mood.value}", 5)
        if not ends:
            self._canvas.rect(Layer.LINES, column.left + 1, bottom - 2, column.width - 2, 4, "cut")
            self._canvas.text(column.right - 8, bottom - 4, "still runs", "s i", "end")

    def _verdict(self, part: _Part) -> None:
        left, right, top = float(GUTTER), part.columns.width - MARGIN, self._y
        canvas = self._canvas
        lines = wrapped(self._story.verdict, right - left - 60, 13)
        height = _VERDICT + 17 * (len(lines) - 1)
        canvas.rect(Layer.BOXES, left, top, right - left, height, "v")
        canvas.rect(Layer.BOXES, left, top, right - left, height, "hatch")
        canvas.rect(Layer.LINES, left + 20, top + 36, right - left - 40, 17 * len(lines) + 9, "plate", 4)
        for place, line in enumerate(lines):
            canvas.text((left + right) / 2, top + 53 + 17 * place, line, "b bad", "middle")
        self._y += 32
        part.ys[_END] = self._y
        self._y += height - 32

    def _bars(self, part: _Part, rows: list[tuple[int, Row]]) -> None:
        """Each as long as what it says holds, within this part."""
        indexes = [index for index, _ in rows]
        for bar in self._story.bars:
            if bar.lane and bar.lane not in part.columns.columns:
                continue
            if bar.first > indexes[-1] or (bar.last is not None and bar.last < indexes[0]):
                continue
            end = part.ys.get(_END, self._y)
            top = part.top if bar.first < indexes[0] else _at(part, indexes, bar.first) - 4
            bottom = end if bar.last is None or bar.last > indexes[-1] else _at(part, indexes, bar.last) - 6
            self._bar(part, bar, top, max(bottom, top + 6))

    def _bar(self, part: _Part, bar: Bar, top: float, bottom: float) -> None:
        """In a lane it stands beside the boxes, at the centre it is the line itself."""
        x = part.columns.columns[bar.lane].bar if bar.lane else part.columns.centre
        colour = self._colours.get(bar.lane, "#37474f")
        layer = Layer.LINES if bar.lane else Layer.BOXES
        self._canvas.add(layer, "rect", x=x - 3.0, y=top, width=6, height=bottom - top, fill=colour)
        length = len(bar.text) * 6.4
        at = min(bottom, top + length) if bar.lane else min(bottom, top + length + 6)
        at = max(at, part.top + length)
        x -= 7 if bar.lane else -17
        self._canvas.text(x, at, bar.text, "r", style=f"fill:{colour}", transform=f"rotate(-90 {x:.1f} {at:.1f})")

    def _ground(self, part: _Part) -> None:
        canvas, top = self._canvas, part.top - _HEADINGS
        bottom = self._y
        for band in part.columns.bands.values():
            canvas.rect(Layer.GROUND, band.left, top, band.right - band.left, bottom - top, "d", 8)
            canvas.line(band.copies, part.top, band.copies, bottom, "kp", Layer.GROUND)
        canvas.line(part.columns.centre, part.top, part.columns.centre, bottom, "kz", Layer.GROUND)


def _lines(row: Operation, width_px: float) -> list[str]:
    """The operation in as many lines as it takes, so that there is room beside the last for what came of it."""
    room = width_px - mono_px(row.said, MONO_SIZE) - 8
    if mono_px(row.what, MONO_SIZE) <= room:
        return [row.what]
    if mono_px(row.what, MONO_SIZE) <= width_px:
        return [row.what, ""]
    end = next(
        (
            at
            for at in range(len(row.what), 0, -1)
            if row.what[at - 1] in ":/ " and mono_px(row.what[:at], MONO_SIZE) <= width_px
        ),
        0,
    )
    if end and mono_px(row.what[end:], MONO_SIZE) <= room - 10:
        return [row.what[:end], row.what[end:]]
    return [fitted(row.what, width_px, MONO_SIZE, mono=True), ""]


def _at(part: _Part, indexes: list[int], moment: int) -> float:
    """How far down a moment is; one that is left out is where the rest of what is left out with it is."""
    return part.ys[next(index for index in indexes if index >= moment)]


_END = 1 << 60
_LEGEND = (
    ("kw", "a write"),
    ("kr", "a read"),
    ("kc", "answered by the location's copy"),
    ("dot", "a copy is kept"),
    ("kc kx", "stale or failed"),
)
_SANS = "font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif"
_STYLE = (
    f"text{{{_SANS};fill:#1f2933;font-size:12px}}",
    ".t{font-size:19px;font-weight:700}",
    ".h{font-size:12.5px;font-weight:700}",
    ".p{font-size:12.5px}",
    ".b{font-weight:700}",
    ".s,.r{font-size:10.5px;fill:#52606d;stroke:#fff;stroke-width:3px;paint-order:stroke;stroke-linejoin:round}",
    ".i{font-style:italic}",
    ".n{font-size:10px;fill:#7b8794}",
    ".g{font-size:11px;font-weight:700;fill:#8a5300}",
    ".r{font-weight:700}",
    f".m{{font-family:ui-monospace,Consolas,'DejaVu Sans Mono',monospace;font-size:{MONO_SIZE}px}}",
    ".c{font-size:11.5px}",
    ".w{font-weight:700}",
    ".q{fill:#52606d}",
    "text.good{fill:#1b6e2f}",
    "text.bad{fill:#b71c1c;font-weight:700}",
    ".x{fill:#fff;stroke:#52606d;stroke-width:1.4}",
    ".x.good{stroke:#2e7d32}",
    ".x.bad{stroke:#b71c1c;stroke-width:2.4}",
    ".y{fill:#52606d;fill-opacity:.12}",
    ".y.good{fill:#2e7d32}",
    ".y.bad{fill:#b71c1c}",
    ".cut{fill:#fff}",
    ".d{fill:#f3f5f7}",
    ".v{fill:#fdecec}",
    ".hatch{fill:url(#hatch)}",
    ".plate{fill:#fff;stroke:#b71c1c}",
    "path{fill:none}",
    ".kr{stroke:#52606d;stroke-width:1.2;marker-end:url(#r)}",
    ".kw{stroke:#1f2933;stroke-width:2.8;marker-end:url(#w)}",
    ".kc{stroke:#52606d;stroke-width:1.4;stroke-dasharray:5 3;marker-end:url(#r)}",
    ".kx{stroke:#b71c1c}",
    ".kc.kx{stroke-width:2.4;marker-end:url(#x)}",
    ".kw.kx{marker-end:none}",
    ".kg{stroke:#b9c2cb;stroke-dasharray:2 4}",
    ".kp{stroke:#c3cad1;stroke-width:1.2}",
    ".kz{stroke:#7b8794;stroke-width:2.4}",
    ".kf{fill:#1f2933;stroke:none}",
    ".kf.kx{fill:#b71c1c}",
    ".ko{fill:#fff;stroke:#52606d}",
)
_MARKER = (
    '<marker id="NAME-{}" markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="8" refX="8" refY="4" '
    'orient="auto"><path d="M0 0L9 4L0 8z" style="fill:{}"/></marker>'
)
_DEFINITIONS = (
    "<defs>"
    + _MARKER.format("r", "#52606d")
    + _MARKER.format("w", "#1f2933")
    + _MARKER.format("x", "#b71c1c")
    + '<pattern id="NAME-hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path d="M0 0V7" style="stroke:#e8a0a0;stroke-width:2"/></pattern></defs>'
)
