"""A large JSON text looked at in steps: while code that is written in C works, nobody else does.

Each step takes a few milliseconds at most, whatever the text is: a string of 25 MiB, one of nothing but escapes, or no
JSON at all.
"""

import re
from collections.abc import Iterator

from queue_emulator.core.json_size import JsonTooDeep, JsonTooLarge

STEP_BYTES = 1 << 18  # looked at by one call
_LARGE_BYTES = 65_536

# A short string without an escape, a bracket or comma outside of one, or the quote of another string.
_TOKEN = re.compile(rb'"[^"\\]{0,1000}+"|[\[{\]},"]')
_INSIDE = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_QUOTE, _BACKSLASH = ord('"'), ord("\\")


class Unterminated(ValueError):
    """A string without an end."""

    def __init__(self) -> None:
        super().__init__("Unterminated string")


def structure(content: bytes, *, large_bytes: int = _LARGE_BYTES) -> Iterator[tuple[int, int]]:
    """Where each bracket and comma is, and where each string of `large_bytes` or more begins and ends, in order."""
    at = 0
    while at < len(content):
        stop = at + STEP_BYTES
        for token in _TOKEN.finditer(content, at, stop):
            start, end = token.span()
            if content[start] != _QUOTE:
                yield start, end
            elif end == start + 1:
                at = _end_of_string(content, start)
                if at - start >= large_bytes:
                    yield start, at
                break
            elif end - start >= large_bytes:
                yield start, end
        else:
            at = stop


class Bounds:
    """Counts the values of a text and how deep they are nested; refuses what is too much."""

    def __init__(self, *, values_max: int, members_max: int | None = None, depth_max: int | None = None) -> None:
        self._values_max, self._members_max, self._depth_max = values_max, members_max, depth_max
        self._values = self._of_member = 0
        self.depth = 0

    def meet(self, token: int) -> None:
        """A bracket or a comma; raises JsonTooLarge or JsonTooDeep."""
        if token in _CLOSING:
            self.depth -= 1
            return
        self._values += 1
        if token == _COMMA:
            self._of_member = 0 if self.depth == 1 else self._of_member + 1
        else:
            self._of_member += 1
            self.depth += 1
        if self._values >= self._values_max:
            raise JsonTooLarge(f"more than {self._values_max:,} JSON values")
        if self._members_max is not None and self._of_member >= self._members_max:
            raise JsonTooLarge(f"more than {self._members_max:,} JSON values")
        if self._depth_max is not None and self.depth > self._depth_max:
            raise JsonTooDeep(f"nested deeper than {self._depth_max}")


_COMMA, _CLOSING = ord(","), frozenset(b"]}")


def _end_of_string(content: bytes, quote: int) -> int:
    """Behind the string that begins with this quote; raises Unterminated."""
    at = quote + 1
    while at < len(content):
        inside = _INSIDE.match(content, at, at + STEP_BYTES)
        assert inside is not None
        at = inside.end()
        if content[at : at + 1] == b'"':
            return at + 1
        if content[at : at + 1] == b"\\":  # of an escape that the step has cut
            at += 2
    raise Unterminated
