"""The emulator's own port: passes each request to the tool's Worker at the location that the request names.

An ASGI application. While a tool brings in a changed Worker, its runtime is gone for a moment. A request that reached
nobody is sent again. One whose connection broke off after it was sent is sent again if it only reads; else the client
is told that it may have happened.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from queue_emulator.core.clock import Stopwatch
from queue_emulator.core.wire_names import INVOCATION, LOCATION_HEADER
from queue_emulator.kv.operation import Invocation
from queue_emulator.worker.answers import error_answer
from queue_emulator.workerd import websocket
from queue_emulator.workerd.invocations import Invocations
from queue_emulator.workerd.proxying import (
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
from queue_emulator.workerd.upstream import Address, Exchange, Headers, NotSendable, WorkerGone, WorkerNotReached

CF_HEADER = "MF-CF-Blob"  # where miniflare's sockets take `request.cf` from
_AGAIN_MS_MAX = 10_000  # a Worker that is reloaded is gone for half a second, a big one for a few
_AGAIN_S = 0.05
_READING = ("GET", "HEAD")


@dataclass(slots=True)
class Addresses:
    """Where the Worker answers, by location, as its tool reported last. `alone`: why it is at one location only.

    `process` names the process of the tool, which other tools of the same run are not.
    """

    locations: tuple[str, ...]
    urls: Mapping[str, str] = field(default_factory=dict)
    cf: Mapping[str, object] = field(default_factory=dict)
    alone: str | None = None
    process: str = ""

    def of(self, location: str) -> Address | None:
        """The socket of the Worker at a location; None while there is none."""
        if location not in self.urls:
            return None
        return address_of(self.urls[location])


def runs_at(location: str, process: str) -> str:
    """Runs are told apart by location and process: the Worker of another tool has not made their operations."""
    return f"{location} {process}"


def address_of(url: str) -> Address:
    """Where a URL of the tool's leads."""
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 80


class ToolApp:
    """`locate` finds the location that a header names, None if there is none.

    `before` is awaited before each request.
    """

    def __init__(
        self,
        addresses: Addresses,
        *,
        locate: Callable[[str | None], str | None],
        invocations: Invocations,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._before = before
        self._addresses = addresses
        self._locate = locate
        self._invocations = invocations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        passing = (_WebSocket if scope["type"] == "websocket" else _Request)(scope, receive, send)
        try:
            named = header(scope, LOCATION_HEADER.lower().encode())
            location = self._locate(None if named is None else named.decode("latin-1"))
            refusal = self._refusal(location)
            if location is None or refusal is not None:
                await passing.refuse(400, refusal or "")
            else:
                if self._before is not None:
                    await self._before()
                await self._pass_on(passing, scope, location)
        except ClientGone:
            pass

    def _refusal(self, location: str | None) -> str | None:
        """Why a location cannot be asked."""
        first = self._addresses.locations[0]
        if location is None:
            known = ", ".join(self._addresses.locations)
            return f"Unknown location in {LOCATION_HEADER}; this emulator has {known}"
        if location == first:
            return None
        if location not in self._addresses.locations:
            return f"only a binding is at {location}, no Worker: to run a Worker there, add --location {location}"
        if self._addresses.alone is None:
            return None
        where = f"{self._addresses.alone}: its Worker is at {first}, not at {location}"
        return f"{where}. --at BINDING=LOCATION puts a KV binding at another location; wrangler 4 can have several"

    async def _pass_on(self, passing: "_Passing", scope: Scope, location: str) -> None:
        run: Invocation = scope[INVOCATION]
        run.route = route_of(passing.method, scope["raw_path"])
        at = runs_at(location, self._addresses.process)
        self._invocations.begin(at, run)
        try:
            failed = await self._attempts(passing, location, f"{run.name}-{location}".encode())
        finally:
            self._invocations.end(at, run.name)
        if failed is not None:
            await passing.refuse(502, failed)

    async def _attempts(self, passing: "_Passing", location: str, ray: bytes) -> str | None:
        """Ask until somebody answers; what to tell the client if nobody does."""
        stopwatch = Stopwatch()
        cf = {**self._addresses.cf, "colo": location}
        while True:
            try:
                await self._attempt(passing, location, ray, cf)
                return None
            except NotSendable as error:
                return f"this request cannot be sent to the Worker: {error}"
            except WorkerGone as gone:
                if passing.begun:
                    raise ConnectionError("the Worker's answer broke off") from None
                if not isinstance(gone, WorkerNotReached) and not passing.repeatable:
                    return "the Worker's runtime ended before it answered: the request may have taken effect"
            if stopwatch.elapsed_ms() > _AGAIN_MS_MAX:
                return f"no Worker answers at {location}: see the output of the tool"
            await asyncio.sleep(_AGAIN_S)

    async def _attempt(self, passing: "_Passing", location: str, ray: bytes, cf: Mapping[str, object]) -> None:
        address = self._addresses.of(location)
        if address is None:
            raise WorkerNotReached
        await passing.attempt(address, request_headers(passing.scope, ray, CF_HEADER, cf), ray)


class _Passing(Protocol):
    """A request that can be passed on, once or again."""

    scope: Scope
    method: str
    begun: bool
    """The client was sent something: there is no other attempt."""

    @property
    def repeatable(self) -> bool:
        """Whether it may happen twice."""
        ...

    async def attempt(self, address: Address, headers: Headers, ray: bytes) -> None:
        """Pass it on; raises WorkerGone or NotSendable."""
        ...

    async def refuse(self, status: int, why: str) -> None:
        """Answer in the Worker's place."""
        ...


class _Request:
    """One HTTP request."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.begun = False
        self._body = Body(receive)
        self._send = send

    @property
    def repeatable(self) -> bool:
        return self.method in _READING and not self._body.begun

    async def attempt(self, address: Address, headers: Headers, ray: bytes) -> None:
        async with Exchange(address) as exchange:
            await exchange.ask(self.method, target(self.scope), headers)
            await both_ways(exchange, self._body, self._watched, ray)

    async def refuse(self, status: int, why: str) -> None:
        await self._body.drain()
        await send_answer(self._send, error_answer(status, why))

    async def _watched(self, message: Message) -> None:
        self.begun = True
        await self._send(message)


class _WebSocket:
    """One WebSocket, of which only the handshake can be passed on again."""

    method = "GET"
    repeatable = True

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.begun = False
        self._receive = receive
        self._send = send

    async def attempt(self, address: Address, headers: Headers, ray: bytes) -> None:
        await websocket.pass_on(address, self.scope, self._receive, self._watched, headers)

    async def refuse(self, status: int, why: str) -> None:
        async def as_http(message: Message) -> None:
            await self._send({**message, "type": f"websocket.{message['type']}"})

        await send_answer(as_http, error_answer(status, why))

    async def _watched(self, message: Message) -> None:
        self.begun = True
        await self._send(message)
