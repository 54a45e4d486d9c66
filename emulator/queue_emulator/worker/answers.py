"""What the Worker answers: a status, a body and its type."""

from dataclasses import dataclass, field

from queue_emulator.core.javascript import ToJson, stringify_json

JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer before any server has seen it; `content` in UTF-8."""

    status: int
    content: bytes
    content_type: str
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(status: int, body: ToJson, headers: dict[str, str] | None = None) -> Answer:
    """As `new Response(JSON.stringify(body), {status, headers})`."""
    return Answer(status, stringify_json(body).encode(), JSON_TYPE, headers or {})


def text_answer(status: int, text: str) -> Answer:
    """As `new Response(text, {status})`."""
    return Answer(status, text.encode(), TEXT_TYPE)


def error_answer(status: int, error: str, **more: ToJson) -> Answer:
    """The Worker's form of a refusal: `{"error": …}`."""
    return json_answer(status, {"error": error, **more})
