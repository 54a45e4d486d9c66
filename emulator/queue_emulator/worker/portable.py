"""The portable range: the ids and bodies that every deployment of the Worker takes, as `openapi.yaml` describes them.

What leaves it is taken by default, because deployments do, and told in the log once a kind. A strict deployment
answers 400 to it, and its clients try again for ever: better seen here.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from queue_emulator.core.javascript import UNDEFINED, Json, Undefined
from queue_emulator.core.json_text import JsonText
from queue_emulator.core.shown import one_line
from queue_emulator.worker.answers import Answer, error_answer
from queue_emulator.worker.bodies import LEASE_S_MAX, Body

STATUSES = ("pending", "claimed", "completed", "failed")
WORKER_ID_LENGTH_MAX = 128

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_SHOWN_MAX = 40


@dataclass(frozen=True, slots=True)
class Departure:
    """One way in which a request leaves the range; `rule` says what is portable, and so is its kind."""

    field: str
    rule: str
    value: Json | JsonText | Undefined = UNDEFINED

    def __str__(self) -> str:
        """Field first, as in the details of a refusal."""
        return f"{self.field}: {self.rule}{'' if self.value is UNDEFINED else f', not {_shown(self.value)}'}"


@dataclass(frozen=True, slots=True)
class _Members:
    """What a body may hold: why each member is not portable, or None; and which must be there."""

    rules: Mapping[str, Callable[[Json | JsonText], str | None]]
    required: tuple[str, ...] = ()


class PortableRange:
    """How a deployment takes what leaves the range: a 400 where it is strict, else a line for each kind of it."""

    def __init__(self, *, strict: bool, log: Callable[[str], None]) -> None:
        self._strict = strict
        self._log = log
        self._told: set[tuple[str, str]] = set()

    def refuse(self, route: str, departures: Iterator[Departure]) -> Answer | None:
        """The answer of a strict deployment; None where the request is taken. `route` is what the log names."""
        found = list(departures)
        if self._strict:
            details: list[Json] = [str(departure) for departure in found]
            return error_answer(400, "Validation failed", details=details) if details else None
        for departure in found:
            kind = (departure.field, departure.rule)
            if kind not in self._told:
                self._told.add(kind)
                self._log(f"  not portable, accepted here, refused with --strict: {departure} ({route}; logged once)")
        return None


def departures_of_id(task_id: str) -> Iterator[Departure]:
    """Whether an id is one that every deployment takes."""
    if not _ID.fullmatch(task_id):
        yield Departure("id", "must have 1 to 64 of A-Z, a-z, 0-9 and -", task_id)


def departures_of_body(route: str, body: Body) -> Iterator[Departure]:
    """Where a body that the route takes is none that every deployment takes."""
    members = _BODIES.get(route, _Members({}))
    for name in members.required:
        if name not in body:
            yield Departure(name, "is required")
    for name, check in members.rules.items():
        if name in body and (rule := check(body[name])):
            yield Departure(name, rule, body[name])
    stranger = next((name for name in body if name not in members.rules), None)
    if stranger is not None:
        yield Departure("body", f"must have only {', '.join(members.rules)}", stranger)


def _anything(value: Json | JsonText) -> None:
    return None


def _text(value: Json | JsonText) -> str | None:
    is_string = isinstance(value, str) or (isinstance(value, JsonText) and value.is_string)
    return None if is_string else "must be a string"


def _boolean(value: Json | JsonText) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _worker_id(value: Json | JsonText) -> str | None:
    fits = isinstance(value, str) and 1 <= len(value) <= WORKER_ID_LENGTH_MAX
    return None if fits else f"must have 1 to {WORKER_ID_LENGTH_MAX} characters"


def _seconds(value: Json | JsonText) -> str | None:
    assert isinstance(value, (int, float))
    return None if value <= LEASE_S_MAX else f"must be at most {LEASE_S_MAX} seconds"


def _status(value: Json | JsonText) -> str | None:
    return None if value in STATUSES else f"must be one of {', '.join(STATUSES)}"


_BODIES = {
    "POST /api/queue/claim": _Members({"workerId": _worker_id, "leaseDurationSec": _seconds}),
    "POST /api/queue/{id}/release": _Members({"workerId": _worker_id, "reason": _text}),
    "POST /api/queue/{id}/renew": _Members({"workerId": _worker_id, "extendSec": _seconds}),
    "POST /api/queue/{id}/status": _Members({"status": _status}),
    "POST /api/result/{id}": _Members({"success": _boolean, "output": _anything, "error": _text}, ("success",)),
}


def _shown(value: Json | JsonText) -> str:
    """Another's text, escaped and cut; of what has members only what it is."""
    if isinstance(value, JsonText):
        shape = "an object" if value.is_object else "an array"
        return f"a string of {len(value.content):,} bytes" if value.is_string else shape
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "an array"
    if isinstance(value, str) and len(value) > _SHOWN_MAX:
        return f'{_shown(value[:_SHOWN_MAX])[:-1]}…" ({len(value)} characters)'
    return one_line(json.dumps(value, ensure_ascii=False))
