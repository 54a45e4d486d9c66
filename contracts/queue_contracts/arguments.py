"""What options take, for every command, and what is said of anything else. It imports nothing that could be missing."""

from argparse import ArgumentTypeError
from typing import NoReturn


def rate(text: str) -> int:
    """`45/min`, or the number alone."""
    number = text.removesuffix("/min")
    return int(number) if _whole(number) and 0 < int(number) <= 6000 else _refuse("from 1/min to 6000/min", text)


def whole(text: str) -> int:
    """A whole number, zero included."""
    return int(text) if _whole(text) else _refuse("a whole number", text)


def count(text: str) -> int:
    """A whole number from one on."""
    return int(text) if _whole(text) and int(text) > 0 else _refuse("a whole number above zero", text)


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 7


def _refuse(wanted: str, text: str) -> NoReturn:
    raise ArgumentTypeError(f"must be {wanted}, not {text!r}")
