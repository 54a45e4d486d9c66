"""`.dev.vars` as wrangler reads it: by the rules of npm's dotenv, which differ from those of other readers.

https://github.com/motdotla/dotenv#rules ; checked against wrangler 4.164.0. What dotenv passes over without a word, a
line that is neither blank nor comment nor NAME=VALUE, is refused here.
"""

import re

from queue_emulator.core.errors import SettingsError

_NAME = re.compile(r"[^\S\n]*(?:export[^\S\n]+)?([\w.-]+)(?:[^\S\n]*=|:[^\S\n])[^\S\n]*")
_SKIPPED = re.compile(r"[^\S\n]*(?:#.*)?(?:\n|\Z)")
_PLAIN = re.compile(r"([^#\n]*)(?:#.*)?(?:\n|\Z)")
# A quoted value may hold line breaks, and its own quote after a backslash, which stays.
_QUOTED = {
    quote: re.compile(rf"{quote}((?:\\{quote}|[^{quote}])*){quote}[^\S\n]*(?:#.*)?(?:\n|\Z)") for quote in "'\"`"
}


def parse_dev_vars(text: str) -> dict[str, str]:
    """Values by name, the last of a name; raises SettingsError that names the line, and not what is in it."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    values: dict[str, str] = {}
    position = 0
    while position < len(text):
        if (skipped := _SKIPPED.match(text, position)) is not None:
            position = skipped.end()
            continue
        named = _NAME.match(text, position)
        if named is None:
            raise SettingsError(f"line {text.count(chr(10), 0, position) + 1}: must be NAME=VALUE, as in a .env file")
        values[named[1]], position = _value(text, named.end())
    return values


def _value(text: str, start: int) -> tuple[str, int]:
    """The value that begins at `start`, and where the next line does."""
    quote = text[start : start + 1]
    found = _QUOTED[quote].match(text, start) if quote in _QUOTED else None
    found = found or _PLAIN.match(text, start)
    assert found is not None
    value = found[1].strip() if found.re is _PLAIN else found[1]
    if quote == '"':
        value = value.replace("\\n", "\n").replace("\\r", "\r")
    return value, found.end()
