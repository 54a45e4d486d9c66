"""JSON with comments and trailing commas, as wrangler configs have it, in a time that grows as its size does.

Other things that JSON5 allows are read too where the text is small: its parser takes a minute for a megabyte.
"""

import json
import re

_JSON5_CHARACTERS_MAX = 20_000
_STRING = r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)'
_COMMENT = re.compile(rf"{_STRING}|//[^\r\n]*+|/\*.*?(?:\*/|\Z)", re.DOTALL)
_TRAILING_COMMA = re.compile(rf"{_STRING}|,(?=\s*+[\]}}])", re.DOTALL)
_NOT_A_LINE_BREAK = re.compile(r"[^\r\n]")


def parse_jsonc(text: str) -> object:
    """Raises ValueError with the line of what is wrong, RecursionError for what is nested too deep."""
    bare = _TRAILING_COMMA.sub(lambda found: " " if found[0] == "," else found[0], _COMMENT.sub(_blank, text))
    try:
        parsed: object = json.loads(bare)
    except json.JSONDecodeError:
        if len(text) > _JSON5_CHARACTERS_MAX:
            raise
        return _json5(text)
    return parsed


def _blank(found: re.Match[str]) -> str:
    """As many spaces, so that a place in the text stays what it is; what has no end stays, and is refused."""
    whole = found[0]
    if whole.startswith('"') or (whole.startswith("/*") and (len(whole) < 4 or not whole.endswith("*/"))):
        return whole
    return _NOT_A_LINE_BREAK.sub(" ", whole)


def _json5(text: str) -> object:
    import json5

    parsed: object = json5.loads(text)
    return parsed
