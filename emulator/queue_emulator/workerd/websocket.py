"""A WebSocket on its way to a Worker and back: messages as they come, both ways, until one side closes.

The handshake belongs to each hop; what a Worker answers instead of one passes through as it is.
https://www.rfc-editor.org/rfc/rfc6455
"""

import asyncio
import base64
from collections.abc import Sequence

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Message, Ping, TextMessage

from queue_emulator.core.dice import Dice
from queue_emulator.workerd.proxying import HOP_BY_HOP, Receive, Scope, Send, target
from queue_emulator.workerd.upstream import Address, Connected, Exchange, Headers, WorkerGone

_OWN = (b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-extensions", b"sec-websocket-accept")
MESSAGE_BYTES_MAX = (
    33 << 20
)  # a little more than Workers can send: https://developers.cloudflare.com/workers/platform/limits/ (2026-11-30)
_TOO_BIG = 1009
_GONE = 1012  # "service restart": https://www.iana.org/assignments/websocket/websocket.xhtml


async def pass_on(address: Address, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
    """One WebSocket from its handshake to its end. Raises WorkerGone if there was no answer to the handshake."""
    async with Exchange(address) as exchange:
        await exchange.ask("GET", target(scope), _handshake(headers))
        answer, connected = await exchange.upgraded()
        own = [(name, value) for name, value in answer.headers if name not in HOP_BY_HOP and name not in _OWN]
        await receive()  # websocket.connect
        if connected is None:
            await send({"type": "websocket.http.response.start", "status": answer.status_code, "headers": own})
            while (chunk := await exchange.chunk()) is not None:
                await send({"type": "websocket.http.response.body", "body": chunk, "more_body": True})
            await send({"type": "websocket.http.response.body", "body": b""})
            return
        protocol = next((value.decode("latin-1") for name, value in own if name == b"sec-websocket-protocol"), None)
        rest = [(name, value) for name, value in own if name != b"sec-websocket-protocol"]
        await send({"type": "websocket.accept", "subprotocol": protocol, "headers": rest})
        await _Coupling(connected, receive, send).run()


def _handshake(headers: Headers) -> list[tuple[bytes, bytes]]:
    key = base64.b64encode(b"".join(Dice().bits(64, "websocket key", half).to_bytes(8, "big") for half in (0, 1)))
    upgrade = [(b"connection", b"Upgrade"), (b"upgrade", b"websocket"), (b"sec-websocket-version", b"13")]
    return [*((name, value) for name, value in headers if name not in _OWN), *upgrade, (b"sec-websocket-key", key)]


class _Coupling:
    """Two ends, each heard by one task; the first that ends ends the other."""

    def __init__(self, connected: Connected, receive: Receive, send: Send) -> None:
        self._connected = connected
        self._frames = Connection(ConnectionType.CLIENT)
        self._receive = receive
        self._send = send
        self._begun_bytes = 0

    async def run(self) -> None:
        tasks = [asyncio.ensure_future(each) for each in (self._from_client(), self._from_worker())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _from_client(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                await self._tell_worker(CloseConnection(code=message.get("code") or 1000))
                return
            text = message.get("text")
            await self._tell_worker(Message(text if text is not None else message["bytes"]))

    async def _from_worker(self) -> None:
        begun: list[str | bytes | bytearray] = []
        try:
            while received := await self._connected.receive():
                self._frames.receive_data(received)
                for event in self._frames.events():
                    if isinstance(event, CloseConnection):
                        await self._send({"type": "websocket.close", "code": event.code, "reason": event.reason or ""})
                        return
                    await self._take(event, begun)
                    if self._begun_bytes > MESSAGE_BYTES_MAX:
                        await self._give_up()
                        return
        except WorkerGone:
            pass
        await self._send({"type": "websocket.close", "code": _GONE, "reason": "the Worker's runtime has ended"})

    async def _give_up(self) -> None:
        """A message goes on for ever: nobody waits for the rest of it."""
        why = f"a message of the Worker goes on after {MESSAGE_BYTES_MAX} bytes"
        await self._send({"type": "websocket.close", "code": _TOO_BIG, "reason": why})
        await self._tell_worker(CloseConnection(code=_TOO_BIG))

    async def _take(self, event: Event, begun: list[str | bytes | bytearray]) -> None:
        if isinstance(event, Ping):
            await self._tell_worker(event.response())
        elif isinstance(event, (TextMessage, BytesMessage)):
            begun.append(event.data)
            self._begun_bytes += len(event.data)
            if event.message_finished and self._begun_bytes <= MESSAGE_BYTES_MAX:
                await self._send({"type": "websocket.send", **_whole(begun)})
                begun.clear()
                self._begun_bytes = 0

    async def _tell_worker(self, event: Event) -> None:
        await self._connected.send(self._frames.send(event))


def _whole(parts: Sequence[str | bytes | bytearray]) -> dict[str, str | bytes]:
    if isinstance(parts[0], str):
        return {"text": "".join(each for each in parts if isinstance(each, str))}
    return {"bytes": b"".join(bytes(each) for each in parts if not isinstance(each, str))}
