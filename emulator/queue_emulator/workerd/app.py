"""The application that clients of a Worker reach: gives each request to the Worker at the location that it names.

Without a framework.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from queue_emulator.core.clock import Stopwatch
from queue_emulator.core.repeated_lines import RepeatedLines
from queue_emulator.core.wire_names import INVOCATION, LOCATION_HEADER
from queue_emulator.kv.operation import Invocation
from queue_emulator.worker.answers import error_answer, text_answer
from queue_emulator.workerd.config import CF_HEADER
from queue_emulator.workerd.invocations import Invocations
from queue_emulator.workerd.proxying import (
    Body,
    ClientGone,
    Head,
    Message,
    Receive,
    Scope,
    Send,
    both_ways,
    header,
    request_headers,
    send_answer,
    target,
)
from queue_emulator.workerd.routes import route_of
from queue_emulator.workerd.run_limit import RunLimit, TooManyRuns
from queue_emulator.workerd.upstream import Exchange, NotSendable, WorkerGone
from queue_emulator.workerd.worker_clock import WorkerClock

# What the runtime answers by itself, before any Worker runs: no tail will tell of an end.
# https://github.com/capnproto/capnproto/blob/v2/c%2B%2B/src/kj/compat/http.c%2B%2B : HttpServerErrorHandler
_REFUSALS = (400, 414, 431, 501)
# Anything else in a host is answered with 500, as if the Worker had thrown; but none runs, and no tail tells.
# https://github.com/capnproto/capnproto/blob/v2/c%2B%2B/src/kj/compat/url.c%2B%2B : HOST_CHARS
_HOST = re.compile(rb"[-.:\[\]_0-9A-Za-z]*")
_TO_BEGIN_S = 0.25
_NO_HOST = "Bad Request: the Worker's runtime reads no Host but letters, digits, and any of - . : [ ] _"


class WorkerdApp:
    """`sockets` by location; `locate` finds the location that a header names, None if there is none of that name.

    `invoked` is told the route of each run.
    """

    def __init__(
        self,
        sockets: Mapping[str, Path],
        *,
        locate: Callable[[str | None], str | None],
        invocations: Invocations,
        invoked: Callable[[str], None],
        run_limit: RunLimit,
        clock: WorkerClock,
        log: Callable[[str], None],
    ) -> None:
        self._sockets = sockets
        self._run_limit = run_limit
        self._clock = clock
        self._locate = locate
        self._invocations = invocations
        self._invoked = invoked
        self._log = RepeatedLines(log, Stopwatch().elapsed_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = header(scope, LOCATION_HEADER.lower().encode())
        location = self._locate(None if named is None else named.decode("latin-1"))
        body = Body(receive, whole=_without_body(scope), in_the_way=lambda: self._run_limit.wanted)
        if location is None:
            known = ", ".join(self._sockets)
            await body.drain()
            await send_answer(
                send, error_answer(400, f"Unknown location in {LOCATION_HEADER}; this emulator has {known}")
            )
            return
        if not _HOST.fullmatch(header(scope, b"host") or b""):
            with suppress(ClientGone):
                await body.drain()
            await send_answer(send, text_answer(400, _NO_HOST))
            return
        try:
            await self._run_limit.take()
        except TooManyRuns:
            self._log("  a request was not passed on: the Worker has been busy with others for half a minute")
            with suppress(ClientGone):
                await body.drain()
            await send_answer(send, text_answer(503, "The Worker is busy with other requests"))
            return
        try:
            await self._run(scope, body, send, location)
        finally:
            self._run_limit.free()

    async def _run(self, scope: Scope, body: Body, send: Send, location: str) -> None:
        run: Invocation = scope[INVOCATION]
        run.route = route_of(scope["method"], scope["raw_path"])
        run.location = location
        self._invocations.begin(location, run)
        self._invoked(run.route)
        try:
            await self._exchange(scope, body, send, location, run)
        except ClientGone:
            pass
        finally:
            if _never_reported(scope):
                self._invocations.end(location, run.name)
            self._invocations.disconnected(location, run.name)

    async def _exchange(self, scope: Scope, body: Body, send: Send, location: str, run: Invocation) -> None:
        ray = f"{run.name}-{location}".encode()
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._clock.tell(location)
            async with Exchange(self._sockets[location]) as exchange:
                await exchange.ask(
                    scope["method"], target(scope), request_headers(scope, ray, CF_HEADER, {"colo": location})
                )
                try:
                    response: Head | None = await both_ways(exchange, body, watched, ray)
                except ClientGone:
                    response = await _begun(exchange)
            if response is not None and _refused_by_runtime(response):
                self._invocations.end(location, run.name)
        except NotSendable as error:
            self._invocations.end(location, run.name)
            self._log(f"  the request was not sent to the Worker: {error}")
            await body.drain()
            await send_answer(send, text_answer(400, "Bad Request"), ray)
        except WorkerGone as gone:
            self._invocations.end(location, run.name)
            self._log(f"  the Worker at {location} gave no complete answer: {gone}")
            if begun:
                raise ConnectionError("the Worker's answer broke off") from None
            await body.drain()
            await send_answer(send, text_answer(502, "The Worker's runtime gave no answer"), ray)


def _without_body(scope: Scope) -> bool:
    """Whether nothing can follow the head of an HTTP/1.1 request (RFC 9112, section 6.3)."""
    lengths = (b"content-length", b"transfer-encoding")
    return scope["http_version"] != "2" and not any(name in lengths for name, _ in scope["headers"])


async def _begun(exchange: Exchange) -> Head | None:
    """Wait until the runtime has begun a run whose client has gone: of one that it never began no tail would tell.

    Its answer, if it comes while that is waited for.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(_TO_BEGIN_S):
            answer = exchange.answer or await exchange.response()
            return Head(answer.status_code, list(answer.headers))
    return None


def _never_reported(scope: Scope) -> bool:
    """Whether no tail names the run: of what has no URL there is none."""
    return scope["method"] == "CONNECT" or not scope["raw_path"].startswith(b"/")


def _refused_by_runtime(head: Head) -> bool:
    """Whether no Worker has run. A Worker's own answer has a charset, or is on a connection that stays open."""
    of_runtime = ((b"connection", b"close"), (b"content-type", b"text/plain"))
    return head.status in _REFUSALS and all(each in head.headers for each in of_runtime)
