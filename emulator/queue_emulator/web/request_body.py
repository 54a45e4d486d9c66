"""Reading request bodies with a bound, without cutting off a client that is still sending."""

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from queue_emulator.kv.waiting import in_event_loop

_DRAIN_S = 2.0  # how long an answer that needs no body waits for the rest of one
DRAINED_BYTES_MAX = 100 * 1024 * 1024  # Cloudflare's own bound on a request body, free and pro plans


class RequestBody:
    """The body of one request, read at most once. `announced` False: its headers say that there is none."""

    def __init__(self, receive: Receive, *, announced: bool = True) -> None:
        self._receive = receive
        self._announced = announced
        self._ended = False
        self._received_bytes = 0

    async def read(self, bytes_max: int) -> bytes | None:
        """The whole body, or None if it is longer than `bytes_max`; the rest is then read and dropped."""
        chunks: list[bytes] = []
        size_bytes = 0
        while not self._ended and self._received_bytes <= DRAINED_BYTES_MAX:
            chunk = await self._chunk()
            size_bytes += len(chunk)
            if size_bytes <= bytes_max:
                chunks.append(chunk)
            else:
                chunks.clear()
        return b"".join(chunks) if size_bytes <= bytes_max else None

    async def drain(self) -> None:
        """Read and drop what is left, so that the client hears the answer instead of a closed connection."""
        if self._ended or not self._announced:
            return
        if not in_event_loop():  # inside a test, where nothing ever has to wait
            await self.read(0)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                await self.read(0)

    @property
    def received_bytes(self) -> int:
        """How much of it has come, kept or dropped."""
        return self._received_bytes

    async def receive(self) -> Message:
        """The next message, for one who reads the body by himself."""
        message = await self._receive()
        self._ended = not message.get("more_body", False)
        self._received_bytes += len(message.get("body", b""))
        return message

    async def _chunk(self) -> bytes:
        message = await self.receive()
        if message["type"] != "http.request":
            raise ClientGone
        body: bytes = message.get("body", b"")
        return body


class DrainedFirst:
    """Lets no answer begin before the request's body is read: a server closes a connection that has some left."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = RequestBody(receive)

        async def drained(message: Message) -> None:
            if message["type"] == "http.response.start":
                await body.drain()
            await send(message)

        await self._app(scope, body.receive, drained)


class ClientGone(Exception):
    """The client closed the connection before its request was whole."""
