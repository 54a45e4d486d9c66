"""Reading request bodies with a bound, without cutting off a client that is still sending."""

from starlette.types import Receive

DRAINED_BYTES_MAX = 100 * 1024 * 1024  # Cloudflare's own bound on a request body, free and pro plans


class RequestBody:
    """The body of one request, read at most once."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False

    async def read(self, bytes_max: int) -> bytes | None:
        """The whole body, or None if it is longer than `bytes_max`; the rest is then read and dropped."""
        chunks: list[bytes] = []
        size_bytes = 0
        while not self._ended and size_bytes <= DRAINED_BYTES_MAX:
            chunk = await self._chunk()
            size_bytes += len(chunk)
            if size_bytes <= bytes_max:
                chunks.append(chunk)
            else:
                chunks.clear()
        return b"".join(chunks) if size_bytes <= bytes_max else None

    async def drain(self) -> None:
        """Read and drop what is left, so that the client hears the answer instead of a closed connection."""
        await self.read(0)

    async def _chunk(self) -> bytes:
        message = await self._receive()
        if message["type"] != "http.request":
            self._ended = True
            raise ClientGone
        self._ended = not message.get("more_body", False)
        body: bytes = message.get("body", b"")
        return body


class ClientGone(Exception):
    """The client closed the connection before its request was whole."""
