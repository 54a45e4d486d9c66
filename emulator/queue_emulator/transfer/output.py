"""Writing to standard output: what is made piece by piece, and lines for people."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from queue_emulator.core.errors import SettingsError
from queue_emulator.core.shown import one_line

PIPE_CLOSED = 1
_BUFFERED_CHARACTERS = 1 << 20


class ClosedPipe(Exception):
    """Who read the output wants no more of it."""


@contextmanager
def standard_output() -> Iterator[BinaryIO]:
    """The stream of its bytes. Turns the end of a pipe's reader, as of `head`, into ClosedPipe.

    Raises SettingsError for an output that is closed or full. Nothing more is then written at exit.
    """
    if sys.stdout is None:
        raise SettingsError("nowhere to write: standard output is closed")
    try:
        yield sys.stdout.buffer
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up()
        raise ClosedPipe from None
    except OSError as error:
        _give_up()
        raise SettingsError(f"the output could not be written completely: {error.strerror or error}") from None


def _give_up() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_whole(stream: BinaryIO, content: bytes) -> None:
    """All of it: a stream without a buffer, as Python's output is under PYTHONUNBUFFERED, may take a part at a time."""
    left = memoryview(content)
    while left:
        left = left[stream.write(left) :]


def write_out(pieces: Iterable[str]) -> None:
    """All pieces as UTF-8; raises as `standard_output` does."""
    buffered: list[str] = []
    size = 0
    with standard_output() as stream:
        for piece in pieces:
            buffered.append(piece)
            size += len(piece)
            if size >= _BUFFERED_CHARACTERS:
                write_whole(stream, "".join(buffered).encode())
                buffered.clear()
                size = 0
        write_whole(stream, "".join(buffered).encode())


def width_of_terminal() -> int | None:
    """How many characters a line of the terminal has; None where the output goes elsewhere, and is not shortened."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    with suppress(OSError, ValueError):
        return os.get_terminal_size(sys.stdout.fileno()).columns or None  # some terminals say 0
    return None


def say(*lines: str, colour: str = "") -> None:
    """Lines for people, at once, with nothing in them that a terminal would obey; a line break in one is no new line.

    `colour` is a code of ECMA-48, for a terminal alone. Where standard output is closed, nobody listens. Raises as
    `standard_output` does.
    """
    if sys.stdout is not None:
        with standard_output():
            shown = list(map(one_line, lines))
            if colour and sys.stdout.isatty():
                shown = [f"\x1b[{colour}m{line}\x1b[0m" for line in shown]
            print(*shown, sep="\n")
