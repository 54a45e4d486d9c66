"""What the journal and the cost table call a request to a Worker whose routes we do not know."""

import re

from queue_emulator.worker.fetch import ROUTES, normalize_path

_KNOWN = [
    (route.method, re.compile(route.template.replace("{id}", "[^/]+").encode()), route.template) for route in ROUTES
]
_FIRST_SEGMENT_CHARACTERS_MAX = 40
_AN_ID = re.compile(rb"[0-9]+|[0-9A-Fa-f-]{16,}")


def route_of(method: str, raw_path: bytes) -> str:
    """The task queue's own route, else the method and the path's first segment: few enough to be counted by."""
    path = normalize_path(raw_path)
    for known_method, pattern, template in _KNOWN:
        if known_method == method and pattern.fullmatch(path):
            return f"{method} {template}"
    first, slash, _ = path[1:].partition(b"/")
    if _AN_ID.fullmatch(first):
        first = b"{id}"
    shown = first.decode("ascii", "backslashreplace")[:_FIRST_SEGMENT_CHARACTERS_MAX]
    return f"{method} /{shown}{'/…' if slash else ''}"
