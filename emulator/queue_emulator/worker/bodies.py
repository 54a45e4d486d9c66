"""Request bodies: JSON objects with the fields of a route, or a 400 that says what is wrong.

The emulator is stricter than `request.json()` where JavaScript would guess: a member name twice, a lone
surrogate, bytes that are not UTF-8, and more values or deeper nesting than a Worker has room for are refused.
"""

import json
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from queue_emulator.core.javascript import Json, json_decoder
from queue_emulator.core.json_rewriting import WHOLE_BYTES, read_object
from queue_emulator.core.json_size import JsonTooLarge, check_json
from queue_emulator.core.json_text import JsonText
from queue_emulator.core.limits import TTL_S_MIN
from queue_emulator.worker.answers import Answer, error_answer

LEASE_S_DEFAULT = 300
LEASE_S_MAX = 600
NESTING_MAX = 200

Body: TypeAlias = dict[str, Json | JsonText]
"""The members of a request's body."""


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a body. `kind` is "string" or "seconds"; `compared` is what is not only passed on."""

    kind: str
    required: bool = False
    empty: bool = True
    compared: bool = True


CLAIM = {"workerId": Field("string"), "leaseDurationSec": Field("seconds")}
RELEASE = {"workerId": Field("string"), "reason": Field("string")}
RENEW = {"workerId": Field("string", required=True, empty=False), "extendSec": Field("seconds")}
STATUS = {"status": Field("string", required=True, empty=False, compared=False)}  # any text, as daemons send
RESULT: dict[str, Field] = {}  # any JSON object


class BodyError(Exception):
    """A body that was refused, with the answer to it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def parse_body(body: bytes, fields: Mapping[str, Field]) -> Body:
    """The body as an object whose members of `fields` have the right types; raises BodyError."""
    parsed = _parse_object(body)
    refusals = {name: _refusal(field, name in parsed, parsed.get(name)) for name, field in fields.items()}
    details = [f"{name}: {why}" for name, why in refusals.items() if why]
    if details:
        raise BodyError(error_answer(400, "Validation failed", details=details))
    for name, field in fields.items():
        if field.compared and isinstance(text := parsed.get(name), JsonText):
            parsed[name] = text.text()
    return parsed


def lease_seconds(value: Json | JsonText) -> int:
    """A lease's length in seconds: 300 if not given, never over 600. The body has been checked: it is a number."""
    assert value is None or isinstance(value, (int, float))
    return int(min(LEASE_S_DEFAULT if value is None else value, LEASE_S_MAX))


def _parse_object(body: bytes) -> Body:
    parsed: Body | None
    try:
        if len(body) >= WHOLE_BYTES:
            parsed = read_object(body.removeprefix(BOM_UTF8), decode=_strictly, depth_max=NESTING_MAX)
        else:
            text = body.decode("utf-8-sig")
            check_json(text, depth_max=NESTING_MAX)
            whole = _strictly(text)
            parsed = {**whole} if isinstance(whole, dict) else None
    except JsonTooLarge as error:
        raise BodyError(error_answer(413, f"Request body has {error}")) from None
    except (ValueError, RecursionError):
        raise BodyError(error_answer(400, "Invalid JSON in request body")) from None
    if parsed is None:
        raise BodyError(error_answer(400, "Validation failed", details=["body: must be a JSON object"]))
    return parsed


def _strictly(text: str) -> Json:
    parsed: Json = _STRICT.decode(text)
    if "\\u" in text:
        json.dumps(parsed, ensure_ascii=False).encode("utf-8")
    return parsed


def _refusal(field: Field, given: bool, value: Json | JsonText) -> str | None:
    if not given:
        return "is required" if field.required else None
    if field.kind == "seconds":
        return _seconds_refusal(value)
    if isinstance(value, JsonText) and value.is_string:
        return None
    if not isinstance(value, str):
        return "must be a string"
    return None if value or field.empty else "must not be empty"


def _seconds_refusal(value: Json | JsonText) -> str | None:
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, float) and value.is_integer())):
        return "must be an integer, in seconds"
    return None if value >= TTL_S_MIN else f"must be at least {TTL_S_MIN}: KV refuses a shorter lifetime"


def _no_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member name stands twice")
    return members


_STRICT = json_decoder(_no_duplicates)
