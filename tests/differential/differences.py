"""Which disagreements are intended: a predicate for each row of kv/DIFFERENCES.md that a script can meet.

A predicate is as narrow as it can be: what it does not say stays compared.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from queue_emulator.core.javascript import is_array_index, to_string
from tests.differential.answers import DEEP_JSON, Answer, Json
from tests.differential.operations import Operation

_DEEP = 500  # less than any Python refuses


@dataclass(frozen=True, slots=True)
class Exchange:
    """One operation and what each side answered."""

    operation: Operation
    now_ms: int
    here: Answer
    there: Answer


def intended(exchange: Exchange) -> str | None:
    """The id of the row that intends this disagreement, if one does."""
    if exchange.here == exchange.there:
        return None
    return next((row for row, holds in PREDICATES.items() if holds(exchange)), None)


def _nul_in_prefix(exchange: Exchange) -> bool:
    """There nothing is listed; here what starts with the prefix, and nothing else."""
    here, there = _pages(exchange)
    prefix = exchange.operation.options.get("prefix")
    if here is None or there is None or not isinstance(prefix, str) or "\0" not in prefix:
        return False
    return there["keys"] == [] and all(key["name"].startswith(prefix) for key in here["keys"])


def _listed_in_its_last_millisecond(exchange: Exchange) -> bool:
    """There keys are listed that expire in this very millisecond; without them, a page as here or the start of it."""
    here, there = _pages(exchange)
    if here is None or there is None:
        return False
    living = [key for key in there["keys"] if key.get("expiration", 0) * 1000 != exchange.now_ms]
    cut = not there["list_complete"]
    if living == there["keys"]:  # none of them on this page, but one may be what makes there be another
        return exchange.now_ms % 1000 == 0 and here["keys"] == living and cut and here["list_complete"]
    return bool(here["keys"][: len(living)] == living if cut else here["keys"] == living)


def _proto_missed_twice(exchange: Exchange) -> bool:
    """There the second `__proto__` is in the Map where the first left something to write to; here neither."""
    there = exchange.there.value
    if not exchange.operation.method.startswith("get_bulk") or exchange.here.error or not isinstance(there, tuple):
        return False
    names = list(map(to_string, exchange.operation.arguments[0]))
    without = ("map", tuple(entry for entry in there[1] if entry[0] != "__proto__"))
    return names.count("__proto__") > 1 and exchange.here.value == without


def _infinity_in_bulk(exchange: Exchange) -> bool:
    """There a number beyond all doubles comes as null; all else is the same, but for the order of some members."""
    if not exchange.operation.method.startswith("get_bulk") or exchange.here.error or exchange.there.error:
        return False
    here, there = _finite(exchange.here.value), exchange.there.value
    return here == there or (_some_index(there) and _ordered(here) == _ordered(there))


def _name_after_value(exchange: Exchange) -> bool:
    """There a value was found to be not JSON before a later key was found to be no name; here names come first."""
    here, there = exchange.here.error, exchange.there.error
    if here is None or there is None or not exchange.operation.method.startswith("get_bulk"):
        return False
    names_refused = any(text in here[1] for text in ("Key names must", "Illegal key name", "key length limit"))
    return names_refused and there[1].endswith("corresponds to a non-json value")


def _order_of_members(exchange: Exchange) -> bool:
    """JSON that is the same but for the order of members, some of which are named like array indexes."""
    if exchange.here.error or exchange.there.error:
        return False
    here, there = exchange.here.value, exchange.there.value
    return _some_index(there) and _ordered(here) == _ordered(there)


def _nested_deep(exchange: Exchange) -> bool:
    """What is read there is refused here, in words of its own or, in bulk, as not JSON."""
    error = exchange.here.error
    if error is None or _depth(exchange.there.value) < _DEEP:
        return False
    own_words = error == ("SyntaxError", "JSON nested deeper than this emulator reads")
    return own_words or error[1].endswith("corresponds to a non-json value")


def _pages(exchange: Exchange) -> tuple[Any, Any]:
    """What either side listed; None where it did not."""
    if exchange.operation.method != "list":
        return None, None
    here, there = exchange.here.value, exchange.there.value
    return here and json.loads(here.text), there and json.loads(there.text)


def _depth(value: Any) -> int:
    match value:
        case Json() if value == DEEP_JSON:
            return sys.maxsize
        case Json(text):
            steps = ({"[": 1, "{": 1, "]": -1, "}": -1}.get(character, 0) for character in text)
            return max(accumulate(steps), default=0)
        case tuple():
            return max(map(_depth, value), default=0)
    return 0


def _finite(value: Any) -> Any:
    match value:
        case Json(text):
            finite = json.loads(text, parse_constant=lambda _: None)
            return None if finite is None else Json(json.dumps(finite))
        case tuple():
            return tuple(map(_finite, value))
    return value


def _some_index(value: Any) -> bool:
    match value:
        case Json(text):
            return any(map(_indexed, _parsed(text)))
        case tuple():
            return any(map(_some_index, value))
    return False


def _parsed(text: str) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = []
    json.loads(text, object_hook=objects.append)
    return objects


def _indexed(members: dict[str, Any]) -> bool:
    return any(map(is_array_index, members))


def _ordered(value: Any) -> Any:
    match value:
        case Json(text):
            return json.dumps(json.loads(text), sort_keys=True)
        case tuple():
            return tuple(map(_ordered, value))
    return value


PREDICATES: dict[str, Callable[[Exchange], bool]] = {
    "deep-json": _nested_deep,
    "nul-in-prefix": _nul_in_prefix,
    "last-millisecond": _listed_in_its_last_millisecond,
    "proto-missed-twice": _proto_missed_twice,
    "name-after-value": _name_after_value,
    "infinity-in-bulk": _infinity_in_bulk,
    "order-of-members": _order_of_members,
}
