"""What the Worker answers: a status, a body and its type."""

from dataclasses import dataclass, field
from functools import partial

from queue_emulator.core.javascript import ToJson, stringify_json
from queue_emulator.core.json_pieces import stringify_in_pieces
from queue_emulator.core.json_size import large
from queue_emulator.kv.waiting import LARGE_BYTES, off_loop

JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer before any server has seen it; `content` in UTF-8."""

    status: int
    content: bytes
    content_type: str
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(status: int, body: ToJson) -> Answer:
    """As `new Response(JSON.stringify(body), {status})`."""
    return Answer(status, stringify_json(body).encode(), JSON_TYPE)


async def stored_answer(status: int, body: ToJson) -> Answer:
    """As `json_answer`, of what was stored or sent and may be large: then others go on meanwhile."""
    return Answer(status, await stringified(body), JSON_TYPE)


async def stringified(value: ToJson) -> bytes:
    """JSON.stringify of what may be large, in UTF-8: then others go on meanwhile."""
    if large(value):
        return await off_loop(LARGE_BYTES, partial(stringify_in_pieces, value))
    return stringify_json(value).encode()


def text_answer(status: int, text: str) -> Answer:
    """As `new Response(text, {status})`."""
    return Answer(status, text.encode(), TEXT_TYPE)


def error_answer(status: int, error: str, **more: ToJson) -> Answer:
    """The Worker's form of a refusal: `{"error": …}`."""
    return json_answer(status, {"error": error, **more})
