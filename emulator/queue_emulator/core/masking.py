"""A token in what a server says: found in the encodings in which servers repeat a header, and masked."""

import re
from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache
from html.entities import codepoint2name

MASKED = "…"
_ALONE_LENGTH_MAX = 7  # a token as short as a word is masked only where it stands alone
_BASE64_LENGTH_MIN = 6


def without_token(text: str, token: str | None) -> str:
    """The text with "…" in the place of the token.

    Found are the token itself, with any of its characters escaped as in JSON, JavaScript, HTML, XML or a URL, also
    twice, and what of it is the same in every base64 or hexadecimal text around it.
    """
    return _pattern(token).sub(MASKED, text) if token else text


@lru_cache(8)
def _pattern(token: str) -> re.Pattern[str]:
    # A run of backslashes is one piece, or a text of backslashes could be divided among them in too many ways.
    spelled = "".join(map(_spellings, re.findall(r"\\+|[^\\]", token)))
    if len(token) <= _ALONE_LENGTH_MAX:
        spelled = rf"(?<![A-Za-z0-9_-]){spelled}(?![A-Za-z0-9_-])"
    content = token.encode()
    digits = [] if len(token) <= _ALONE_LENGTH_MAX else [f"(?i:{content.hex()})"]
    return re.compile("|".join([spelled, *digits, *map(re.escape, _in_base64(content))]))


# Repetitions are bounded, so that no text takes long.
_BACKSLASH = r"(?:\\|%(?:25){0,3}5[cC]|&(?:amp;){0,3}(?:#0{0,8}92;?|#[xX]0{0,8}5[cC];?))"
_AMPERSAND = rf"(?:&(?:amp;){{0,3}}|{_BACKSLASH}{{1,8}}(?:u00|x)26)"
_NAMES = {**codepoint2name, 39: "apos"}


def _spellings(piece: str) -> str:
    """One character in every spelling, or some backslashes."""
    if piece.startswith("\\"):
        return rf"(?:\\(?:u00|x)5[cC]|\\u\{{0{{0,4}}5[cC]\}}|{_BACKSLASH}){{{len(piece)},{8 * len(piece)}}}"
    number = ord(piece)
    entity = [rf"#0{{0,8}}{number};?", rf"#[xX]0{{0,8}}(?i:{number:x});?"]
    if number in _NAMES:
        entity.append(_NAMES[number] + ";")
    plain = [re.escape(piece), rf"%(?:25){{0,3}}(?i:{number:02x})", rf"{_AMPERSAND}(?:{'|'.join(entity)})"]
    escaped = rf"{_BACKSLASH}{{1,8}}(?:u00(?i:{number:02x})|x(?i:{number:02x})|u\{{0{{0,4}}(?i:{number:x})\}})"
    before = "" if piece.isalnum() else f"{_BACKSLASH}{{0,8}}"
    return f"(?:{before}(?:{'|'.join(plain)})|{escaped})"


def _in_base64(content: bytes) -> Iterator[str]:
    """The characters that these bytes alone decide, at each of three places among others, in both alphabets."""
    for before in range(3):
        encoded = b64encode(bytes(before) + content).decode("ascii")
        decided = encoded[-(-before * 8 // 6) : (before + len(content)) * 8 // 6]
        if len(decided) >= _BASE64_LENGTH_MIN:
            yield from dict.fromkeys((decided, decided.replace("+", "-").replace("/", "_")))
