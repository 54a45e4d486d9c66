"""A large JSON object read in steps, and of its members what is large written as JSON again at once.

A text of 25 MiB with one emoji in it is 100 MiB as a string of Python's, and an empty array of two bytes an object of
sixty. So only as much is parsed at a time as takes a few milliseconds, and what a Worker passes on stays bytes. They
are collected in a BytesIO, whose getvalue() gives its buffer away; pieces that are joined are there twice.
"""

import json
import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import TypeAlias

from queue_emulator.core.javascript import Json, stringify_json
from queue_emulator.core.json_text import JsonText
from queue_emulator.core.json_tokens import Bounds, structure
from queue_emulator.core.limits import JSON_DEPTH_MAX, JSON_VALUES_MAX

PART_BYTES = 8_192  # parsed at once; as objects of Python's it may take fifty times as much
WHOLE_BYTES = 16_384  # what has less is not worth to be read in parts
Members: TypeAlias = dict[str, Json | JsonText]

_OPENING = {ord("["): ord("]"), ord("{"): ord("}")}
_COMMA, _QUOTE, _ARRAY = ord(","), ord('"'), ord("[")
_SPACE = b" \t\n\r"
_COMPARED = 2_000  # names of one object
_COLON = re.compile(rb"[ \t\n\r]*+:")
# Of the inside of a string as much as can be parsed alone: no character of UTF-8, escape or surrogate pair is cut.
_WHOLE = re.compile(
    rb"(?:[^\\\x80-\xff]++|[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xff][\x80-\xbf]{3}"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\[^u])*+",
    re.DOTALL,
)


def read_object(
    content: bytes,
    *,
    decode: Callable[[str], Json],
    depth_max: int = JSON_DEPTH_MAX,
    part_bytes: int = PART_BYTES,
    each_once: bool = True,
) -> Members | None:
    """The members of the UTF-8 object, those as JSON that have `part_bytes` or more; None if it is another value.

    `decode` parses a part, and raises ValueError for what is refused in it. Raises JsonTooLarge or JsonTooDeep, and
    ValueError for no JSON, half of a surrogate pair in a large string, and with `each_once` a name that stands twice;
    else the last one counts, as in JSON.parse.
    """
    first = content.lstrip(_SPACE)[:1]
    if first == b'"' and len(content) >= part_bytes:
        _check_string(content.strip(_SPACE), decode, part_bytes)
    elif first not in (b"{", b"["):
        decode(content.decode())
    if first not in (b"{", b"["):
        return None
    rewriting = _Rewriting(content, decode, part_bytes, each_once=each_once)
    bounds = Bounds(values_max=JSON_VALUES_MAX, depth_max=depth_max)
    for start, end in structure(content, large_bytes=part_bytes):
        if content[start] != _QUOTE:
            bounds.meet(content[start])
        rewriting.meet(start, end)
    rewriting.finish()
    return rewriting.members if rewriting.is_object else None


def utf8_of(text: JsonText) -> bytes:
    """What a string says, in UTF-8; raises UnicodeEncodeError for a lone surrogate."""
    parts = _parts(text.content, 1, len(text.content) - 1, PART_BYTES)
    decode = json.JSONDecoder().decode
    return b"".join(decode(f'"{part.decode()}"').encode() for part in parts)


@dataclass(slots=True)
class _Open:
    """An array or object whose end has not come.

    since    where begins what of it has not been parsed
    comma    its last comma, which may lie before `since`
    begun    whether its bracket is written already
    wants    whether a member has to follow: behind a comma
    closed   whether what comes next is a comma or its end: behind a member that was written apart
    names    of an object, the hashes of its names
    """

    kind: int
    at: int
    since: int
    comma: int = -1
    outermost: bool = False
    begun: bool = False
    written: bool = False
    wants: bool = False
    closed: bool = False
    names: "array[int]" = field(default_factory=lambda: array("q"))


class _Rewriting:
    def __init__(self, content: bytes, decode: Callable[[str], Json], part_bytes: int, *, each_once: bool) -> None:
        self.members: Members = {}
        self.is_object = False
        self._content = content
        self._decode = decode
        self._part_bytes = part_bytes
        self._each_once = each_once
        self._open: list[_Open] = []
        self._ended_at: int | None = None
        self._parsed_to = 0
        self._out = BytesIO()
        self._name = ""

    def meet(self, start: int, end: int) -> None:
        """A bracket, a comma or a large string."""
        token = self._content[start]
        if self._ended_at is not None:
            raise ValueError("something stands behind the value")
        if token in _OPENING:
            self._begin(token, start)
        elif not self._open:
            raise ValueError("no value begins here")
        elif token == _QUOTE:
            self._large_string(start, end)
        elif token == _COMMA:
            self._comma(start)
        else:
            self._end(token, start)

    def finish(self) -> None:
        if self._ended_at is None:
            raise ValueError("the text ends too early")
        self._only_space(self._ended_at, len(self._content))

    def _begin(self, kind: int, at: int) -> None:
        if not self._open:
            self._only_space(0, at)
            self.is_object = kind != _ARRAY
            self._open.append(_Open(kind, at, at + 1, outermost=True, begun=True))
            return
        if self._open[-1].closed:
            raise ValueError("a comma is missing")
        self._open.append(_Open(kind, at, at + 1))
        if at - self._parsed_to >= self._part_bytes:
            self._write_up_to(at + 1)

    def _comma(self, at: int) -> None:
        top = self._open[-1]
        if top.closed:
            self._only_space(top.since, at)
            top.since, top.closed, top.wants = at + 1, False, True
        top.comma = at
        if at - self._parsed_to >= self._part_bytes:
            self._write_up_to(at + 1)

    def _large_string(self, start: int, end: int) -> None:
        if _COLON.match(self._content, end):
            return  # a name, which is parsed with what stands behind it
        top = self._open[-1]
        if top.closed:
            raise ValueError("a comma is missing")
        self._write_up_to(start)
        self._name_before(top, start)
        self._out.writelines(self._string(start, end))
        self._member_written(end)

    def _end(self, token: int, at: int) -> None:
        top = self._open.pop()
        if token != _OPENING[top.kind]:
            raise ValueError("brackets do not match")
        if not top.begun:
            return
        if top.closed:
            self._only_space(top.since, at)
        else:
            self._write_members(top, at, last=True)
        if self._each_once and _twice(top.names):
            raise ValueError("a member name stands twice")
        self._parsed_to = at + 1
        if self._open:
            self._out.write(b"]" if top.kind == _ARRAY else b"}")
            self._member_written(at + 1)
        else:
            self._ended_at = at + 1

    def _member_written(self, end: int) -> None:
        """What was written apart is a member of what is open."""
        top = self._open[-1]
        top.since, top.closed, top.written, top.wants = end, True, True, False
        self._parsed_to = end
        if len(self._open) == 1:
            if self.is_object:
                self._keep(self._name, JsonText(self._out.getvalue()))
            self._out = BytesIO()

    def _write_up_to(self, at: int) -> None:
        """Everything that is whole; what is open begins in what is written."""
        inner = [*self._open[1:], None]
        for each, within in zip(self._open, inner, strict=True):
            if within is not None and within.begun:
                continue
            if each.comma >= each.since:
                self._write_members(each, each.comma, last=False)
                each.since, each.wants = each.comma + 1, True
            if within is not None:
                self._name_before(each, within.at)
                self._out.write(b"[" if within.kind == _ARRAY else b"{")
                within.begun = True
        self._parsed_to = at

    def _name_before(self, parent: _Open, at: int) -> None:
        """What stands before a member that is written apart: in an object its name, and a comma between two."""
        before = self._content[parent.since : at].strip(_SPACE)
        if parent.written and not parent.outermost:
            self._out.write(b",")
        if parent.kind == _ARRAY:
            self._only_space(parent.since, at)
            return
        if not before.endswith(b":"):
            raise ValueError("a name is missing")
        name = self._decoded(before[:-1])
        if not isinstance(name, str):
            raise ValueError("a name must be a string")
        if parent.outermost:
            self._name = name
            return
        parent.names.append(hash(name))
        self._out.writelines([stringify_json(name).encode(), b":"])

    def _write_members(self, each: _Open, end: int, *, last: bool) -> None:
        """The members of `each` that stand before `end` and are not yet written."""
        text = self._content[each.since : end]
        if not text.strip(_SPACE):
            if each.wants or not last:
                raise ValueError("a member is missing")
            return
        parsed = self._decoded(b"[%b]" % text if each.kind == _ARRAY else b"{%b}" % text)
        if each.outermost:
            for name, member in parsed.items() if isinstance(parsed, dict) else ():
                self._keep(name, member)
            return
        if isinstance(parsed, dict):
            each.names.extend(map(hash, parsed))
        self._out.writelines([b"," if each.written else b"", stringify_json(parsed)[1:-1].encode()])
        each.written = True

    def _keep(self, name: str, member: Json | JsonText) -> None:
        if self._each_once and name in self.members:
            raise ValueError("a member name stands twice")
        self.members[name] = member

    def _decoded(self, content: bytes) -> Json:
        return self._decode(content.decode())

    def _string(self, start: int, end: int) -> Iterator[bytes]:
        yield b'"'
        for part in _parts(self._content, start + 1, end - 1, self._part_bytes):
            yield stringify_json(self._decoded(b'"%b"' % part))[1:-1].encode()
        yield b'"'

    def _only_space(self, start: int, end: int) -> None:
        if self._content[start:end].strip(_SPACE):
            raise ValueError("something else stands here")


def _check_string(content: bytes, decode: Callable[[str], Json], part_bytes: int) -> None:
    """Raises ValueError unless the text is one string; a part at a time, as `_Rewriting` reads those in an object."""
    if len(content) < 2 or not content.endswith(b'"'):
        raise ValueError("a string without an end")
    for part in _parts(content, 1, len(content) - 1, part_bytes):
        decode(f'"{part.decode()}"')


def _twice(hashes: "array[int]") -> bool:
    """Whether one of them stands there twice; a share of them at a time, because a set takes ten times their size."""
    shares = [array("q") for _ in range(len(hashes) // _COMPARED + 1)]
    for each in hashes:
        shares[each % len(shares)].append(each)
    return any(len(set(share)) < len(share) for share in shares)


def _parts(content: bytes, at: int, end: int, part_bytes: int) -> Iterator[bytes]:
    """The inside of a string, in parts that can be parsed alone."""
    while at < end:
        whole = _WHOLE.match(content, at, min(at + part_bytes, end))
        if whole is None or whole.end() == at:
            raise ValueError("neither a character nor an escape")
        yield whole[0]
        at = whole.end()
