"""Foreign text as it is shown: nothing in it moves a cursor, changes a colour or turns the direction of reading."""


def visible(text: str) -> str:
    """The text with every character that is not shown as itself, line ends aside, as an escape."""
    return "".join(each if each == "\n" or each.isprintable() else _escaped(each) for each in text)


def one_line(text: str, length_max: int = 300) -> str:
    """The same in one line, shortened; keys are masked before, or one could be cut in two."""
    # Of a longer text no more is looked at than is shown.
    shown = visible(" ".join(text[: length_max * 4].split()))
    return shown if len(shown) <= length_max and len(text) <= length_max * 4 else shown[:length_max] + "…"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
