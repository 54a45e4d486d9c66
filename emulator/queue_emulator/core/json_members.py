"""A JSON array parsed member by member, so that others can go on between two of them."""

import re
from collections.abc import Iterator
from json import JSONDecodeError

from queue_emulator.core.javascript import Json, json_decoder
from queue_emulator.core.json_size import check_json_array

_SPACE = re.compile(r"[ \t\n\r]*")


class NotAnArray(ValueError):
    """Another JSON value."""


def array_members(text: str) -> Iterator[Json]:
    """The members in their order; raises NotAnArray, JsonTooLarge, or what the standard library raises for no JSON."""
    check_json_array(text)
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        _DECODER.decode(text)
        raise NotAnArray("not a JSON array")
    at = _skip(text, at + 1)
    more = text[at : at + 1] != "]"
    while more:
        member, at = _DECODER.raw_decode(text, at)
        yield member
        at = _skip(text, at)
        more = text[at : at + 1] == ","
        at = _skip(text, at + 1) if more else at
    if text[at : at + 1] != "]":
        raise JSONDecodeError("Expecting ',' delimiter", text, at)
    if (end := _skip(text, at + 1)) != len(text):
        raise JSONDecodeError("Extra data", text, end)


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    assert space is not None
    return space.end()


_DECODER = json_decoder()
