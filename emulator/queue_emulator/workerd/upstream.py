"""One HTTP exchange with a Worker over a Unix or TCP socket: bytes as they are, both ways as they come.

A connection serves one request. Connecting costs some tens of microseconds here; a pool would have to know when the
other side is about to close.
"""

import asyncio
import errno
import socket
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import h11

_CHUNK_BYTES = 65_536
_HEAD_BYTES_MAX = 1024 * 1024
_DESCRIPTOR_S = 0.05  # until it is looked again whether one is free
_DESCRIPTOR_TRIES = 600

Headers = Sequence[tuple[bytes, bytes]]


Address = Path | tuple[str, int]
"""A Unix socket, or an IPv4 address and a port."""


class WorkerGone(Exception):
    """The runtime closed the connection before its answer was whole."""


class WorkerNotReached(WorkerGone):
    """No connection was made: the Worker cannot have seen anything of the request."""


class NotSendable(Exception):
    """A request that HTTP/1.1 cannot hold: it was never sent."""


class Connected:
    """A connection that HTTP has left to another protocol; raises WorkerGone."""

    def __init__(self, connection: socket.socket, received: bytes) -> None:
        self._socket = connection
        self._received = received

    async def receive(self) -> bytes:
        """The next bytes; none at the end."""
        received, self._received = self._received, b""
        try:
            return received or await asyncio.get_running_loop().sock_recv(self._socket, _CHUNK_BYTES)
        except OSError as error:
            raise WorkerGone(str(error)) from None

    async def send(self, sent: bytes) -> None:
        try:
            await asyncio.get_running_loop().sock_sendall(self._socket, sent)
        except OSError as error:
            raise WorkerGone(str(error)) from None


class Exchange:
    """A connection to the Worker, to be used as an asynchronous context; raises WorkerGone.

    `answer` is the head of the answer, once it has come.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES_MAX)
        self.answer: h11.Response | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        # Not asyncio's streams: once a write has failed they give up what is still to be read, and a Worker that
        # answers without reading its request closes while we write.
        address = str(self._address) if isinstance(self._address, Path) else self._address
        self._socket = await _socket(socket.AF_UNIX if isinstance(self._address, Path) else socket.AF_INET)
        self._socket.setblocking(False)
        try:
            await self._loop.sock_connect(self._socket, address)
        except BaseException as error:
            self._socket.close()
            if isinstance(error, OSError):
                raise WorkerNotReached(str(error)) from None
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    async def ask(self, method: str, target: bytes, headers: Headers) -> None:
        """Send the head of a request; what frames its body is among the headers. Raises NotSendable."""
        try:
            head = h11.Request(method=method, target=target, headers=list(headers))
        except h11.LocalProtocolError as error:
            raise NotSendable(_without_value(str(error))) from None
        await self._send(head)

    async def send(self, chunk: bytes) -> None:
        """Send a part of the body."""
        await self._send(h11.Data(data=chunk))

    async def end(self) -> None:
        """The request is whole."""
        await self._send(h11.EndOfMessage())

    async def response(self) -> h11.Response:
        """The head of the answer, once it comes."""
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                self.answer = event
                return event

    async def chunk(self) -> bytes | None:
        """The next part of the answer's body; None when it is whole."""
        while True:
            event = await self._next()
            if isinstance(event, h11.EndOfMessage):
                return None
            if isinstance(event, h11.Data) and event.data:
                return bytes(event.data)

    async def upgraded(self) -> tuple[h11.InformationalResponse | h11.Response, "Connected | None"]:
        """The head of the answer to a request to upgrade; and the connection, if it is another protocol's now."""
        while True:
            event = await self._next()
            if isinstance(event, h11.InformationalResponse) and event.status_code == 101:
                return event, Connected(self._socket, self._http.trailing_data[0])
            if isinstance(event, h11.Response):
                return event, None

    async def _send(self, event: h11.Event) -> None:
        try:
            if sent := self._http.send(event):
                await self._loop.sock_sendall(self._socket, sent)
        except (OSError, h11.LocalProtocolError) as error:
            raise WorkerGone(str(error)) from None

    async def _next(self) -> h11.Event:
        try:
            while True:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    self._http.receive_data(await self._loop.sock_recv(self._socket, _CHUNK_BYTES))
                elif isinstance(event, (h11.ConnectionClosed, type(h11.PAUSED))):
                    raise WorkerGone("the connection was closed")
                else:
                    assert isinstance(event, h11.Event)
                    return event
        except (OSError, h11.RemoteProtocolError) as error:
            raise WorkerGone(str(error)) from None


def _without_value(why: str) -> str:
    """What h11 says, without the value of a header, which may be a secret."""
    before, found, _ = why.partition("header value")
    return before + found


async def _socket(family: socket.AddressFamily) -> socket.socket:
    """A new one, as soon as this process may open one more file; raises WorkerGone after half a minute."""
    for _ in range(_DESCRIPTOR_TRIES):
        try:
            return socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise WorkerGone(str(error)) from None
        await asyncio.sleep(_DESCRIPTOR_S)
    raise WorkerGone("this process may open no more files")
