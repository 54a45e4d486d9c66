"""What a Worker writes and reads back through its binding, in either profile."""

from collections.abc import AsyncIterator, Callable
from types import MappingProxyType
from typing import Any

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import KVError, KVSyntaxError, KVTypeError
from queue_emulator.core.javascript import UNDEFINED
from queue_emulator.core.profiles import CLOUDFLARE, LOCAL
from queue_emulator.kv.binding import Binding, ListKey

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("profile", [CLOUDFLARE, LOCAL], ids=lambda profile: profile.name),
]


@pytest.fixture
def cache(open_binding: Callable[..., Binding]) -> Binding:
    return open_binding()


async def test_a_miss_is_null(cache: Binding) -> None:
    assert await cache.get("never") is None
    missed = await cache.get_with_metadata("never")
    assert (missed.value, missed.metadata) == (None, None)


async def test_an_empty_value_is_not_a_miss(cache: Binding) -> None:
    await cache.put("k", "")
    assert await cache.get("k") == ""


async def test_a_value_is_read_as_text_json_bytes_or_a_stream(cache: Binding) -> None:
    await cache.put("k", '{"é": [1.0]}')
    assert await cache.get("k") == await cache.get("k", "text") == '{"é": [1.0]}'
    assert await cache.get("k", "json") == {"é": [1]}
    assert await cache.get("k", "arrayBuffer") == '{"é": [1.0]}'.encode()
    assert await collected(await cache.get("k", "stream")) == ['{"é": [1.0]}'.encode()]


async def test_a_stream_comes_in_chunks_and_an_empty_one_in_none(cache: Binding) -> None:
    await cache.put("large", b"x" * 150_000)
    await cache.put("empty", b"")
    assert [len(chunk) for chunk in await collected(await cache.get("large", "stream"))] == [65_536, 65_536, 18_928]
    assert await collected(await cache.get("empty", "stream")) == []


@pytest.mark.parametrize("content", [b"\x00\xff", bytearray(b"\x00\xff"), memoryview(b"\x00\xff")], ids=type)
async def test_bytes_are_kept_as_they_are(cache: Binding, content: Any) -> None:
    await cache.put("k", content)
    assert await cache.get("k", "arrayBuffer") == b"\x00\xff"


@pytest.mark.parametrize(
    ("value", "text"), [(123, "123"), (1e21, "1e+21"), (True, "true"), (None, "null"), (UNDEFINED, "undefined")]
)
async def test_what_is_neither_text_nor_bytes_nor_an_object_is_written_as_its_text(
    cache: Binding, value: Any, text: str
) -> None:
    await cache.put("k", value)
    assert await cache.get("k") == text


@pytest.mark.parametrize("value", [{}, [], ("a",), MappingProxyType({}), range(2)])
async def test_an_object_is_no_value(cache: Binding, value: Any) -> None:
    text = "KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values."
    with pytest.raises(KVTypeError) as caught:
        await cache.put("k", value)
    assert str(caught.value) == text
    assert await cache.get("k") is None


@pytest.mark.parametrize("type", ["bogus", "", 5, "ArrayBuffer"])
async def test_an_unknown_type_is_refused_for_a_hit_only(cache: Binding, type: Any) -> None:
    await cache.put("k", "v")
    assert await cache.get("never", type) is None
    with pytest.raises(
        KVTypeError, match=r'^Unknown response type\. Possible types are "text", "arrayBuffer", "json", '
    ):
        await cache.get("k", type)


@pytest.mark.parametrize(
    ("value", "text"),
    [("", "Unexpected end of JSON input"), ("H", "Unexpected token 'H', \"H\" is not valid JSON")],
)
async def test_a_value_that_is_not_json_throws_v8_s_words(cache: Binding, value: str, text: str) -> None:
    await cache.put("k", value)
    with pytest.raises(KVSyntaxError) as caught:
        await cache.get("k", "json")
    assert str(caught.value) == text


@pytest.mark.parametrize("metadata", [False, 0, "", [], {}, {"a": [None, 1.5, "é"]}, "null"])
async def test_metadata_comes_back_with_the_value_and_in_lists(cache: Binding, metadata: Any) -> None:
    await cache.put("k", "v", metadata=metadata)
    read = await cache.get_with_metadata("k")
    assert (read.value, read.metadata) == ("v", metadata)
    assert (await cache.list()).keys == (ListKey("k", None, metadata),)


@pytest.mark.parametrize("metadata", [None, UNDEFINED])
async def test_no_metadata_is_null(cache: Binding, metadata: Any) -> None:
    await cache.put("k", "v", metadata=metadata)
    assert (await cache.get_with_metadata("k")).metadata is None
    assert (await cache.list()).keys == (ListKey("k"),)


async def test_a_write_clears_the_metadata_and_the_expiration_there_were(cache: Binding, clock: MovableClock) -> None:
    await cache.put("k", "v", metadata={"m": 1}, expiration_ttl=60)
    clock.advance(1_000)
    await cache.put("k", "w")
    clock.advance(60_000)
    read = await cache.get_with_metadata("k")
    assert (read.value, read.metadata) == ("w", None)
    assert (await cache.list()).keys == (ListKey("k"),)


async def test_a_key_is_there_until_the_first_millisecond_of_its_expiration(
    cache: Binding, clock: MovableClock
) -> None:
    await cache.put("k", "v", expiration_ttl=60)
    clock.advance(59_999)
    assert await cache.get("k") == "v"
    assert [key.expiration for key in (await cache.list()).keys] == [1_795_435_260]
    clock.advance(1)
    assert await cache.get("k") is None
    assert (await cache.list()).keys == ()


async def test_a_refused_write_changes_nothing(cache: Binding) -> None:
    await cache.put("k", "v", metadata=1)
    for refused in ({"expiration_ttl": 59}, {"expiration": 1}, {"metadata": "x" * 1023}):
        with pytest.raises(KVError):
            await cache.put("k", "w", **refused)
    read = await cache.get_with_metadata("k")
    assert (read.value, read.metadata) == ("v", 1)


async def test_a_deleted_key_is_a_miss_and_deleting_an_absent_one_is_no_error(cache: Binding) -> None:
    await cache.put("k", "v")
    await cache.delete("k")
    await cache.delete("k")
    assert await cache.get("k") is None
    assert (await cache.list()).keys == ()


@pytest.mark.parametrize("key", ["a/b?c#d%25", "%2e", "a\0b", " ", "\n", "../x", "é😀", 42, None, "x" * 512])
async def test_every_key_reads_back_under_its_own_name(cache: Binding, key: Any) -> None:
    await cache.put(key, "v")
    assert await cache.get(key) == "v"
    assert [await cache.get(listed.name) for listed in (await cache.list()).keys] == ["v"]


async def collected(stream: AsyncIterator[bytes] | None) -> list[bytes]:
    assert stream is not None
    return [chunk async for chunk in stream]
