"""Masks what may differ between two runs of one scenario: the times and the names that the Worker itself made.

A time that the scenario brought in is not masked, and of a lease the seconds from its beginning to its end remain.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from queue_emulator.core.javascript import Json

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")
_WORKER = re.compile(r"worker_\d{13}")


def brought(texts: Iterable[str]) -> frozenset[str]:
    """The times and names in what a scenario sends."""
    return frozenset(found for text in texts for form in (_TIME, _WORKER) for found in form.findall(text))


def mask(body: str, known: frozenset[str]) -> str:
    """The body with every time and name that is not known replaced by its kind; all else stays as it is."""
    lengths = dict(_lease_ends(_parsed(body)))

    def masked_time(match: re.Match[str]) -> str:
        return match[0] if match[0] in known else lengths.get(match[0], "<time>")

    body = _TIME.sub(masked_time, body)
    return _WORKER.sub(lambda match: match[0] if match[0] in known else "<worker>", body)


def _lease_ends(value: Json) -> Iterator[tuple[str, str]]:
    """The end of each lease, and what to call it: it counts from the renewal, or else from the claim."""
    if isinstance(value, list):
        for item in value:
            yield from _lease_ends(item)
    elif isinstance(value, dict):
        begin, end = value.get("renewedAt", value.get("claimedAt")), value.get("expiresAt")
        if _is_time(begin) and _is_time(end):
            lasts = datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(begin))
            yield str(end), f"<time + {lasts.total_seconds():g} s>"
        for item in value.values():
            yield from _lease_ends(item)


def _is_time(value: Json) -> bool:
    return isinstance(value, str) and _TIME.fullmatch(value) is not None


def _parsed(body: str) -> Json:
    try:
        parsed: Json = json.loads(body)
    except ValueError:
        return None
    return parsed
