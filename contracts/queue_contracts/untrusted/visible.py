"""Foreign text as it is shown: nothing in it moves a cursor, changes a colour or turns the direction of reading."""

import unicodedata

_MARKS = ("Mn", "Me")
_MARKS_MAX = 8  # of which no language needs more


def visible(text: str) -> str:
    """The text with every character that is not shown as itself, line ends aside, as an escape.

    So is a mark above or below a character that has so many already: a flood of them covers the lines around.
    """
    if text.isascii() and text.isprintable():
        return text
    shown, marks = [], 0
    for each in text:
        marks = marks + 1 if unicodedata.combining(each) or unicodedata.category(each) in _MARKS else 0
        printable = each == "\n" or (each.isprintable() and marks <= _MARKS_MAX)
        shown.append(each if printable else _escaped(each))
    return "".join(shown)


def one_line(text: str, length_max: int = 300) -> str:
    """The same in one line, shortened; keys are masked before, or one could be cut in two."""
    # Of a longer text no more is looked at than is shown.
    shown = visible(" ".join(text[: length_max * 4].split()))
    return shown if len(shown) <= length_max and len(text) <= length_max * 4 else shown[:length_max] + "…"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
