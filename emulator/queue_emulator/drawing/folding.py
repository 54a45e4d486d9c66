"""Long runs made short: what repeats is left out of a picture, and said in words."""

from collections import Counter
from collections.abc import Sequence

from queue_emulator.drawing.story import Begin, Chapter, End, Fold, Moment, Mood, Operation, Row

_OPERATIONS_MAX = 10  # of one request in a row, with nothing between that people should look at
_REQUESTS_MAX = 4  # of one lane in a row
_KEPT_FIRST, _KEPT_LAST = 3, 2

Indexed = tuple[int, Row]
"""A row, and which of the moments it is, or the last that it stands for."""


def folded(moments: Sequence[Moment]) -> list[Indexed]:
    """The rows to draw."""
    rows: list[Indexed] = []
    for run in _runs(moments):
        if len(run) > _REQUESTS_MAX:
            rows += _flat(run[:1])
            rows.append(_requests_fold(run[1:-1]))
            rows += _flat(run[-1:])
        else:
            rows += _flat(run)
    return _fold_operations(rows)


_Request = list[tuple[int, Moment]]


def _runs(moments: Sequence[Moment]) -> list[list[_Request]]:
    """Whole requests of one lane, one after the other, together; everything else by itself."""
    runs: list[list[_Request]] = []
    lane, start = "", 0
    while start < len(moments):
        request = _whole_request(moments, start)
        first = moments[start]
        if request is None or not isinstance(first, Begin):
            runs.append([[(start, first)]])
            lane, start = "", start + 1
            continue
        if first.lane == lane:
            runs[-1].append(request)
        else:
            runs.append([request])
        lane, start = first.lane, start + len(request)
    return runs


def _whole_request(moments: Sequence[Moment], start: int) -> _Request | None:
    """From a Begin to its End if nobody else comes between, and nothing in it is to be looked at."""
    begin = moments[start]
    if not isinstance(begin, Begin):
        return None
    request: _Request = []
    for index in range(start, len(moments)):
        moment = moments[index]
        if isinstance(moment, Chapter) or moment.number != begin.number or _to_look_at(moment):
            return None
        request.append((index, moment))
        if isinstance(moment, End):
            return request
    return None


def _to_look_at(moment: Moment) -> bool:
    return (isinstance(moment, Operation) and moment.alarm) or (isinstance(moment, End) and moment.mood is Mood.BAD)


def _flat(run: list[_Request]) -> list[Indexed]:
    return [indexed for request in run for indexed in request]


def _requests_fold(run: list[_Request]) -> Indexed:
    counts: Counter[str] = Counter()
    operations = 0
    for request in run:
        begin = request[0][1]
        counts[begin.title if isinstance(begin, Begin) else ""] += 1
        operations += sum(isinstance(moment, Operation) for _, moment in request)
    first = run[0][0][1]
    assert isinstance(first, Begin)
    said = ", ".join(f"{count} times {title}" for title, count in counts.items())
    index, last = run[-1][-1]
    return index, Fold(None, last.at_ms, first.lane, f"… {said} ({operations} KV operations)")


def _fold_operations(rows: list[Indexed]) -> list[Indexed]:
    kept: list[Indexed] = []
    start = 0
    while start < len(rows):
        end = start
        while end < len(rows) and _goes_on(rows[start][1], rows[end][1]):
            end += 1
        if end - start > _OPERATIONS_MAX:
            left_out = rows[start + _KEPT_FIRST : end - _KEPT_LAST]
            index, last = left_out[-1]
            assert isinstance(last, Operation)
            fold = Fold(last.number, last.at_ms, "", f"… {len(left_out)} more: {_kinds(left_out)}")
            kept += [*rows[start : start + _KEPT_FIRST], (index, fold), *rows[end - _KEPT_LAST : end]]
        else:
            kept += rows[start : max(end, start + 1)]
        start = max(end, start + 1)
    return kept


def _goes_on(first: Row, row: Row) -> bool:
    return isinstance(first, Operation) and isinstance(row, Operation) and row.number == first.number and not row.alarm


def _kinds(rows: list[Indexed]) -> str:
    counts = Counter(row.what.partition(" ")[0] for _, row in rows if isinstance(row, Operation))
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())
