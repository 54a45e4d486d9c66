"""Bodies without end: read to Cloudflare's bound, refused, and never kept; bodies with too much in them."""

import threading
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
        (f"{CONTROL}/enqueue", {}, 27, 413, "the request body exceeds 27262976 bytes"),
        (f"{CONTROL}/clock", {}, 27, 413, "the request body exceeds 65536 bytes"),
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


CROWDED = b"[" + b"[]," * 300_000 + b"[]]"


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "why"),
    [
        ("/api/result/r", QUEUE, b'{"a":%b}' % CROWDED, 413, "Request body has more than 250,000 JSON values"),
        ("/api/queue/claim", QUEUE, CROWDED, 413, "Request body has more than 250,000 JSON values"),
        (f"{CONTROL}/enqueue", {}, b'{"task":%b}' % CROWDED, 413, "the request body has more than 250,000 JSON values"),
        (f"{CONTROL}/clock", {}, b"[[]" + CROWDED[-9_000:], 413, "the request body has more than 1,000 JSON values"),
        (f"{CONTROL}/faults", {}, CROWDED, 413, "the request body exceeds 65536 bytes"),
        (
            f"{CONTROL}/seed",
            {},
            b'[{"key":"a","value":"","extra":%b}]' % CROWDED,
            400,
            "nothing was written: more than 250,000 JSON values",
        ),
    ],
)
async def test_a_body_of_too_many_values_is_refused_before_it_is_parsed(
    client: httpx.AsyncClient, path: str, headers: dict[str, str], body: bytes, status: int, why: str
) -> None:
    answer = await client.post(path, content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (status, {"error": why})
    assert (await client.get(f"{CONTROL}/status")).json()["keys"] == 0


async def test_a_seed_that_is_something_else_is_given_up_on(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{CONTROL}/seed", content=CROWDED)
    assert answer.status_code == 400
    assert answer.json()["error"].endswith("entry 4: must be an object with key and value; and 995 or more")


@pytest.mark.slow
@pytest.mark.parametrize(("path", "size_bytes"), [("/api/result/r", 100_000), (f"{CONTROL}/seed", 100_000)])
async def test_a_large_body_is_parsed_while_others_go_on(client: httpx.AsyncClient, path: str, size_bytes: int) -> None:
    """The thread that parses is not the one that answers; that is what lets others go on."""
    before = {thread.name for thread in threading.enumerate()}
    small, large = b'{"success":true}', b'{"success":true,"a":"' + b"x" * size_bytes + b'"}'
    await client.post(path, content=small, headers=QUEUE)
    assert {thread.name for thread in threading.enumerate()} == before
    await client.post(path, content=large, headers=QUEUE)
    assert {thread.name for thread in threading.enumerate()} > before
