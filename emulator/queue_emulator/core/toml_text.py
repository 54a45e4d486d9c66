"""TOML that somebody else wrote, read in a time that grows as its size does.

The standard library looks at every beginning of a dotted key, so that one of 400,000 names takes 40 s:
https://github.com/python/cpython/blob/3.11/Lib/tomllib/_parser.py
"""

import re
import sys
import tomllib

NAMES_MAX = 32  # of a dotted key: a config has three or four
_STRING_OR_COMMENT = re.compile(
    r'"""(?:\\.|(?!""").)*+(?:"{3,5})?+'
    r"|'''(?:(?!''').)*+(?:'{3,5})?+"
    r'|"(?:\\.|[^"\\\n])*+"?+'
    r"|'[^'\n]*+'?+"
    r"|(?P<comment>#[^\n]*+)",
    re.DOTALL,
)
_LONG_KEY = re.compile(rf"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{NAMES_MAX}}}")


def parse_toml(text: str) -> dict[str, object]:
    """Raises ValueError for what is no TOML or has too long a key, RecursionError for what is nested too deep."""
    bare = _STRING_OR_COMMENT.sub(lambda found: "" if found["comment"] else "s", text)
    found = _LONG_KEY.search(bare)
    if found is not None:
        shown = found[0].partition(".")[0].strip()
        raise ValueError(f"a key has at most {NAMES_MAX} names joined by dots, and one from {shown[:40]!r} on has more")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:
        raise ValueError(f"a number has at most {sys.get_int_max_str_digits():,} digits, and one has more") from None
