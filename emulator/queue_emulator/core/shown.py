"""How text that somebody else wrote is shown: so that it can neither move the cursor nor look like a line of ours.

Keys, paths, titles, exceptions, a server's words: whatever is written for people goes through one of these.
"""

import json
import re
import unicodedata

from queue_emulator.core.json_text import JsonText

# Everything that moves the cursor, colours, reorders or hides text: controls, lone surrogates, other ends of a line,
# and what Unicode calls default-ignorable, except the joiners and variation selectors that emoji and many scripts are
# written with. https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt (2026-11-30)
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Marks stand above, below and in the character before them: a flood of them covers the lines around. No language needs
# so many; https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format lets 30 pass, five lines of a terminal.
_MARKS_MAX = 8
_NO_WIDTH = "\u200c\u200d\ufe0e\ufe0f"
_MAY_HAVE_MARKS = re.compile(f"[\u0300-\U0010ffff]{{{_MARKS_MAX + 1},}}")
_NOT_INDENTED = re.compile("\n(?! {4})")


def block(text: str) -> str:
    """One message, its line breaks kept: each line but the first is indented, so that none looks like a message.

    What is shown already stays as it is.
    """
    if text.isascii() and text.isprintable():
        return text
    return _NOT_INDENTED.sub("\n    ", _harmless(text.replace("\r\n", "\n")).rstrip("\n"))


def one_line(text: str) -> str:
    """A text in one line, its line breaks as escapes."""
    return text if text.isascii() and text.isprintable() else _harmless(text).replace("\n", "\\n")


def json_value(value: object, characters_max: int = 80) -> str:
    """A value that was read from JSON or TOML, in one line and as it is written there; a text in the usual quotes."""
    if isinstance(value, str):
        written = repr(value[:characters_max])
    elif isinstance(value, JsonText):
        written = value.beginning(characters_max)
    else:  # no more of it than is shown: a whole value may be as large as a body
        written = ""
        for piece in json.JSONEncoder(ensure_ascii=False, default=_other).iterencode(value):
            written += piece[:characters_max]
            if len(written) >= characters_max:
                break
    return one_line(written[:characters_max])


def counted(count: int, one: str, many: str) -> str:
    """How many of something: `1 key`, `1,000 keys`."""
    return f"{count:,} {one if count == 1 else many}"


def _other(value: object) -> str:
    return value.beginning(80) if isinstance(value, JsonText) else str(value)


def _harmless(text: str) -> str:
    return _MAY_HAVE_MARKS.sub(_without_floods, _HIDDEN.sub(_escape, text))


def _without_floods(found: re.Match[str]) -> str:
    shown, marks = [], 0
    for each in found[0]:
        marks = marks + 1 if each in _NO_WIDTH or unicodedata.category(each) in ("Mn", "Me") else 0
        shown.append(each if marks <= _MARKS_MAX else json.dumps(each)[1:-1])
    return "".join(shown)


def _escape(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]  # as JSON spells it, so that shown JSON stays JSON
