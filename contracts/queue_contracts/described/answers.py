"""What went over the wire in one step: the request as it was sent, and the answer as it came."""

import json
from dataclasses import dataclass
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class NoJson(ValueError):
    """A body that is not JSON in UTF-8."""


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
        try:
            parsed: Json = json.loads(self.content, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise NoJson(str(error)) from None
        return parsed

    def text(self) -> str:
        return self.content.decode("utf-8", "backslashreplace")


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


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is not JSON")
