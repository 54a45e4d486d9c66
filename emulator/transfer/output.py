"""Writing what is made piece by piece to standard output."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from emulator.core.errors import SettingsError

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
        _give_up()
        raise ClosedPipe from None
    except OSError as error:
        _give_up()
        raise SettingsError(f"the output could not be written whole: {error.strerror or error}") from None


def _give_up() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_whole(stream: BinaryIO, content: bytes) -> None:
    """All of it: a stream without a buffer, as Python's output is under PYTHONUNBUFFERED, may take a part at a time."""
    left = memoryview(content)
    while left:
        left = left[stream.write(left) :]


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
                    write_whole(sys.stdout.buffer, "".join(buffered).encode())
                    buffered.clear()
                    size = 0
            write_whole(sys.stdout.buffer, "".join(buffered).encode())
    except ClosedPipe:
        return PIPE_CLOSED
    return 0
