"""One request to the API as its handlers see it, and what they answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from starlette.datastructures import Headers

from queue_emulator.core.accounts import Namespace
from queue_emulator.core.errors import ShapeError
from queue_emulator.core.javascript import Json, ToJson, json_decoder, stringify_json, well_formed
from queue_emulator.core.json_size import JsonTooLarge, check_json
from queue_emulator.core.shapes import shaped
from queue_emulator.kv.namespaces import Namespaces
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService
from queue_emulator.kv.waiting import off_loop
from queue_emulator.web.request_body import RequestBody
from queue_emulator.web.rest import refusals

Shape = TypeVar("Shape")


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` is the JSON of the result, `info` the result_info; `raw` is a value, which has no envelope."""

    text: str = "null"
    info: Mapping[str, ToJson] | None = None
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, result: ToJson, info: Mapping[str, ToJson] | None = None) -> "Answer":
        return cls(stringify_json(result), info)


@dataclass(slots=True)
class Call:
    """`operation` is what the API's errors call it; `namespace` and `service` are None on the collection alone."""

    operation: str
    namespaces: Namespaces
    found: tuple[Namespace, KVService] | None
    key_segment: bytes
    query: Mapping[str, str]
    headers: Headers
    body: RequestBody
    caller: Invocation
    now_ms: int

    @property
    def namespace(self) -> Namespace:
        assert self.found is not None
        return self.found[0]

    @property
    def service(self) -> KVService:
        """What reads and writes the namespace."""
        self.check_there()
        assert self.found is not None
        return self.found[1]

    def check_there(self) -> None:
        """The namespace may have been deleted while the request's body came; raises Refusal."""
        if self.namespaces.get(self.namespace.id) is None:
            raise refusals.no_namespace(self.operation)

    async def content(self, bytes_max: int, what: str) -> bytes:
        """The whole body."""
        content = await self.body.read(bytes_max)
        if content is None:
            announced = self.headers.get("content-length", "")
            size_bytes = int(announced) if announced.isdecimal() else self.body.received_bytes
            raise refusals.too_long(self.operation, f"{what} length of {size_bytes} exceeds limit of {bytes_max}.")
        return content

    async def json(self, bytes_max: int) -> Json:
        """The body as JSON."""
        content = await self.content(bytes_max, "Request body")
        try:
            return await off_loop(len(content), partial(_parsed, content))
        except JsonTooLarge as error:
            raise refusals.bad_body(self.operation, f"the request body has {error}") from None
        except (ValueError, RecursionError):
            raise refusals.bad_body(self.operation, "the request body is not JSON") from None

    async def shape(self, bytes_max: int, shape: type[Shape]) -> Shape:
        """The body as a JSON object of this shape, which may have other members too."""
        body = await self.json(bytes_max)
        if not isinstance(body, dict):
            raise refusals.bad_body(self.operation, "the request body must be a JSON object")
        try:
            return shaped({name: each for name, each in body.items() if well_formed(name)}, shape)
        except ShapeError as error:
            raise refusals.bad_body(self.operation, str(error)) from None


def _parsed(content: bytes) -> Json:
    text = content.decode("utf-8-sig")
    check_json(text, values_max=_VALUES_MAX)
    parsed: Json = _DECODER.decode(text)
    return parsed


_VALUES_MAX = 10_000  # of a body that holds a title, or a hundred keys
_DECODER = json_decoder()
