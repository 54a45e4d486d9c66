"""A request on its way to the Worker's runtime and back: bytes as they are, in both directions as they come.

Path, header values and bodies pass through unread; what a hop adds or may not pass on (RFC 9110, section 7.6.1) is all
that differs.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from queue_emulator.core.wire_names import LOCATION_HEADER, MACHINE_HEADER
from queue_emulator.worker.answers import Answer
from queue_emulator.workerd.upstream import Exchange, Headers, WorkerGone

_SLOW_S = 30.0  # for a client to send more of its request
DRAINED_BYTES_MAX = 100 * 1024 * 1024  # Cloudflare's own bound on a request body, free and pro plans
HOP_BY_HOP = {
    b"connection",
    b"expect",
    b"keep-alive",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}
_OURS = {LOCATION_HEADER.lower().encode(), MACHINE_HEADER.lower().encode(), b"cf-ray", b"cf-connecting-ip"}

# By these miniflare's own proxy says which URL and which Worker a request is for; from a client they would be a lie.
# https://github.com/cloudflare/workers-sdk/blob/main/packages/miniflare/src/workers/core/constants.ts
_TOOLS_OWN = b"mf-"

# As ASGI defines them: https://asgi.readthedocs.io/en/latest/specs/www.html
Scope = MutableMapping[str, Any]  # type: ignore[explicit-any]
Message = MutableMapping[str, Any]  # type: ignore[explicit-any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Head:
    """What begins an answer of the runtime's; header names in lower case."""

    status: int
    headers: Headers


class ClientGone(Exception):
    """The client closed its connection: the run of the Worker is cancelled, as in production."""


class Body:
    """What the client sends, and then whether it is still there.

    `whole`: it has nothing more to send. `in_the_way` says whether others wait for the end of it.
    """

    def __init__(
        self, receive: Receive, *, whole: bool = False, in_the_way: Callable[[], bool] = lambda: False
    ) -> None:
        self._receive = receive
        self._whole = whole
        self._in_the_way = in_the_way
        self.begun = False  # something of it was taken, and can be given to nobody else
        self.ended = False
        self._gone = False  # of which the server tells once

    async def chunk(self) -> bytes:
        if self._gone:
            raise ClientGone
        message = await (self._receive() if self._whole else self._next())
        if message["type"] != "http.request":
            self._gone = True
            raise ClientGone
        self.ended = not message.get("more_body", False)
        taken = bytes(message.get("body", b""))
        self.begun = self.begun or bool(taken)
        return taken

    async def _next(self) -> Message:
        """A client that sends nothing for long is waited for while nobody else is kept out by it."""
        while True:
            try:
                async with asyncio.timeout(_SLOW_S):
                    return await self._receive()
            except TimeoutError:
                if self._in_the_way():
                    raise ClientGone from None

    async def drain(self) -> None:
        """Drop what is left, so that a client that is still sending hears the answer."""
        left_bytes = DRAINED_BYTES_MAX
        while not self.ended and left_bytes > 0:
            left_bytes -= len(await self.chunk())

    async def gone(self) -> None:
        """Returns when the client goes."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def both_ways(exchange: Exchange, body: Body, send: Send, ray: bytes) -> Head:
    """Bodies in both directions at once: a Worker may answer before it has read, or while it reads."""
    sending = asyncio.ensure_future(_send_body(exchange, body))
    answering = asyncio.ensure_future(_send_answer(exchange, send, ray))
    try:
        await asyncio.wait((sending, answering), return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            sending.result()  # only a failure ends it early: a Worker that stopped reading, or a client that went
        head = await answering
    finally:
        for each in (sending, answering):
            each.cancel()
        await asyncio.gather(sending, answering, return_exceptions=True)
    if not body.ended:
        await body.drain()
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    return head


async def _send_body(exchange: Exchange, body: Body) -> None:
    try:
        while not body.ended:
            if chunk := await body.chunk():
                await exchange.send(chunk)
        await exchange.end()
    except WorkerGone:
        await asyncio.Future()  # whether it has answered nevertheless, the answer's side tells
    await body.gone()
    raise ClientGone


async def _send_answer(exchange: Exchange, send: Send, ray: bytes) -> Head:
    response = await exchange.response()
    dropped = HOP_BY_HOP | {b"cf-ray"} | _named_by_connection(response.headers)
    headers = [(name, value) for name, value in response.headers if name not in dropped]
    headers.append((b"cf-ray", ray))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    while (chunk := await exchange.chunk()) is not None:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        # Neither side waits while both have room or the client is gone: its going must be heard all the same.
        await asyncio.sleep(0)
    return Head(response.status_code, list(response.headers))


def target(scope: Scope) -> bytes:
    """Path and query as they came."""
    query: bytes = scope["query_string"]
    path: bytes = scope["raw_path"]
    return path + b"?" + query if query else path


def request_headers(scope: Scope, ray: bytes, cf_header: str, cf: Mapping[str, object]) -> list[tuple[bytes, bytes]]:
    """What the Worker gets; the runtime takes `request.cf` out of the header of that name, which no client sends."""
    cf_name = cf_header.lower().encode()
    given: list[tuple[bytes, bytes]] = scope["headers"]
    # What says where a request goes and how long it is belongs to every hop, whatever `Connection` names.
    dropped = HOP_BY_HOP | _OURS | {cf_name} | (_named_by_connection(given) - {b"host", b"content-length"})
    # HTTP allows an empty Host, which the runtime refuses before any Worker runs.
    headers = [
        (name, value)
        for name, value in given
        if name not in dropped and not name.startswith(_TOOLS_OWN) and (name, value) != (b"host", b"")
    ]
    names = {name for name, _ in given}
    if b"content-length" not in names and (b"transfer-encoding" in names or scope["http_version"] == "2"):
        headers.append((b"transfer-encoding", b"chunked"))
    if b"host" not in {name for name, _ in headers}:
        headers.append((b"host", b"localhost"))
    client = scope.get("client")
    if client:
        headers.append((b"cf-connecting-ip", str(client[0]).encode()))
    headers.append((b"cf-ray", ray))
    headers.append((cf_name, json.dumps(cf).encode()))
    return headers


def header(scope: Scope, wanted: bytes) -> bytes | None:
    """The first value of a header; `wanted` in lower case."""
    return next((value for name, value in scope["headers"] if name == wanted), None)


def _named_by_connection(headers: Iterable[tuple[bytes, bytes]]) -> set[bytes]:
    named = (value.lower().split(b",") for name, value in headers if name == b"connection")
    return {token.strip() for tokens in named for token in tokens}


async def send_answer(send: Send, answer: Answer, ray: bytes | None = None) -> None:
    """An answer that is ours, not the Worker's."""
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", b"%d" % len(answer.content))]
    if ray is not None:
        headers.append((b"cf-ray", ray))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content, "more_body": False})
