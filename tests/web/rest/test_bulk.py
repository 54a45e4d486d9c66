"""Many keys in one request of Cloudflare's API: written, deleted and read."""

import base64
import json
from typing import Any

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.limits import BULK_GET_BYTES_MAX
from tests.web.rest.api import CACHE, Api, refused, succeeded

pytestmark = pytest.mark.anyio

BULK = f"/{CACHE}/bulk"


def done(count: int) -> dict[str, Any]:
    return {"successful_key_count": count, "unsuccessful_keys": []}


async def read(api: Api, *keys: str, **asked: Any) -> Any:
    return (await api.result("POST", f"{BULK}/get", json={"keys": list(keys), **asked}))["values"]


async def test_pairs_are_written_with_all_that_they_say(api: Api, clock: MovableClock) -> None:
    now_s = clock.now_ms() // 1000
    pairs = [
        {"key": "text", "value": "ü"},
        {"key": "bytes", "value": base64.b64encode(b"\xff\x00").decode(), "base64": True},
        {"key": "plain", "value": "dg==", "base64": False, "metadata": {"a": [1]}},
        {"key": "ttl", "value": "", "expiration_ttl": 60},
        {"key": "expiration", "value": "v", "expiration": now_s + 61, "of no meaning": 1},
    ]
    assert await api.result("PUT", BULK, json=pairs) == done(5)
    assert [await api.get(key) for key in ("text", "bytes", "plain", "ttl")] == [
        "ü".encode(),
        b"\xff\x00",
        b"dg==",
        b"",
    ]
    assert await api.result("GET", f"/{CACHE}/keys") == [
        {"name": "bytes"},
        {"name": "expiration", "expiration": now_s + 61},
        {"name": "plain", "metadata": {"a": [1]}},
        {"name": "text"},
        {"name": "ttl", "expiration": now_s + 60},
    ]


async def test_of_two_pairs_of_one_key_the_last_stays(api: Api) -> None:
    pairs = [{"key": "k", "value": "1"}, {"key": "k", "value": "2"}]
    assert await api.result("PUT", BULK, json=pairs) == done(2)
    assert await api.get("k") == b"2"


@pytest.mark.parametrize(("method", "path"), [("DELETE", BULK), ("POST", f"{BULK}/delete")])
async def test_keys_are_deleted_both_ways(api: Api, method: str, path: str) -> None:
    succeeded(await api.ask("PUT", BULK, json=[{"key": key, "value": "v"} for key in "abc"]))
    assert await api.result(method, path, json=["a", "b", "a", "never"]) == done(4)
    assert await api.names() == ["c"]


async def test_nothing_at_all_is_no_error(api: Api) -> None:
    assert await api.result("PUT", BULK, content=b" [ ] \n") == done(0)
    assert await api.result("DELETE", BULK, content=b"[]") == done(0)
    assert await api.result("POST", f"{BULK}/delete", content=b"[]") == done(0)


async def test_ten_thousand_pairs_are_written_and_deleted_at_once(api: Api) -> None:
    names = [f"k{number:05}" for number in range(10_000)]
    assert await api.result("PUT", BULK, json=[{"key": name, "value": "v"} for name in names]) == done(10_000)
    assert await api.names() == names[:1000]
    assert await api.result("POST", f"{BULK}/delete", json=names) == done(10_000)
    assert await api.get(names[-1]) is None


async def test_values_are_read_as_text_with_null_for_what_is_not_there(api: Api) -> None:
    await api.put("a", 'ü"\n\0'.encode())
    await api.put("1", b"")
    expected = {"a": 'ü"\n\0', "1": "", "missing": None}
    assert await read(api, "a", "1", "missing", "a") == expected
    assert await read(api, "a", "1", "missing", type="text") == expected


async def test_values_are_read_as_json(api: Api) -> None:
    values = {"o": '{"a": [1.5, null, "ü"]}', "n": " 7", "t": "true", "s": '"s"', "z": "null"}
    for key, value in values.items():
        await api.put(key, value.encode())
    found = await read(api, *values, "missing", type="json")
    assert found == {**{key: json.loads(value) for key, value in values.items()}, "missing": None}


async def test_metadata_and_expiration_come_with_values(api: Api, clock: MovableClock) -> None:
    pairs = [{"key": "a", "value": "1", "metadata": {"m": 1}, "expiration_ttl": 60}, {"key": "b", "value": "2"}]
    succeeded(await api.ask("PUT", BULK, json=pairs))
    assert await read(api, "a", "b", "missing", withMetadata=True) == {
        "a": {"value": "1", "metadata": {"m": 1}, "expiration": clock.now_ms() // 1000 + 60},
        "b": {"value": "2", "metadata": None},
        "missing": None,
    }
    assert (await read(api, "a", type="json", withMetadata=True))["a"]["value"] == 1


@pytest.mark.parametrize(("value", "asked"), [(b"\xff", "text"), (b"\xff", "json"), (b"{", "json"), (b"", "json")])
async def test_a_value_of_another_kind_is_refused_not_garbled(api: Api, value: bytes, asked: str) -> None:
    await api.put("k", value)
    await api.put("fine", b"1")
    answer = await api.ask("POST", f"{BULK}/get", json={"keys": ["fine", "k"], "type": asked})
    message = f"bulk get keys: 'At least one of the requested keys corresponds to a non-{asked} value'"
    assert refused(answer) == (400, 10029, message)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"keys": []}, "You must request a minimum of 1 key"),
        ({"keys": ["k"] * 101}, "You can request a maximum of 100 keys"),
        ({"keys": ["k"], "type": "stream"}, '"stream" is not a valid type. Use "json" or "text"'),
        ({"keys": ["k"], "type": ""}, '"" is not a valid type. Use "json" or "text"'),
    ],
)
async def test_a_read_that_cannot_be_is_refused(api: Api, asked: dict[str, Any], reason: str) -> None:
    assert refused(await api.ask("POST", f"{BULK}/get", json=asked)) == (400, 10029, f"bulk get keys: '{reason}'")


@pytest.mark.slow
async def test_a_read_gives_25_mb_at_most(api: Api) -> None:
    half = b"x" * (BULK_GET_BYTES_MAX // 2)
    for key in ("a", "b"):
        await api.put(key, half)
    assert {key: len(value) for key, value in (await read(api, "a", "b")).items()} == dict.fromkeys("ab", len(half))
    await api.put("c", b"x")
    answer = await api.ask("POST", f"{BULK}/get", json={"keys": ["a", "b", "c"]})
    assert refused(answer) == (413, 10024, "bulk get keys: 'Total size of request exceeds the limit of 25MB'")
