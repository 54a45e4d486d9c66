"""JSON as a type, and the readers that check the form of what comes in. It imports only the standard library."""

import json
import math
import re
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Fields: TypeAlias = dict[str, Json]
"""A JSON object, by the names of its members."""


_HALF = re.compile("[\ud800-\udfff]")


class NoJson(ValueError):
    """A body that is not JSON in UTF-8."""


class OtherForm(ValueError):
    """A value of another form than the one that is needed; the message has the value and what it should be."""


def parse_json(content: str | bytes) -> Json:
    """What a text says, which is UTF-8: Python would guess UTF-16 and UTF-32, which no Worker reads. Raises NoJson."""
    try:
        text = content if isinstance(content, str) else content.decode("utf-8-sig")
        parsed: Json = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise NoJson(str(error)) from None
    return parsed


def as_json(value: object, place: str = "") -> Json:
    """What was read as YAML, as JSON. Raises OtherForm for what JSON does not have; `place` is where it stands."""
    if isinstance(value, dict):
        return {_name(name, place): as_json(each, f"{place}.{name}" if place else name) for name, each in value.items()}
    if isinstance(value, list):
        return [as_json(each, f"{place}[{number}]") for number, each in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise OtherForm(_at(place, f"{value} is not a value of JSON"))
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise OtherForm(_at(place, f"{value} is not a value of JSON; put it in quotes to make it a text"))


def fields(value: Json) -> Fields:
    """The members of an object. Raises OtherForm."""
    if not isinstance(value, dict):
        raise OtherForm(f"must be an object, not {shown(value)}")
    return value


def items(value: Json) -> list[Json]:
    """The items of an array. Raises OtherForm."""
    if not isinstance(value, list):
        raise OtherForm(f"must be an array, not {shown(value)}")
    return value


def text(value: Json) -> str:
    """A string. Raises OtherForm."""
    if not isinstance(value, str):
        raise OtherForm(f"must be a string, not {shown(value)}")
    return value


def value_at(body: Json, path: str) -> Json:
    """The member at a path like `lease.workerId` or `pending.0`; "" is the body itself. Raises LookupError."""
    for name in path.split(".") if path else ():
        if isinstance(body, dict):
            body = body[name]
        elif isinstance(body, list) and name.isdigit():
            body = body[int(name)]
        else:
            raise LookupError(path)
    return body


def has_half_a_pair(value: Json) -> bool:
    """Whether half of a surrogate pair is in it, which JSON can escape and UTF-8 does not have."""
    return bool(_HALF.search(json.dumps(value, ensure_ascii=False)))


def without_halves(value: Json) -> Json:
    """The same value with U+FFFD for each half of a surrogate pair, as in what is validated: that is UTF-8."""
    replaced: Json = json.loads(_HALF.sub("\ufffd", json.dumps(value, ensure_ascii=False)))
    return replaced


def shown(value: object) -> str:
    """A value in a message: as JSON writes it, a text in the usual quotes; 80 characters of it."""
    return (repr(value) if isinstance(value, str) else json.dumps(value, default=str))[:80]


def _name(name: object, place: str) -> str:
    if not isinstance(name, str):
        raise OtherForm(_at(place, f"the name {name} must be a text: put it in quotes"))
    return name


def _at(place: str, what: str) -> str:
    return f"{place}: {what}" if place else what


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is not JSON")
