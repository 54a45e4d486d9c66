"""What the body of a control takes in memory: a small multiple of its size, whatever is in it."""

import tracemalloc

import httpx
import pytest

from tests.web.keys import CONTROL, QUEUE

pytestmark = pytest.mark.anyio

_SIZE_BYTES = 100_000
_TIMES_MAX = 10
_CROWDED = b'{"a":1}'  # which takes the most, with arrays in arrays: fifty times its size as objects of Python's


def _many(unit: bytes) -> bytes:
    return b"[%b]" % b",".join([unit] * (_SIZE_BYTES // (len(unit) + 1)))


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("path", "before", "after", "unit"),
    [
        (f"{CONTROL}/enqueue", b'{"task":{"metadata":{"a":', b"}}}", b"[" * 20 + b"]" * 20),
        (f"{CONTROL}/enqueue", b'{"task":{"metadata":{"a":', b"}}}", _CROWDED),
        (f"{CONTROL}/enqueue", b'{"task":', b"}", _CROWDED),
        (f"{CONTROL}/seed", b'[{"key":"k","value":"v","metadata":', b"}]", _CROWDED),
        (f"{CONTROL}/keys/import", b'[{"key":"k","value":"v","extra":', b"}]", _CROWDED),
        (f"{CONTROL}/keys/write", b'{"key":"k","text":"v","metadata":', b"}", _CROWDED),
        (f"{CONTROL}/keys/delete", b'{"keys":', b"}", _CROWDED),
        (f"{CONTROL}/explore/play", b'{"schedule":"","choices":', b"}", _CROWDED),
        ("/api/result/r", b'{"a":', b"}", _CROWDED),
    ],
)
async def test_many_small_values_take_little(
    client: httpx.AsyncClient, path: str, before: bytes, after: bytes, unit: bytes
) -> None:
    content = before + _many(unit) + after
    warming = path.replace("result/r", "result/other")  # what the first request loads is no part of it
    await client.post(warming, content=b"{}", headers=QUEUE)
    tracemalloc.start()
    try:
        answer = await client.post(path, content=content, headers=QUEUE)
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code in (200, 400, 413), answer.text
    assert most_bytes < _TIMES_MAX * len(content)


async def test_a_large_task_is_stored_and_answered_as_it_was_given(client: httpx.AsyncClient) -> None:
    given = {"id": "t1", "content": "é" * 20_000, "metadata": {"many": [{}, [1, "a"]] * 5_000, "one": None}}
    answer = await client.post(f"{CONTROL}/enqueue", json={"task": given})
    task = answer.json()["task"]
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert task.items() >= given.items()
    assert (await client.get("/api/queue/t1", headers=QUEUE)).json() == task


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"task":[%b]}' % _many(b"[]"), "task must be a JSON object, not [[[],[],"),
        (b'{"task":{"metadata":%b}}' % _many(b"[]"), "task.metadata must be a JSON object, not [[],[],"),
        (b'{"task":{"id":"%b"}}' % (b"x" * _SIZE_BYTES), "task.id must be a string of 1 to"),
        (b'{"x":%b}' % _many(b"[]"), "unknown member 'x'; allowed: format, task"),
        (b'{"format":"%b"}' % (b"x" * _SIZE_BYTES), "format must be one of new, old, not 'xxx"),
        (b'{"task":%b' % _many(b"[]"), "the request body is not JSON"),
    ],
)
async def test_a_large_body_is_refused_in_the_words_of_a_small_one(
    client: httpx.AsyncClient, content: bytes, why: str
) -> None:
    answer = await client.post(f"{CONTROL}/enqueue", content=content)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(why)
    assert len(answer.content) < 300


@pytest.mark.parametrize(
    ("given", "value"),
    [({"text": "é😀" * 9_000}, "é😀".encode() * 9_000), ({"base64": "AP8A" * 9_000}, b"\0\xff\0" * 9_000)],
)
async def test_a_large_value_is_written_as_it_was_given(
    client: httpx.AsyncClient, given: dict[str, str], value: bytes
) -> None:
    answer = await client.post(f"{CONTROL}/keys/write", json={"key": "k", **given})
    assert answer.status_code == 200
    read = (await client.post(f"{CONTROL}/keys/read", json={"key": "k", "whole": True})).json()["entry"]
    assert (read.get("text"), read.get("base64")) == (given.get("text"), given.get("base64"))
    assert read["size_bytes"] == len(value)
