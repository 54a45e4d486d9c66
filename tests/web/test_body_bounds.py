"""Bodies without end: read to Cloudflare's bound, refused, and never kept."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from starlette.types import Message

from queue_emulator.web.request_body import DRAINED_BYTES_MAX, ClientGone, RequestBody
from tests.web.keys import CONTROL, QUEUE

pytestmark = pytest.mark.anyio

MEBIBYTE = 2**20
BLOCK = b"[" + b" " * (MEBIBYTE - 1)


class Sender:
    """A client that sends block after block; `sent` counts them."""

    def __init__(self, blocks: int) -> None:
        self._blocks = blocks
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self._blocks):
            self.sent += 1
            yield BLOCK


@pytest.mark.parametrize(
    ("path", "headers", "blocks", "status", "why"),
    [
        (f"{CONTROL}/seed", {}, 101, 413, "the request body exceeds 104857600 bytes"),
        (f"{CONTROL}/enqueue", {}, 101, 413, "the request body exceeds 104857600 bytes"),
        (f"{CONTROL}/clock", {}, 101, 413, "the request body exceeds 104857600 bytes"),
        ("/api/queue/claim", QUEUE, 26, 413, "Request body exceeds 26214400 bytes"),
        ("/api/result/r", QUEUE, 101, 413, "Request body exceeds 26214400 bytes"),
        ("/api/result/r", {}, 101, 401, "Unauthorized"),
    ],
)
async def test_a_body_that_is_too_long_is_refused(
    client: httpx.AsyncClient, path: str, headers: dict[str, str], blocks: int, status: int, why: str
) -> None:
    answer = await client.post(path, content=Sender(blocks), headers=headers)
    assert (answer.status_code, answer.json()) == (status, {"error": why})
    assert (await client.get(f"{CONTROL}/status")).json()["keys"] == 0


@pytest.mark.slow
async def test_a_body_of_exactly_the_bound_is_read(client: httpx.AsyncClient) -> None:
    whole = b"[" + b" " * (100 * MEBIBYTE - 2) + b"]"
    answer = await client.post(f"{CONTROL}/seed", content=whole)
    assert (answer.status_code, answer.json()["written"]) == (200, 0)


@pytest.mark.parametrize("path", [f"{CONTROL}/seed", "/api/result/r", "/elsewhere"])
async def test_nobody_is_listened_to_for_ever(client: httpx.AsyncClient, path: str) -> None:
    sender = Sender(10_000)
    answer = await client.post(path, content=sender, headers={**QUEUE, "Origin": "https://example.com"})
    assert answer.status_code in (403, 404, 413)
    assert sender.sent <= DRAINED_BYTES_MAX // MEBIBYTE + 1


async def test_a_body_is_read_at_most_once() -> None:
    body = _body([b"ab", b"", b"c"])
    assert await body.read(3) == b"abc"
    assert await body.read(3) == b""
    await body.drain()


async def test_one_byte_too_many_is_too_long_and_the_rest_is_read() -> None:
    body = _body([b"ab", b"cd", b"ef"])
    assert await body.read(3) is None
    assert await body.read(3) == b""


async def test_a_client_that_left_is_told_from_an_end() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    body = RequestBody(receive)
    with pytest.raises(ClientGone):
        await body.read(3)
    await body.drain()


def _body(chunks: list[bytes]) -> RequestBody:
    messages = _messages(chunks)

    async def receive() -> Message:
        return next(messages)

    return RequestBody(receive)


def _messages(chunks: list[bytes]) -> Iterator[Message]:
    for number, chunk in enumerate(chunks):
        yield {"type": "http.request", "body": chunk, "more_body": number < len(chunks) - 1}
