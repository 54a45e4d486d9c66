"""Requests to an emulator inside a test, from one location, and what they were answered."""

import json as json_text
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, Unpack
from urllib.parse import unquote

from starlette.types import ASGIApp, Message

from queue_emulator.core.errors import EmulatorError
from queue_emulator.core.javascript import Json, ToJson, writable
from queue_emulator.core.places import as_url
from queue_emulator.core.wire_names import LOCATION_HEADER
from queue_emulator.kv.turn import Actor
from queue_emulator.testing.kv import KV
from queue_emulator.testing.threads import HERE, Where
from queue_emulator.worker.auth import Scope

if TYPE_CHECKING:
    from queue_emulator.testing.emulator import Emulator

BODY_BYTES_MAX = 128 << 20  # of an answer; Workers have 128 MB of memory in production
_OWN_KEY = "the key that the path asks for"


class Sent(TypedDict, total=False):
    """What a request is sent with.

    key      the X-API-Key: by default the one that the path asks for, None for none
    headers  more headers; they replace those that are sent anyway: Host, X-Emulator-Location, X-API-Key
    """

    key: str | None
    headers: Mapping[str, str] | None


class SentContent(Sent, total=False):
    """`content` is the body as bytes, for one that is not JSON."""

    content: bytes | None


class SentBody(SentContent, total=False):
    """`json` is the body, unless `content` is given; None sends no body."""

    json: ToJson


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request was answered; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The content as UTF-8; raises UnicodeDecodeError."""
        return self.content.decode()

    def json(self) -> dict[str, Json]:
        """The content as a JSON object, as the Worker's answers are; raises ValueError for anything else."""
        try:
            parsed = json_text.loads(self.content)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise ValueError(f"the answer, with status {self.status}, is no JSON object: {self.content[:80]!r}")
        return parsed

    def member(self, *path: str | int) -> Json:
        """What stands under names and indexes in the JSON: `member("lease", "workerId")`; raises LookupError."""
        return member(self.json(), *path)


@dataclass(frozen=True, slots=True)
class Location:
    """The emulator as it is reached from one location."""

    emulator: "Emulator"
    name: str

    def get(self, path: str, **sent: Unpack[Sent]) -> Reply:
        """GET from here."""
        return self.request("GET", path, **sent)

    def post(self, path: str, json: ToJson = None, **sent: Unpack[SentContent]) -> Reply:
        """POST from here; `json` is the body, unless `content` is given."""
        return self.request("POST", path, json=json, **sent)

    def request(self, method: str, path: str, **sent: Unpack[SentBody]) -> Reply:
        """One request. An error of the Worker is an answer like others.

        `path` begins with a slash and may have a query; what no URL holds is sent as its escapes, `é` as `%C3%A9`.
        """
        return self.emulator.where.run(self._call(method, path, **sent))

    def begin(self, method: str, path: str, **sent: Unpack[SentBody]) -> Actor[Reply]:
        """One request that stands before its first KV operation, and does the next one whenever it is told to.

        Requests that were begun overlap: `begun.until("put", "queue:lease:t1")`, then others, then `begun.finish()`.
        """
        if self.emulator.where is not HERE:
            raise EmulatorError(
                "begin() works with the Python Worker only. A Worker on its own runtime goes on by itself: let its "
                "requests overlap by threads or by asyncio, over `emulator.app`"
            )
        return self.emulator.turns.actor(self._call(method, path, **sent))

    def _call(
        self,
        method: str,
        path: str,
        *,
        json: ToJson = None,
        content: bytes | None = None,
        key: str | None = _OWN_KEY,
        headers: Mapping[str, str] | None = None,
    ) -> Coroutine[object, None, Reply]:
        if not path.startswith("/"):
            raise EmulatorError(f"a path begins with a slash, such as /api/queue, not {path[:80]!r}")
        if content is None:
            content = b"" if json is None else encoded(json)
        if key == _OWN_KEY:
            scope = Scope.ADMIN if path.startswith("/api/migrate") else Scope.QUEUE
            key = self.emulator.deployment.keys.expected(scope)
        sent = {"host": "127.0.0.1", LOCATION_HEADER: self.name, **(headers or {})}
        if content:
            sent["content-length"] = str(len(content))
        if key is not None:
            sent["x-api-key"] = key
        return _call(self.emulator.inside, self.emulator.where, method, path, sent, content)

    @property
    def kv(self) -> KV:
        """The KV namespace as it is seen here."""
        return KV(self.emulator, self.name)


def encoded(value: ToJson) -> bytes:
    return json_text.dumps(value, default=writable).encode()


async def _call(
    app: ASGIApp, where: Where, method: str, path: str, headers: Mapping[str, str], content: bytes
) -> Reply:
    # Half of a surrogate pair becomes U+FFFD, as in every URL of JavaScript.
    text = path.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    raw_path, _, query = as_url(text.encode()).partition(b"?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw_path.decode()),
        "raw_path": raw_path,
        "query_string": query,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 80),
    }
    received: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]
    sent: list[Message] = []
    left_bytes = BODY_BYTES_MAX

    async def receive() -> Message:
        if received:
            return received.pop(0)
        await where.until_the_end()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal left_bytes
        sent.append(message)
        left_bytes -= len(message.get("body", b""))
        if left_bytes < 0:
            raise EmulatorError(f"the answer to {method} {path[:80]} goes on after {BODY_BYTES_MAX:,} bytes")

    await app(scope, receive, send)
    return Reply(
        sent[0]["status"],
        {name.decode(): value.decode() for name, value in sent[0]["headers"]},
        b"".join(message.get("body", b"") for message in sent[1:]),
    )


def member(value: Json, *path: str | int) -> Json:
    """What stands in a JSON value under a path of names and indexes; raises LookupError, which shows the value."""
    found = value
    for step in path:
        try:
            found = found[step]  # type: ignore[index]
        except (LookupError, TypeError):
            raise LookupError(f"no {step!r} in {found!r:.200}, at {list(path)} of {value!r:.200}") from None
    return found
