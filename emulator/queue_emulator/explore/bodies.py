"""What a Worker answers, as those who look at it have it: parsed JSON, or a text."""

import json
from functools import lru_cache

from queue_emulator.core.javascript import Json
from queue_emulator.worker.answers import JSON_TYPE


@lru_cache(maxsize=4096)
def body_of(content: bytes, content_type: str) -> Json:
    """What is no UTF-8, or not the JSON that it says it is, is a text as a client would show it."""
    text = content.decode("utf-8", "replace")
    if content_type != JSON_TYPE:
        return text
    try:
        parsed: Json = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return parsed
