"""Request bodies: JSON objects with the fields of a route, or a 400 that says what is wrong.

The emulator is stricter than `request.json()` where JavaScript would guess: a member name twice, a lone
surrogate and bytes that are not UTF-8 are refused.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from queue_emulator.core.javascript import Json, json_decoder
from queue_emulator.core.limits import TTL_S_MIN
from queue_emulator.worker.answers import Answer, error_answer

LEASE_S_DEFAULT = 300
LEASE_S_MAX = 600
NESTING_MAX = 200
STATUSES = ("pending", "claimed", "completed", "failed")


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a body. `kind` is "string", "seconds" or "status"."""

    kind: str
    required: bool = False
    empty: bool = True


CLAIM = {"workerId": Field("string"), "leaseDurationSec": Field("seconds")}
RELEASE = {"workerId": Field("string"), "reason": Field("string")}
RENEW = {"workerId": Field("string", required=True, empty=False), "extendSec": Field("seconds")}
STATUS = {"status": Field("status", required=True)}
RESULT: dict[str, Field] = {}  # any JSON object


class BodyError(Exception):
    """A body that was refused, with the answer to it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def parse_body(body: bytes, fields: Mapping[str, Field]) -> dict[str, Json]:
    """The body as an object whose members of `fields` have the right types; raises BodyError."""
    parsed = _parse_object(body)
    refusals = {name: _refusal(field, name in parsed, parsed.get(name)) for name, field in fields.items()}
    details = [f"{name}: {why}" for name, why in refusals.items() if why]
    if details:
        raise BodyError(error_answer(400, "Validation failed", details=details))
    return parsed


def lease_seconds(value: Json) -> int:
    """A lease's length in seconds: 300 if not given, never over 600. The body has been checked: it is a number."""
    assert value is None or isinstance(value, (int, float))
    return int(min(LEASE_S_DEFAULT if value is None else value, LEASE_S_MAX))


def _parse_object(body: bytes) -> dict[str, Json]:
    try:
        text = body.decode("utf-8-sig")
        if text.count("[") + text.count("{") > NESTING_MAX:
            _check_nesting(text)
        parsed = _STRICT.decode(text)
        if "\\u" in text:
            json.dumps(parsed, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise BodyError(error_answer(400, "Invalid JSON in request body")) from None
    if not isinstance(parsed, dict):
        raise BodyError(error_answer(400, "Validation failed", details=["body: must be a JSON object"]))
    return parsed


def _refusal(field: Field, given: bool, value: Json) -> str | None:
    if not given:
        return "is required" if field.required else None
    if field.kind == "seconds":
        return _seconds_refusal(value)
    if not isinstance(value, str):
        return "must be a string"
    if field.kind == "status" and value not in STATUSES:
        return f"must be one of {', '.join(STATUSES)}"
    return None if value or field.empty else "must not be empty"


def _seconds_refusal(value: Json) -> str | None:
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, float) and value.is_integer())):
        return "must be an integer, in seconds"
    return None if value >= TTL_S_MIN else f"must be at least {TTL_S_MIN}: KV refuses a shorter lifetime"


def _check_nesting(text: str) -> None:
    depth, in_string, escaped = 0, False, False
    for character in text:
        if in_string:
            in_string, escaped = (character != '"' or escaped), (character == "\\" and not escaped)
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            if depth > NESTING_MAX:
                raise ValueError(f"nested deeper than {NESTING_MAX}")
        elif character in "]}":
            depth -= 1


def _no_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member name stands twice")
    return members


_STRICT = json_decoder(_no_duplicates)
