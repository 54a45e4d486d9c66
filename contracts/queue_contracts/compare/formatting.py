"""Exchanges as a report shows them: shortened, with keys masked, and as a command line that asks again."""

import json

from queue_contracts.compare.sides import Side
from queue_contracts.compare.steps import Compared, Request
from queue_contracts.described.answers import Answer, Sent
from queue_contracts.json_values import Json
from queue_contracts.names import ADMIN_KEY, QUEUE_KEY
from queue_contracts.sending.curl import command_line, other_case

_BODY_SHOWN, _ALIKE_SHOWN = 400, 60


def curl(sent: Sent) -> str:
    """The request as a command line; its key is taken from the environment of whoever runs it."""
    headers = []
    for name, value in sent.headers:
        # A key that a sequence itself spells out is nobody's, and yet not for a report.
        spelled_out = name.lower() == "x-api-key" and value
        headers.append((name, f"a key of {len(value)} characters" if spelled_out else value))
    return command_line(sent.method, sent.url, headers, sent.content, _key_in_a_shell(sent))


def _key_in_a_shell(sent: Sent) -> str | None:
    """What stands for the key in double quotes; the shell can cut, lengthen and swap it as the request did."""
    own, other = (ADMIN_KEY, QUEUE_KEY) if "/api/migrate" in sent.url else (QUEUE_KEY, ADMIN_KEY)
    return {
        "none": None,
        "empty": "",
        "wrong": "wrong",
        "queue": f"${QUEUE_KEY}",
        "admin": f"${ADMIN_KEY}",
        "other-scope": f"${other}",
        "cut": f"${{{own}%?}}",
        "longer": f"${{{own}}}x",
        "other-case": other_case(own),
    }.get(sent.key, f"${own}")


def answer_line(answer: Answer, step: Request, sides: tuple[Side, Side]) -> str:
    """Status, type and the beginning of the body; of a body that is compared by its shape, none of it."""
    body = "(not shown)" if step.compare is Compared.SHAPE else shortened(unkeyed(answer.text(), sides), _BODY_SHOWN)
    return f"{answer.status} {unkeyed(answer.header('content-type') or 'without a type', sides)}: {body}"


def value_line(value: Json, sides: tuple[Side, Side]) -> str:
    """A field's value as JSON."""
    return shortened(unkeyed(json.dumps(value, ensure_ascii=False), sides), _BODY_SHOWN)


def from_where_they_differ(a: Json, b: Json, sides: tuple[Side, Side]) -> tuple[Json, Json]:
    """Two values; of two texts that begin the same for long, what comes shortly before the difference and after it."""
    if not (isinstance(a, str) and isinstance(b, str)):
        return a, b
    a, b = unkeyed(a, sides), unkeyed(b, sides)
    alike = next((at for at, (ours, theirs) in enumerate(zip(a, b, strict=False)) if ours != theirs), 0)
    if alike <= _ALIKE_SHOWN:
        return a, b
    return f"…{a[alike - _ALIKE_SHOWN :]}", f"…{b[alike - _ALIKE_SHOWN :]}"


def unkeyed(text: str, sides: tuple[Side, Side]) -> str:
    """The text without any key of the two; to be asked before a text is shortened, which might cut a key in two."""
    for side in sides:
        text = side.keys.mask(text)
    return text


def shortened(text: str, length_max: int) -> str:
    return text if len(text) <= length_max else f"{text[:length_max]}... ({len(text)} characters)"
