"""Bulk requests that Cloudflare's API refuses as a whole, and bodies without end."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.web.rest.api import CACHE, NOBODY_S, Api, refused

pytestmark = pytest.mark.anyio

MEBIBYTE = 2**20
GOOD = {"key": "good", "value": "v"}


class Sender:
    """Sends mebibyte after mebibyte; `sent` counts them."""

    def __init__(self, mebibytes: int) -> None:
        self._mebibytes = mebibytes
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self._mebibytes):
            self.sent += 1
            yield (b"[" if self.sent == 1 else b" ") * MEBIBYTE


async def nothing_written(api: Api) -> bool:
    return await api.names() == []


@pytest.mark.parametrize(
    ("pair", "code", "message"),
    [
        ({"key": "k"}, 10012, "entry 1 (key 'k'): value is missing"),
        ({"value": "v"}, 10012, "entry 1: key is missing"),
        ({"key": 1, "value": "v"}, 10012, "entry 1: key must be a string"),
        ({"key": "k", "value": 1}, 10012, "entry 1 (key 'k'): value must be a string"),
        ("k", 10012, "entry 1: must be an object with key and value"),
        ({"key": "k", "value": "v", "base64": 1}, 10012, "entry 1 (key 'k'): base64 must be true or false"),
        (
            {"key": "k", "value": "v", "expiration_ttl": 60.5},
            10012,
            "entry 1 (key 'k'): expiration_ttl must be an integer, in seconds",
        ),
        (
            {"key": "k", "value": "v", "expiration_ttl": 59},
            10034,
            "Invalid expiration_ttl of 59. Expiration TTL must be at least 60.",
        ),
        ({"key": "", "value": "v"}, 10042, "Key names must not be empty"),
        ({"key": ".", "value": "v"}, 10042, 'Illegal key name ".". Please use a different name.'),
        ({"key": "k" * 513, "value": "v"}, 10030, "UTF-8 encoded length of 513 exceeds key length limit of 512."),
        (
            {"key": "k", "value": "v", "metadata": "m" * 1023},
            10047,
            "Metadata length of 1025 exceeds limit of 1024.",
        ),
    ],
)
async def test_one_wrong_pair_refuses_all(api: Api, pair: Any, code: int, message: str) -> None:
    answer = await api.ask("PUT", f"/{CACHE}/bulk", json=[GOOD, pair, GOOD])
    assert refused(answer)[1:] == (code, f"bulk put keys: '{message}'")
    assert await nothing_written(api)


@pytest.mark.slow
async def test_a_value_over_25_mib_in_base64_refuses_all(api: Api) -> None:
    value = base64.b64encode(b"x" * (25 * MEBIBYTE + 1)).decode()
    pairs = [GOOD, {"key": "k", "value": value, "base64": True}]
    answer = await api.ask("PUT", f"/{CACHE}/bulk", json=pairs)
    assert refused(answer) == (413, 10024, "bulk put keys: 'Value length of 26214401 exceeds limit of 26214400.'")
    assert await nothing_written(api)


@pytest.mark.parametrize(
    ("value", "at"),
    [("not base64!", 3), ("YQ", 2), ("YWFh-WFh", 4), ("!", 0), ("YWFhYWFh=", 8)],
)
async def test_a_value_that_is_no_base64_is_named_with_its_key_and_the_byte(api: Api, value: str, at: int) -> None:
    pairs = [{"key": "good", "value": "YQ==", "base64": True}, {"key": 'k"\n', "value": value, "base64": True}]
    answer = await api.ask("PUT", f"/{CACHE}/bulk", json=pairs)
    key = r'"k\"\n"'
    why = f"could not base64 decode value for key: {key}, err: 'illegal base64 data at input byte {at}'"
    assert refused(answer) == (400, 10012, f"bulk put: '{why}'")
    assert await nothing_written(api)


async def test_10001_pairs_or_keys_are_too_many(api: Api) -> None:
    message = "'You can send a maximum of 10000 keys, not 10001'"
    pairs = [{"key": f"k{number}", "value": "v"} for number in range(10_001)]
    answer = await api.ask("PUT", f"/{CACHE}/bulk", json=pairs)
    received = "received 10001 key/value pairs, but max allowed per request is: 10000"
    assert refused(answer) == (400, 10012, f"bulk put: '{received}'")
    assert await nothing_written(api)
    await api.put("k0")
    answer = await api.ask("DELETE", f"/{CACHE}/bulk", json=[pair["key"] for pair in pairs])
    assert refused(answer) == (400, 10020, f"bulk remove keys: {message}")
    assert await api.names() == ["k0"]


async def test_101_mb_are_too_much_and_nobody_is_listened_to_for_ever(api: Api) -> None:
    for method, said in (("PUT", "bulk put keys"), ("DELETE", "bulk remove keys")):
        answer = await api.ask(method, f"/{CACHE}/bulk", content=Sender(101))
        message = f"{said}: 'Request body length of {101 * MEBIBYTE} exceeds limit of {100 * MEBIBYTE}.'"
        assert refused(answer) == (413, 10024, message)
    endless = Sender(10_000)
    assert refused(await api.ask("PUT", f"/{CACHE}/bulk", content=endless))[:2] == (413, 10024)
    assert endless.sent <= 102
    assert await nothing_written(api)


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer wrong"}, {}])
async def test_who_is_refused_at_the_door_is_not_listened_to_for_ever_either(api: Api, headers: dict[str, str]) -> None:
    endless = Sender(10_000)
    path = f"/{NOBODY_S}/bulk"
    assert refused(await api.ask("PUT", path, content=endless, headers=headers))[0] in (401, 404)
    assert endless.sent <= 102


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"null",
        b'"[]"',
        b"[",
        b"[]]",
        b"[] []",
        b'["a",]',
        b'["a" "b"]',
        b"[,]",
        b"\xff",
        b'["\xff"]',
        b"[NaN]",
        b"[" * 100_000,
        b'["\\ud800"]',
        b'[{"key": "\\ud800", "value": "v"}]',
        b'[{"key": "k", "value": "\\udfff"}]',
        b'{"body": ["a"]}',
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_bulk_body_that_is_no_such_array_is_refused(api: Api, method: str, content: bytes) -> None:
    await api.put("a")
    assert refused(await api.ask(method, f"/{CACHE}/bulk", content=content))[:2] == (400, 10012)
    assert await api.names() == ["a"]


@pytest.mark.parametrize(
    "body",
    [
        None, [], "k", {}, {"keys": "k"}, {"keys": [1]}, {"keys": [None]}, {"keys": ["\ud800"]},
        {"keys": ["k"], "type": 1}, {"keys": ["k"], "withMetadata": "yes"}, {"keys": {"k": 1}},
    ],
)  # fmt: skip
async def test_a_bulk_read_of_another_form_is_refused(api: Api, body: Any) -> None:
    answer = await api.ask("POST", f"/{CACHE}/bulk/get", content=json.dumps(body))
    assert refused(answer)[:2] == (400, 10012)


async def test_a_bulk_read_of_what_cannot_be_a_key_is_refused(api: Api) -> None:
    for key, code in (("", 10042), ("..", 10042), ("k" * 513, 10030)):
        assert refused(await api.ask("POST", f"/{CACHE}/bulk/get", json={"keys": ["k", key]}))[1] == code


async def test_a_body_without_end_is_refused_where_little_is_expected(api: Api) -> None:
    for method, path in (("POST", ""), ("PUT", f"/{CACHE}"), ("POST", f"/{CACHE}/bulk/get")):
        assert refused(await api.ask(method, path, content=Sender(3)))[:2] == (413, 10024)


async def test_a_body_that_announces_its_length_is_told_it(api: Api) -> None:
    content, size_bytes = Sender(110), 110 * MEBIBYTE
    answer = await api.ask("PUT", f"/{CACHE}/values/k", content=content, headers={"Content-Length": str(size_bytes)})
    assert refused(answer) == (413, 10024, f"put: 'Value length of {size_bytes} exceeds limit of 26214400.'")
