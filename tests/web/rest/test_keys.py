"""Lists of keys through Cloudflare's API: pages, prefixes, cursors."""

import json
from typing import Any

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.profiles import CLOUDFLARE, LOCAL
from tests.web.rest.api import CACHE, Api, refused, succeeded

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("profile", [CLOUDFLARE, LOCAL])]


async def write(api: Api, names: list[str]) -> None:
    pairs = [{"key": name, "value": "v"} for name in names]
    succeeded(await api.ask("PUT", f"/{CACHE}/bulk", content=json.dumps(pairs)))


async def pages(api: Api, **query: Any) -> list[list[str]]:
    given: list[list[str]] = []
    cursor = ""
    while True:
        params = {**query, "cursor": cursor} if cursor else query
        envelope = succeeded(await api.ask("GET", f"/{CACHE}/keys", params=params))
        given.append([key["name"] for key in envelope["result"]])
        assert envelope["result_info"]["count"] == len(given[-1])
        cursor = envelope["result_info"]["cursor"]
        if cursor == "":
            return given


async def test_an_empty_namespace_is_one_empty_page(api: Api) -> None:
    envelope = succeeded(await api.ask("GET", f"/{CACHE}/keys"))
    assert (envelope["result"], envelope["result_info"]) == ([], {"count": 0, "cursor": ""})


async def test_pages_follow_each_other_up_to_an_empty_cursor(api: Api) -> None:
    names = [f"k{number:02}" for number in range(25)]
    await write(api, names)
    assert await pages(api, limit=10) == [names[:10], names[10:20], names[20:]]
    assert await pages(api) == [names]


async def test_names_come_in_the_order_of_their_bytes(api: Api) -> None:
    await write(api, ["\U0001f600", "\ufffd", "\ue000", "b", "B", "ü"])
    assert await api.names() == ["B", "b", "ü", "\ue000", "\ufffd", "\U0001f600"]


async def test_a_prefix_is_decoded_as_a_form_is(api: Api) -> None:
    await write(api, ["a b", "a+b", "a/b", "ab", "ü1"])
    assert await api.names(prefix="a ") == ["a b"]
    assert await api.names(prefix="a+") == ["a+b"]
    assert await api.names(prefix="ü") == ["ü1"]
    assert await api.names(prefix="") == ["a b", "a+b", "a/b", "ab", "ü1"]
    assert (await api.ask("GET", f"/{CACHE}/keys?prefix=a+b")).json()["result"] == [{"name": "a b"}]


async def test_a_cursor_is_good_for_its_prefix_alone(api: Api) -> None:
    await write(api, [f"p:{number:02}" for number in range(11)])
    info = succeeded(await api.ask("GET", f"/{CACHE}/keys", params={"prefix": "p:", "limit": 10}))["result_info"]
    assert await api.names(prefix="p:", limit=10, cursor=info["cursor"]) == ["p:10"]
    answer = await api.ask("GET", f"/{CACHE}/keys", params={"prefix": "p", "limit": 10, "cursor": info["cursor"]})
    assert refused(answer) == (400, 10041, "list keys: 'Invalid list keys cursor'")


async def test_deleted_and_expired_keys_are_not_listed(api: Api, clock: MovableClock) -> None:
    await write(api, [f"k{number:02}" for number in range(20)])
    await api.put("k05", params={"expiration_ttl": 60})
    gone = [f"k{number:02}" for number in range(5)]
    succeeded(await api.ask("POST", f"/{CACHE}/bulk/delete", json=gone))
    clock.advance(60_000)
    found = [name for page in await pages(api, limit=10) for name in page]
    assert found == [f"k{number:02}" for number in range(6, 20)]
