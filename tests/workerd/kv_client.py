"""HTTP as workerd speaks it to its KV service: over a Unix socket, one connection, bytes as they are."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h11

from queue_emulator.core.wire_names import LOCATION_HEADER
from queue_emulator.workerd.config import NAMESPACE_HEADER


@dataclass(frozen=True, slots=True)
class KVAnswer:
    """Status and reason phrase, header values as bytes, the body."""

    status: int
    reason: str
    headers: dict[str, bytes]
    body: bytes


class KVClient:
    """One connection that is kept, for one namespace at one location."""

    def __init__(self, path: Path, *, location: str = "SJC", namespace: int = 0) -> None:
        self._path = path
        self._injected = [(LOCATION_HEADER.encode(), location.encode()), (NAMESPACE_HEADER.encode(), b"%d" % namespace)]
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=2**20)

    async def connect(self) -> None:
        self._reader, self._writer = await asyncio.open_unix_connection(self._path)

    def close(self) -> None:
        self._writer.close()

    async def ask(self, method: str, target: str, body: bytes | Sequence[bytes] = b"", **headers: bytes) -> KVAnswer:
        """One exchange; a body in several parts is sent chunked. `CF_KV_Metadata=…` is a header."""
        whole = isinstance(body, bytes)
        parts = [body] if isinstance(body, bytes) else body
        framing = (b"Content-Length", b"%d" % len(body)) if whole else (b"Transfer-Encoding", b"chunked")
        named = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
        events = [
            h11.Request(
                method=method, target=target, headers=[(b"Host", b"fake-host"), framing, *self._injected, *named]
            ),
            *(h11.Data(data=part) for part in parts),
            h11.EndOfMessage(),
        ]
        for event in events:
            self._writer.write(self._http.send(event) or b"")
        await self._writer.drain()
        response = await self._next()
        assert isinstance(response, h11.Response)
        received = b""
        while isinstance(event := await self._next(), h11.Data):
            received += event.data
        self._http.start_next_cycle()
        names = {name.decode(): value for name, value in response.headers}
        return KVAnswer(response.status_code, response.reason.decode(), names, received)

    async def _next(self) -> h11.Event:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(2**20))
        assert isinstance(event, h11.Event), event
        return event
