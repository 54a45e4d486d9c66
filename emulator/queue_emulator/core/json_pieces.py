"""A large value written as JSON in UTF-8, piece by piece.

The encoder is written in C: while it works nobody else does, and a text of 25 MiB with one emoji in it takes four bytes
a character, as often as it is copied. So a long string is written in pieces, and of what is small many at once.
"""

from io import BytesIO
from itertools import islice

from queue_emulator.core.errors import JavaScriptError
from queue_emulator.core.javascript import ToJson, stringify_json
from queue_emulator.core.json_size import LARGE_CHARACTERS, large
from queue_emulator.core.json_text import JsonText

_MEMBERS = 1_000


def stringify_in_pieces(value: ToJson, *, characters: int = LARGE_CHARACTERS, members: int = _MEMBERS) -> bytes:
    """As `stringify_json(value).encode()`; a piece has so many characters, or an object's or array's members."""
    pieces = _Pieces(characters, members)
    try:
        pieces.write(value)
    except RecursionError:
        raise JavaScriptError("JSON nested deeper than this emulator writes") from None
    return pieces.written.getvalue()


class _Pieces:
    def __init__(self, characters: int, members: int) -> None:
        self.written = BytesIO()  # which gives its buffer away: pieces that are joined are there twice
        self._characters = characters
        self._members = members

    def write(self, value: ToJson) -> None:
        if isinstance(value, str):
            self._write_text(value)
        elif isinstance(value, dict) and value:
            self._write_object(value)
        elif isinstance(value, list) and value:
            self._write_array(value)
        elif isinstance(value, JsonText):
            self.written.write(value.content)
        else:
            self.written.write(stringify_json(value).encode())

    def _write_text(self, text: str) -> None:
        """A character is never cut: a surrogate stands alone here, and is escaped."""
        starts = range(0, len(text), self._characters)
        pieces = (stringify_json(text[start : start + self._characters])[1:-1].encode() for start in starts)
        self.written.writelines([b'"', *pieces, b'"'])

    def _write_object(self, value: dict[str, ToJson]) -> None:
        between, members = b"{", iter(value.items())
        while part := dict(islice(members, self._members)):
            if not large(part):
                self.written.writelines([between, stringify_json(part)[1:-1].encode()])
                between = b","
                continue
            for name, member in part.items():
                self.written.write(between)
                self._write_text(name)
                self.written.write(b":")
                self.write(member)
                between = b","
        self.written.write(b"}")

    def _write_array(self, value: list[ToJson]) -> None:
        between = b"["
        for start in range(0, len(value), self._members):
            part = value[start : start + self._members]
            if not large(part):
                self.written.writelines([between, stringify_json(part)[1:-1].encode()])
                between = b","
                continue
            for member in part:
                self.written.write(between)
                self.write(member)
                between = b","
        self.written.write(b"]")
