"""How much a JSON text may hold: it is looked at before it is parsed, because parsing cannot be stopped half-way.

The parser is written in C: while it works nobody else does, and an empty array of two bytes becomes an object of sixty.
"""

import re

from queue_emulator.core.json_text import JsonText
from queue_emulator.core.limits import BULK_JSON_VALUES_MAX, JSON_VALUES_MAX

LARGE_CHARACTERS, LARGE_VALUES = 65_536, 5_000  # what takes a few milliseconds at most

# A whole string, a bracket or comma outside of one, or the quote of a string without an end.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[{\]},]|"', re.DOTALL)


class JsonTooLarge(ValueError):
    """A text of more values than are parsed here; says how many are allowed."""


class JsonTooDeep(ValueError):
    """A text that is nested deeper than is parsed here."""


def check_json(text: str, *, values_max: int = JSON_VALUES_MAX, depth_max: int | None = None) -> None:
    """Raises JsonTooLarge for a text of too many values, JsonTooDeep for one that is nested too deep."""
    openings = text.count("[") + text.count("{")
    if openings + text.count(",") >= values_max or (depth_max is not None and openings > depth_max):
        _walk(text, values_max=values_max, members_max=None, depth_max=depth_max)


def check_json_array(text: str) -> None:
    """As `check_json`, of an array that is parsed member by member: each may hold as much as another text."""
    if text.count("[") + text.count("{") + text.count(",") >= JSON_VALUES_MAX:
        _walk(text, values_max=BULK_JSON_VALUES_MAX, members_max=JSON_VALUES_MAX, depth_max=None)


def large(value: object) -> bool:
    """Whether so much is in a parsed value that to write it as JSON would hold others up."""
    left, characters, seen = [value], 0, 0
    while left and characters < LARGE_CHARACTERS and seen < LARGE_VALUES:
        each = left.pop()
        seen += 1
        if isinstance(each, JsonText):
            return True
        if isinstance(each, str):
            characters += len(each)
        elif isinstance(each, dict):
            left.extend(each.values())
        elif isinstance(each, list):
            left.extend(each[:LARGE_VALUES])
    return bool(left) or characters >= LARGE_CHARACTERS


def _walk(text: str, *, values_max: int, members_max: int | None, depth_max: int | None) -> None:
    """Token by token. A text that is no JSON may pass: the parser will say so."""
    values = member = depth = 0
    for token in _TOKEN.finditer(text):
        first = text[token.start()]
        if first == "," or first in "[{":
            values += 1
            member = 0 if first == "," and depth == 1 else member + 1
            depth += first != ","
        elif first in "]}":
            depth -= 1
        elif token.end() == token.start() + 1:
            return  # a string without an end; from each quote inside of it the search would go to the end again
        if values >= values_max or (members_max is not None and member >= members_max):
            most = values_max if values >= values_max else members_max
            raise JsonTooLarge(f"more than {most:,} JSON values")
        if depth_max is not None and depth > depth_max:
            raise JsonTooDeep(f"nested deeper than {depth_max}")
