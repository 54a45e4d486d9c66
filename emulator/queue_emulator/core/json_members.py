"""A JSON array parsed member by member, so that others can go on between two of them."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from json import JSONDecodeError

from queue_emulator.core.javascript import Json, json_decoder
from queue_emulator.core.json_rewriting import WHOLE_BYTES, Members, read_object
from queue_emulator.core.json_size import check_json_array
from queue_emulator.core.json_tokens import Bounds, structure
from queue_emulator.core.limits import BULK_JSON_VALUES_MAX, JSON_DEPTH_MAX, JSON_VALUES_MAX

LARGE_BYTES = 65_536  # of a text that is not decoded as a whole

_SPACES = b" \t\n\r"  # JSON's own: bytes.strip() takes others too
_SPACE = re.compile(r"[ \t\n\r]*")


class NotAnArray(ValueError):
    """Another JSON value."""


def members_of(content: bytes, *, large_bytes: int = LARGE_BYTES) -> Iterator[Json | Members]:
    """As `array_members`, of UTF-8: of a large text each member is decoded alone, a large one in parts."""
    if len(content) < large_bytes:
        yield from array_members(content.decode("utf-8-sig"))
        return
    content = content.removeprefix(BOM_UTF8)
    bounds = Bounds(values_max=BULK_JSON_VALUES_MAX, members_max=JSON_VALUES_MAX, depth_max=JSON_DEPTH_MAX)
    if content.lstrip(_SPACES)[:1] != b"[":
        raise NotAnArray("not a JSON array")
    start = end = content.index(b"[") + 1
    for at, _ in structure(content):
        if content[at] != _QUOTE:
            bounds.meet(content[at])
        if bounds.depth == 1 and content[at] == _COMMA:
            yield _member(content, start, at)
            start = at + 1
        elif bounds.depth == 0:
            end = at + 1
            if content[start:at].strip(_SPACES) or content[start - 1] == _COMMA:
                yield _member(content, start, at)
            break
    if content[end - 1 : end] != b"]":
        raise ValueError("the array has no end")
    if content[end:].strip(_SPACES):
        raise ValueError(f"Extra data: byte {end}")


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


def _member(content: bytes, start: int, end: int) -> Json | Members:
    """What stands between two commas."""
    member = content[start:end]
    try:
        if len(member) >= WHOLE_BYTES:
            members = read_object(member, decode=_DECODER.decode, each_once=False)
            return _NO_ENTRY if members is None else members
        parsed: Json = _DECODER.decode(member.decode())
    except UnicodeDecodeError as error:
        raise UnicodeDecodeError("utf-8", content, start + error.start, start + error.end, error.reason) from None
    except JSONDecodeError as error:
        raise ValueError(f"{error.msg} in the member that begins at byte {start}") from None
    return parsed


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    assert space is not None
    return space.end()


_DECODER = json_decoder()
_NO_ENTRY: Json = []
_COMMA, _QUOTE = ord(","), ord('"')
