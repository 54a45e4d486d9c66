"""What went over the wire in one step: the request as it was sent, and the answer as it came."""

from dataclasses import dataclass

from queue_contracts.json_values import Json, parse_json


@dataclass(frozen=True, slots=True)
class Sent:
    """A request with every name resolved; `key` says which key it was sent with and is never the key itself."""

    method: str
    url: str
    key: str
    headers: tuple[tuple[str, str], ...]
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Answer:
    """Header names in lower case; values of a header that came twice are joined by a comma."""

    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; "" without one."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    def json(self) -> Json:
        """The body as JSON. Raises NoJson."""
        return parse_json(self.content)

    def text(self) -> str:
        return self.content.decode("utf-8", "backslashreplace")
