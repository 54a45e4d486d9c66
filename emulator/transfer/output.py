"""Writing what is made piece by piece to standard output."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

PIPE_CLOSED = 1
_BUFFERED_CHARACTERS = 1 << 20


class ClosedPipe(Exception):
    """Who read the output wants no more of it."""


@contextmanager
def standard_output() -> Iterator[None]:
    """Turns the end of a pipe's reader, as of `head`, into ClosedPipe; nothing more is then written at exit."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ClosedPipe from None


def write_out(pieces: Iterable[str]) -> int:
    """All pieces as UTF-8; returns the exit code."""
    buffered: list[str] = []
    size = 0
    try:
        with standard_output():
            for piece in pieces:
                buffered.append(piece)
                size += len(piece)
                if size >= _BUFFERED_CHARACTERS:
                    sys.stdout.buffer.write("".join(buffered).encode())
                    buffered.clear()
                    size = 0
            sys.stdout.buffer.write("".join(buffered).encode())
    except ClosedPipe:
        return PIPE_CLOSED
    return 0
