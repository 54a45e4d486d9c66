"""Writing to standard error, which with `say` of transfer/output.py is the only way to the terminal."""

import sys
from contextlib import suppress

from queue_emulator.core.shown import block


def tell(message: str, colour: str = "") -> None:
    """One message, at once, with nothing in it that a terminal would obey; dropped if nobody reads there any more.

    `colour` is a code of ECMA-48 (31 is red), for a terminal alone: https://en.wikipedia.org/wiki/ANSI_escape_code#SGR
    """
    if colour and sys.stderr is not None and sys.stderr.isatty():
        _write(f"\x1b[{colour}m{block(message)}\x1b[0m\n")
    else:
        _write(block(message) + "\n")


def ask(question: str) -> str:
    """The line that is answered at the terminal."""
    _write(block(question))
    return sys.stdin.readline().strip()


def _write(text: str) -> None:
    if sys.stderr is not None:
        with suppress(BrokenPipeError):
            print(text, end="", file=sys.stderr, flush=True)
