"""The emulator's own port: passes each request to the tool's Worker at the location that the request names.

An ASGI application. While a tool brings in a changed Worker, its runtime is gone for a moment. A request that reached
nobody is sent again. One whose connection broke off after it was sent is sent again if it only reads; else the client
is told that it may have happened.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from queue_emulator.core.clock import Stopwatch
from queue_emulator.core.surface import INVOCATION, LOCATION_HEADER
from queue_emulator.kv.operation import Invocation
from queue_emulator.worker.answers import Answer, error_answer
from queue_emulator.workerd.invocations import Invocations
from queue_emulator.workerd.passing import (
    Body,
    ClientGone,
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
from queue_emulator.workerd.upstream import Address, Exchange, NotSendable, WorkerGone, WorkerNotReached

CF_HEADER = "MF-CF-Blob"  # where miniflare's sockets take `request.cf` from
_AGAIN_MS_MAX = 10_000  # a Worker that is reloaded is gone for half a second, a big one for a few
_AGAIN_S = 0.05
_READING = ("GET", "HEAD")


@dataclass(slots=True)
class Addresses:
    """Where the Worker answers, by location, as its tool reported last. `alone`: why it is at one location only."""

    locations: tuple[str, ...]
    urls: Mapping[str, str] = field(default_factory=dict)
    cf: Mapping[str, Any] = field(default_factory=dict)
    alone: str | None = None

    def of(self, location: str) -> Address | None:
        """The socket of the Worker at a location; None while there is none."""
        if location not in self.urls:
            return None
        parts = urlsplit(self.urls[location])
        return parts.hostname or "127.0.0.1", parts.port or 80


class ToolFront:
    """`locate` finds the location that a header names, None if there is none."""

    def __init__(
        self,
        addresses: Addresses,
        *,
        locate: Callable[[str | None], str | None],
        invocations: Invocations,
        log: Callable[[str], None],
    ) -> None:
        self._addresses = addresses
        self._locate = locate
        self._invocations = invocations
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = header(scope, LOCATION_HEADER.lower().encode())
        location = self._locate(None if named is None else named.decode("latin-1"))
        body = Body(receive)
        try:
            if location is None:
                known = ", ".join(self._addresses.locations)
                why = f"Unknown location in {LOCATION_HEADER}; this emulator has {known}"
                await self._refuse(400, why, body, send)
            elif self._addresses.alone is not None and location != self._addresses.locations[0]:
                why = f"{self._addresses.alone}: its Worker is at {self._addresses.locations[0]}, not at {location}"
                await self._refuse(
                    400, f"{why}. A KV binding can be put at another one: --at BINDING=LOCATION", body, send
                )
            else:
                await self._pass_on(scope, body, send, location)
        except ClientGone:
            pass

    async def _pass_on(self, scope: Scope, body: Body, send: Send, location: str) -> None:
        run: Invocation = scope[INVOCATION]
        run.route = route_of(scope["method"], scope["raw_path"])
        self._invocations.begin(location, run)
        try:
            answer = await self._attempts(scope, body, send, location, f"{run.name}-{location}".encode())
        finally:
            self._invocations.end(location, run.name)
        if answer is not None:
            await self._refuse(502, answer, body, send)

    async def _attempts(self, scope: Scope, body: Body, send: Send, location: str, ray: bytes) -> str | None:
        """Ask until somebody answers; what to tell the client if nobody does."""
        stopwatch = Stopwatch()
        while True:
            attempt = _Attempt(send)
            try:
                await self._attempt(scope, body, attempt, location, ray)
                return None
            except NotSendable as error:
                self._log(f"  the request was not passed on: {error}")
                return "the request holds what HTTP/1.1 cannot pass on"
            except WorkerGone as gone:
                if attempt.begun:
                    raise ConnectionError("the Worker's answer broke off") from None
                if not isinstance(gone, WorkerNotReached) and (scope["method"] not in _READING or body.begun):
                    return "the Worker's runtime ended before it answered: the request may have happened"
            if stopwatch.elapsed_ms() > _AGAIN_MS_MAX:
                return f"no Worker answers at {location}: the tool's own output may say why"
            await asyncio.sleep(_AGAIN_S)

    async def _attempt(self, scope: Scope, body: Body, attempt: "_Attempt", location: str, ray: bytes) -> None:
        address = self._addresses.of(location)
        if address is None:
            raise WorkerNotReached
        cf = {**self._addresses.cf, "colo": location}
        async with Exchange(address) as exchange:
            await exchange.ask(scope["method"], target(scope), request_headers(scope, ray, CF_HEADER, cf))
            await both_ways(exchange, body, attempt.send, ray)

    async def _refuse(self, status: int, why: str, body: Body, send: Send) -> None:
        answer: Answer = error_answer(status, why)
        await body.drain()
        await send_answer(send, answer)


class _Attempt:
    """What the client is sent by one attempt; once it is sent anything, there is no other."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def send(self, message: Message) -> None:
        self.begun = True
        await self._send(message)
