"""A key as the bytes that it is, in base64 and in hexadecimal: what it looks like there whatever stands around it."""

import html
import json
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote

CHANGED_LENGTH_MIN = 8  # a shorter key that was changed could be any word
BASE64_LENGTH_MIN = 6


def in_base64(key: str) -> Iterator[str]:
    """The characters of base64 that this key alone decides, wherever it stands among the bytes that are encoded."""
    spelled = (key, json.dumps(key)[1:-1], json.dumps(key, ensure_ascii=False)[1:-1], html.escape(key), quote(key, ""))
    for content in dict.fromkeys(each.encode("utf-8", "surrogatepass") for each in spelled):
        for before in range(3):
            encoded = b64encode(b"\0" * before + content).decode("ascii")
            decided = encoded[-(-before * 8 // 6) : (before + len(content)) * 8 // 6]
            if len(decided) >= BASE64_LENGTH_MIN:
                yield decided
                yield decided.replace("+", "-").replace("/", "_")


def in_hexadecimal(key: str) -> Iterator[str]:
    """Two digits for each byte, in small letters and in capitals."""
    if len(key) >= CHANGED_LENGTH_MIN:
        digits = key.encode("utf-8", "surrogatepass").hex()
        yield from (digits, digits.upper())
