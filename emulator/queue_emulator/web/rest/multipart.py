"""The body of a write with metadata: multipart/form-data, its parts as bytes, with or without types of their own.

RFC 7578. A part without a file name is bytes too: clients send values so that are no text.
"""

from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

PARTS_MAX = 100  # two have a meaning; half a million, which fit in a body, take seconds to be read


class MultipartError(ValueError):
    """A body that is not multipart/form-data, or not whole."""


def is_multipart(content_type: str) -> bool:
    return parse_options_header(content_type)[0] == b"multipart/form-data"


def parse_parts(content_type: str, content: bytes) -> dict[str, bytes]:
    """The content of each part by its name, the last of a name; raises MultipartError."""
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise MultipartError("its Content-Type names no boundary")
    parts = _Parts()
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        parser.write(content)
        parser.finalize()
    except FormParserError as error:
        raise MultipartError(str(error)) from None
    if not parts.ended:
        raise MultipartError("it ends before its last boundary")
    return parts.by_name


class _Parts:
    """What the parser tells, piece by piece."""

    def __init__(self) -> None:
        self.by_name: dict[str, bytes] = {}
        self.ended = False
        self._begun = 0
        self._headers: dict[bytes, bytes] = {}
        self._field = self._value = b""
        self._data: list[bytes] = []

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._begun += 1
        if self._begun > PARTS_MAX:
            raise MultipartError(f"more than {PARTS_MAX} parts")
        self._headers, self._data = {}, []

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def _part_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        if b"name" not in options:
            raise MultipartError("a part has no name")
        self.by_name[options[b"name"].decode("utf-8", "replace")] = b"".join(self._data)

    def _end(self) -> None:
        self.ended = True
