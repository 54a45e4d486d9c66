"""What the client asks Cloudflare's API, to the byte, and what it makes of the answers."""

from typing import Any

import httpx
import pytest

from queue_emulator.core.javascript import ToJson
from queue_emulator.kv.cloudflare_answers import BulkDone, BulkValue, KeyPage, ListedKey, Namespace, StoredValue
from queue_emulator.kv.cloudflare_calls import ApiError
from tests.kv.scripted_api import DONE, TOKEN, ScriptedAPI, refusal, scripted

pytestmark = pytest.mark.anyio

NAMESPACES = f"/client/v4/accounts/{'0' * 32}/storage/kv/namespaces"
NAMESPACE = f"{NAMESPACES}/{'1' * 32}"
MISSING = refusal(404, 10009, "get: 'key not found'")


def answer(result: Any, **more: Any) -> httpx.Response:
    body = {"success": True, "errors": [], "messages": [], "result": result, **more}
    return httpx.Response(200, json=body)


def asked(script: ScriptedAPI) -> tuple[str, str]:
    """Method and raw target of the last request."""
    request = script.requests[-1]
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    return request.method, request.url.raw_path.decode()


@pytest.mark.parametrize(
    ("key", "segment"),
    [
        ("a", "a"),
        ("a/b", "a%2Fb"),
        ("a%2Fb", "a%252Fb"),
        ("?a#b&c=d", "%3Fa%23b%26c%3Dd"),
        (" +\r\n\0", "%20%2B%0D%0A%00"),
        ("é😀", "%C3%A9%F0%9F%98%80"),
        ("...", "..."),
        ("queue:task:1", "queue%3Atask%3A1"),
    ],
)
async def test_a_key_is_encoded_once(key: str, segment: str) -> None:
    api, script = scripted(MISSING, MISSING, DONE, DONE)
    assert await api.get_value(key) is None
    assert asked(script) == ("GET", f"{NAMESPACE}/values/{segment}")
    assert await api.get_metadata(key) is None
    assert asked(script) == ("GET", f"{NAMESPACE}/metadata/{segment}")
    await api.delete_value(key)
    assert asked(script) == ("DELETE", f"{NAMESPACE}/values/{segment}")
    await api.put_value(key, b"")
    assert asked(script) == ("PUT", f"{NAMESPACE}/values/{segment}")


async def test_a_value_comes_as_it_is_with_its_expiration() -> None:
    api, _ = scripted(
        httpx.Response(200, content=b"\0\xff", headers={"expiration": "1795435260"}),
        httpx.Response(200, content=b'{"success": false}', headers={"expiration": "soon"}),
    )
    assert await api.get_value("k") == StoredValue(b"\0\xff", 1_795_435_260)
    assert await api.get_value("k") == StoredValue(b'{"success": false}', None)


async def test_a_namespace_that_is_not_there_is_no_missing_key() -> None:
    api, _ = scripted(refusal(404, 10013, "get: 'namespace not found'"))
    with pytest.raises(ApiError, match=r"could not get 'k': 404 get: 'namespace not found' \[code: 10013\]"):
        await api.get_value("k")


@pytest.mark.parametrize("metadata", [None, 0, False, "", {"a": [1.5, None]}, "é"])
async def test_metadata_is_any_json(metadata: Any) -> None:
    api, _ = scripted(answer(metadata))
    assert await api.get_metadata("k") == metadata


async def test_a_value_without_metadata_is_put_raw() -> None:
    api, script = scripted(DONE)
    await api.put_value("k", b"\0\xff", expiration_ttl_s=60)
    assert asked(script) == ("PUT", f"{NAMESPACE}/values/k?expiration_ttl=60")
    assert script.requests[0].content == b"\0\xff"
    assert script.requests[0].headers["Content-Type"] == "application/octet-stream"


async def test_a_value_with_metadata_is_put_in_parts_as_wrangler_sends_them() -> None:
    api, script = scripted(DONE)
    await api.put_value("k", b"\r\n--\xff", expiration_s=1_795_435_260, metadata='{"é":1}')
    assert asked(script) == ("PUT", f"{NAMESPACE}/values/k?expiration=1795435260")
    kind, _, boundary = script.requests[0].headers["Content-Type"].partition("; boundary=")
    assert kind == "multipart/form-data"
    parts = [
        b'Content-Disposition: form-data; name="value"\r\n\r\n\r\n--\xff',
        b'Content-Disposition: form-data; name="metadata"\r\n\r\n{"\xc3\xa9":1}',
    ]
    dashes = b"--" + boundary.encode()
    assert (
        script.requests[0].content == b"".join(b"%s\r\n%s\r\n" % (dashes, part) for part in parts) + dashes + b"--\r\n"
    )


async def test_a_bulk_write_says_what_it_did() -> None:
    pair: dict[str, ToJson] = {"key": "k\ud800", "value": "é", "base64": False, "metadata": {"a": 1}}
    api, script = scripted(answer({"successful_key_count": 1, "unsuccessful_keys": ["x"]}), answer(None))
    assert await api.put_bulk([pair, {"key": "x", "value": ""}]) == BulkDone(1, ("x",))
    assert asked(script) == ("PUT", f"{NAMESPACE}/bulk")
    assert script.body() == [pair, {"key": "x", "value": ""}]
    assert script.requests[0].headers["Content-Type"] == "application/json"
    assert await api.put_bulk([pair]) == BulkDone(1, ())


async def test_a_bulk_read_gives_none_for_what_is_not_there() -> None:
    found = {"a": {"value": "1", "metadata": {"m": 1}, "expiration": 1_795_435_260}, "b": None, "d": {"value": ""}}
    api, script = scripted(answer({"values": found}))
    assert await api.get_bulk(["a", "b", "c", "d"]) == {
        "a": BulkValue("1", 1_795_435_260, {"m": 1}),
        "b": None,
        "c": None,
        "d": BulkValue("", None, None),
    }
    assert asked(script) == ("POST", f"{NAMESPACE}/bulk/get")
    assert script.body() == {"keys": ["a", "b", "c", "d"], "type": "text", "withMetadata": True}


async def test_a_bulk_read_that_is_refused_for_a_value_that_is_no_text_is_made_key_by_key() -> None:
    api, script = scripted(
        refusal(400, 10029, "bulk get keys: 'At least one of the requested keys corresponds to a non-text value'"),
        httpx.Response(200, content=b"a\xff"),
        answer({"m": 1}),
    )
    assert await api.get_bulk(["a"]) == {"a": BulkValue("a\ufffd", None, {"m": 1})}
    assert script.exhausted


@pytest.mark.parametrize("last", [{"result_info": {"cursor": ""}}, {"result_info": {"cursor": None}}, {}])
async def test_keys_are_listed_by_pages_of_which_the_last_has_no_cursor(last: dict[str, Any]) -> None:
    keys = [{"name": "a", "expiration": 1_795_435_260.0, "metadata": [1]}, {"name": "b"}]
    api, script = scripted(answer(keys, result_info={"count": 2, "cursor": "a/b+c"}), answer([], **last))
    page = await api.list_keys(prefix="é &", limit=10)
    assert page == KeyPage((ListedKey("a", 1_795_435_260, [1]), ListedKey("b", None, None)), "a/b+c")
    assert asked(script) == ("GET", f"{NAMESPACE}/keys?limit=10&prefix=%C3%A9+%26")
    assert await api.list_keys(cursor=page.cursor) == KeyPage((), "")
    assert asked(script) == ("GET", f"{NAMESPACE}/keys?limit=1000&cursor=a%2Fb%2Bc")


async def test_namespaces_are_listed_until_a_page_is_not_full() -> None:
    full = [{"id": f"{number:032x}", "title": f"t{number}"} for number in range(100)]
    api, script = scripted(answer(full), answer(full[:1]))
    assert len(await api.list_namespaces()) == 101
    assert asked(script) == ("GET", f"{NAMESPACES}?page=2&per_page=100")


async def test_the_namespace_tells_its_title() -> None:
    api, script = scripted(answer({"id": "1" * 32, "title": "queue", "supports_url_encoding": True}))
    assert await api.get_namespace() == Namespace("1" * 32, "queue")
    assert asked(script) == ("GET", NAMESPACE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"result": [{"name": 5}]},
        {"result": [{"name": "a", "expiration": "soon"}]},
        {"result": [7]},
        {"result": None},
        {"result": [], "result_info": {"cursor": 5}},
        {"result": [], "result_info": "x"},
        {},
    ],
)
async def test_a_list_of_another_shape_is_refused(wrong: dict[str, Any]) -> None:
    api, _ = scripted(httpx.Response(200, json={"success": True, **wrong}))
    with pytest.raises(ApiError, match="the answer is not in the format of Cloudflare's API"):
        await api.list_keys()
