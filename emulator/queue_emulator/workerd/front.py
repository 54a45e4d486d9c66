"""The Worker's public face: gives each request to the Worker at the location that it names.

An ASGI application without a framework. Path, header values and bodies pass through as bytes, unread; what a hop adds
or may not pass on (RFC 9110, section 7.6.1) is all that differs.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from queue_emulator.core.surface import INVOCATION, LOCATION_HEADER
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.pipeline import Pipeline
from queue_emulator.worker.answers import Answer, error_answer, text_answer
from queue_emulator.workerd.config import CF_HEADER
from queue_emulator.workerd.invocations import Invocations
from queue_emulator.workerd.routes import route_of
from queue_emulator.workerd.upstream import Exchange, Headers, NotSendable, WorkerGone

DRAINED_BYTES_MAX = 100 * 1024 * 1024  # Cloudflare's own bound on a request body, free and pro plans
# What the runtime answers by itself, before any Worker runs: no tail will tell of an end.
# https://github.com/capnproto/capnproto/blob/v2/c%2B%2B/src/kj/compat/http.c%2B%2B : HttpServerErrorHandler
_REFUSALS = (400, 414, 431, 501)
_HOP_BY_HOP = {
    b"connection",
    b"expect",
    b"keep-alive",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}
_OURS = {LOCATION_HEADER.lower().encode(), CF_HEADER.lower().encode(), b"cf-ray", b"cf-connecting-ip"}

# As ASGI defines them: https://asgi.readthedocs.io/en/latest/specs/www.html
Scope = MutableMapping[str, Any]  # type: ignore[explicit-any]
Message = MutableMapping[str, Any]  # type: ignore[explicit-any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class WorkerdFace:
    """`sockets` by location; `locate` finds the location that a header names, None if there is none of that name."""

    def __init__(
        self,
        sockets: Mapping[str, Path],
        *,
        locate: Callable[[str | None], str | None],
        invocations: Invocations,
        pipeline: Pipeline,
        log: Callable[[str], None],
    ) -> None:
        self._sockets = sockets
        self._locate = locate
        self._invocations = invocations
        self._pipeline = pipeline
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = _header(scope, LOCATION_HEADER.lower().encode())
        location = self._locate(None if named is None else named.decode("latin-1"))
        body = _Body(receive)
        if location is None:
            known = ", ".join(self._sockets)
            await body.drain()
            await _answer(send, error_answer(400, f"Unknown location in {LOCATION_HEADER}; this emulator has {known}"))
            return
        run: Invocation = scope[INVOCATION]
        run.route = route_of(scope["method"], scope["raw_path"])
        self._invocations.begin(location, run)
        self._pipeline.meter.invoked(run.route, self._pipeline.clock.now_ms())
        try:
            await self._exchange(scope, body, send, location, run)
        except _ClientGone:
            pass
        finally:
            self._invocations.disconnected(location, run.name)

    async def _exchange(self, scope: Scope, body: "_Body", send: Send, location: str, run: Invocation) -> None:
        ray = f"{run.name}-{location}".encode()
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with Exchange(self._sockets[location]) as exchange:
                await exchange.ask(scope["method"], _target(scope), _request_headers(scope, ray, location))
                response = await _both_ways(exchange, body, watched, ray)
            if _never_reported(scope) or _refused_by_runtime(response):
                self._invocations.end(location, run.name)
        except NotSendable as error:
            self._invocations.end(location, run.name)
            self._log(f"  the request was not passed on: {error}")
            await body.drain()
            await _answer(send, text_answer(400, "Bad Request"), ray)
        except WorkerGone as gone:
            self._invocations.end(location, run.name)
            self._log(f"  the Worker at {location} gave no whole answer: {gone}")
            if begun:
                raise ConnectionError("the Worker's answer broke off") from None
            await body.drain()
            await _answer(send, text_answer(502, "The Worker's runtime gave no answer"), ray)


@dataclass(frozen=True, slots=True)
class Head:
    """What begins an answer of the runtime's; header names in lower case."""

    status: int
    headers: Headers


class _ClientGone(Exception):
    """The client closed its connection: the run of the Worker is cancelled, as in production."""


class _Body:
    """What the client sends, and then whether it is still there."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.ended = False

    async def chunk(self) -> bytes:
        message = await self._receive()
        if message["type"] != "http.request":
            raise _ClientGone
        self.ended = not message.get("more_body", False)
        return bytes(message.get("body", b""))

    async def drain(self) -> None:
        """Drop what is left, so that a client that is still sending hears the answer."""
        left_bytes = DRAINED_BYTES_MAX
        while not self.ended and left_bytes > 0:
            left_bytes -= len(await self.chunk())

    async def gone(self) -> None:
        """Returns when the client goes."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def _both_ways(exchange: Exchange, body: _Body, send: Send, ray: bytes) -> Head:
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


async def _send_body(exchange: Exchange, body: _Body) -> None:
    try:
        while not body.ended:
            if chunk := await body.chunk():
                await exchange.send(chunk)
        await exchange.end()
    except WorkerGone:
        await asyncio.Future()  # whether it has answered nevertheless, the answer's side tells
    await body.gone()
    raise _ClientGone


async def _send_answer(exchange: Exchange, send: Send, ray: bytes) -> Head:
    response = await exchange.response()
    dropped = _HOP_BY_HOP | {b"cf-ray"} | _named_by_connection(response.headers)
    headers = [(name, value) for name, value in response.headers if name not in dropped]
    headers.append((b"cf-ray", ray))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    while (chunk := await exchange.chunk()) is not None:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        # Neither side waits while both have room or the client is gone: its going must be heard all the same.
        await asyncio.sleep(0)
    return Head(response.status_code, list(response.headers))


def _never_reported(scope: Scope) -> bool:
    """Whether no tail names the run: of what has no URL there is none."""
    return scope["method"] == "CONNECT" or not scope["raw_path"].startswith(b"/")


def _refused_by_runtime(head: Head) -> bool:
    """Whether no Worker has run. A Worker's own answer has a charset, or is on a connection that stays open."""
    of_runtime = ((b"connection", b"close"), (b"content-type", b"text/plain"))
    return head.status in _REFUSALS and all(each in head.headers for each in of_runtime)


def _target(scope: Scope) -> bytes:
    query: bytes = scope["query_string"]
    path: bytes = scope["raw_path"]
    return path + b"?" + query if query else path


def _request_headers(scope: Scope, ray: bytes, location: str) -> list[tuple[bytes, bytes]]:
    given: list[tuple[bytes, bytes]] = scope["headers"]
    # What says where a request goes and how long it is belongs to every hop, whatever `Connection` names.
    dropped = _HOP_BY_HOP | _OURS | (_named_by_connection(given) - {b"host", b"content-length"})
    # HTTP allows an empty Host, which the runtime refuses before any Worker runs.
    headers = [(name, value) for name, value in given if name not in dropped and (name, value) != (b"host", b"")]
    names = {name for name, _ in given}
    if b"content-length" not in names and (b"transfer-encoding" in names or scope["http_version"] == "2"):
        headers.append((b"transfer-encoding", b"chunked"))
    if b"host" not in {name for name, _ in headers}:
        headers.append((b"host", b"localhost"))
    client = scope.get("client")
    if client:
        headers.append((b"cf-connecting-ip", str(client[0]).encode()))
    headers.append((b"cf-ray", ray))
    headers.append((CF_HEADER.encode(), json.dumps({"colo": location}).encode()))
    return headers


def _named_by_connection(headers: Iterable[tuple[bytes, bytes]]) -> set[bytes]:
    named = (value.lower().split(b",") for name, value in headers if name == b"connection")
    return {token.strip() for tokens in named for token in tokens}


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == wanted), None)


async def _answer(send: Send, answer: Answer, ray: bytes | None = None) -> None:
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", b"%d" % len(answer.content))]
    if ray is not None:
        headers.append((b"cf-ray", ray))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content, "more_body": False})
