"""A JSON array read member by member, in memory for the largest member only.

The standard library decodes a whole text or, with `raw_decode`, one value at its beginning. A member is decoded when
what was read holds it whole; an error near the end of what was read may only mean that more is to come.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from json import JSONDecodeError

from queue_emulator.core.bulk import NOT_AN_ARRAY
from queue_emulator.core.errors import BulkDataError
from queue_emulator.core.javascript import Json, json_decoder
from queue_emulator.core.json_size import JsonTooLarge, check_json

_SPACE = re.compile(r"[ \t\n\r]*")
_PERHAPS_CUT_OFF = 12  # characters: a surrogate pair as \ud83d\ude00 is what is longest and not yet wrong
_MEMBER_CHARACTERS_MAX = 200_000_000  # a value of 25 MiB, each byte of it escaped


def array_members(chunks: Iterable[bytes]) -> Iterator[Json]:
    """The members of the UTF-8 JSON array that the chunks make; raises BulkDataError saying where it is wrong."""
    text = _Text(_decoded(chunks))
    first = text.next_character()
    if first != "[":
        _refuse_what_is_no_array(text, first)
    text.skip(1)
    if text.next_character() == "]":
        text.skip(1)
    else:
        yield from _members(text)
    if text.next_character():
        raise text.error("Extra data", 0)


def _members(text: "_Text") -> Iterator[Json]:
    while True:
        yield text.value()
        character = text.next_character()
        text.skip(1)
        if character == "]":
            return
        if character != ",":
            text.skip(-1)
            raise text.error("Expecting ',' delimiter", 0)
        text.next_character()


def _refuse_what_is_no_array(text: "_Text", first: str) -> None:
    if first:
        text.value()  # whatever is wrong with it is said first
        if not text.next_character():
            raise BulkDataError(NOT_AN_ARRAY)
        raise text.error("Extra data", 0)
    raise text.error("Expecting value", 0)


class _Text:
    """What is read of the text and not yet used, and how many characters and lines were used."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._rest = ""
        self._at = 0
        self._used = 0
        self._lines = 0
        self._line_start = 0  # in characters from the beginning of the text

    def next_character(self) -> str:
        """The next one that is no white space, without using it; "" at the end."""
        while True:
            if self._at < len(self._rest) and self._rest[self._at] > " ":
                return self._rest[self._at]
            space = _SPACE.match(self._rest, self._at)
            assert space is not None
            self._at = space.end()
            if self._at < len(self._rest):
                return self._rest[self._at]
            if not self._more(1):
                return ""

    def skip(self, count: int) -> None:
        self._at += count

    def value(self) -> Json:
        """Decode and use the next value."""
        value: Json
        while True:
            try:
                value, end = _DECODER.raw_decode(self._rest, self._at)
            except RecursionError:
                raise BulkDataError("JSON nested too deep") from None
            except JSONDecodeError as error:
                offset = error.pos - self._at  # reading on drops what is used
                if not self._cut_off(error) or not self._more((len(self._rest) - self._at) // 4 + 1):
                    raise self.error(error.msg, offset) from None
                self._require_few()
            except ValueError as error:  # NaN and Infinity
                raise BulkDataError(f"not JSON: {error}") from None
            else:
                length = end - self._at
                if end + _PERHAPS_CUT_OFF < len(self._rest) or not self._more(_PERHAPS_CUT_OFF):
                    self._at += length
                    return value

    def error(self, why: str, offset: int) -> BulkDataError:
        """What the standard library says of the whole text."""
        position = self._at + offset
        lines = self._lines + self._rest.count("\n", 0, position)
        newline = self._rest.rfind("\n", 0, position)
        start = self._used + newline + 1 if newline >= 0 else self._line_start
        place = self._used + position
        return BulkDataError(f"not JSON: {why}: line {lines + 1} column {place - start + 1} (char {place})")

    def _cut_off(self, error: JSONDecodeError) -> bool:
        """Whether the value may be whole once more is read."""
        if len(self._rest) - self._at > _MEMBER_CHARACTERS_MAX:
            return False
        return error.msg.startswith("Unterminated string") or error.pos >= len(self._rest) - _PERHAPS_CUT_OFF

    def _require_few(self) -> None:
        """Of a member that is not whole yet: decoded, it takes up to fifty times as much as its text."""
        try:
            check_json(self._rest[self._at :])
        except JsonTooLarge as error:
            raise BulkDataError(str(error)) from None

    def _more(self, characters: int) -> bool:
        """Read at least so many more: in steps of a quarter, decoding again costs five times as much at most."""
        used, self._rest = self._rest[: self._at], self._rest[self._at :]
        newline = used.rfind("\n")
        if newline >= 0:
            self._line_start = self._used + newline + 1
            self._lines += used.count("\n")
        self._used += len(used)
        self._at = 0
        pieces, length = [self._rest], 0
        while length < characters:
            piece = next(self._pieces, None)
            if piece is None:
                break
            pieces.append(piece)
            length += len(piece)
        self._rest = "".join(pieces)
        return length > 0


def _decoded(chunks: Iterable[bytes]) -> Iterator[str]:
    """The text piece by piece, none of them empty; raises BulkDataError naming the byte that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    before = 0
    first = True
    for chunk, final in _with_the_last_marked(chunks):
        pending = len(decoder.getstate()[0])
        try:
            piece = decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            raise BulkDataError(f"not UTF-8 at byte {before - pending + error.start}") from None
        before += len(chunk)
        if first and piece:
            piece = piece.removeprefix("\ufeff")
            first = False
        if piece:
            yield piece


def _with_the_last_marked(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    for chunk in chunks:
        yield chunk, False
    yield b"", True


_DECODER = json_decoder()
