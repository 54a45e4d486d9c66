"""The official Python SDK, unchanged: every call it has for KV, against a running emulator."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from cloudflare import (
    AsyncCloudflare,
    AuthenticationError,
    Cloudflare,
    DefaultAsyncHttpxClient,
    DefaultHttpxClient,
    NotFoundError,
    RateLimitError,
)

from queue_emulator.core.accounts import ACCOUNT_ID, namespace_of
from queue_emulator.core.profiles import CLOUDFLARE
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from tests.clients.conftest import TOKEN

pytestmark = pytest.mark.runtime

CACHE = namespace_of("CACHE").id
BINARY = bytes(range(256))
Call = Callable[[Cloudflare, str], None]


def _namespaces_create(sdk: Cloudflare, namespace_id: str) -> None:
    created = sdk.kv.namespaces.create(account_id=ACCOUNT_ID, title="created", jurisdiction="eu")
    assert created is not None
    assert (created.title, created.supports_url_encoding, len(created.id)) == ("created", True, 32)
    sdk.kv.namespaces.delete(created.id, account_id=ACCOUNT_ID)


def _namespaces_get(sdk: Cloudflare, namespace_id: str) -> None:
    found = sdk.kv.namespaces.get(namespace_id, account_id=ACCOUNT_ID)
    assert found is not None
    assert found.id == namespace_id
    with pytest.raises(NotFoundError) as missing:
        sdk.kv.namespaces.get("0" * 32, account_id=ACCOUNT_ID)
    assert [error.code for error in missing.value.errors] == [10013]


def _namespaces_update(sdk: Cloudflare, namespace_id: str) -> None:
    renamed = sdk.kv.namespaces.update(namespace_id, account_id=ACCOUNT_ID, title="renamed")
    assert renamed is not None
    assert (renamed.id, renamed.title) == (namespace_id, "renamed")


def _namespaces_list(sdk: Cloudflare, namespace_id: str) -> None:
    made = [sdk.kv.namespaces.create(account_id=ACCOUNT_ID, title=f"n{number:02}") for number in range(25)]
    for per_page in (7, 20, 100):
        pages = sdk.kv.namespaces.list(account_id=ACCOUNT_ID, order="title", direction="asc", per_page=per_page)
        titles = [each.title for each in pages]
        assert [title for title in titles if title.startswith("n")] == [f"n{number:02}" for number in range(25)]
        assert "CACHE" in titles
    for each in made:
        assert each is not None
        sdk.kv.namespaces.delete(each.id, account_id=ACCOUNT_ID)


def _namespaces_delete(sdk: Cloudflare, namespace_id: str) -> None:
    created = sdk.kv.namespaces.create(account_id=ACCOUNT_ID, title="gone")
    assert created is not None
    sdk.kv.namespaces.delete(created.id, account_id=ACCOUNT_ID)
    with pytest.raises(NotFoundError):
        sdk.kv.namespaces.get(created.id, account_id=ACCOUNT_ID)


def _namespaces_bulk_update(sdk: Cloudflare, namespace_id: str) -> None:
    done = sdk.kv.namespaces.bulk_update(
        namespace_id,
        account_id=ACCOUNT_ID,
        body=[
            {"key": "a", "value": "1", "metadata": {"m": 1}, "expiration_ttl": 60},
            {"key": "b", "value": "/w==", "base64": True},
        ],
    )
    assert done is not None
    assert (done.successful_key_count, done.unsuccessful_keys) == (2, [])
    value = sdk.kv.namespaces.values.get("b", account_id=ACCOUNT_ID, namespace_id=namespace_id)
    assert value.read() == b"\xff"


def _namespaces_bulk_get(sdk: Cloudflare, namespace_id: str) -> None:
    _fill(sdk, namespace_id, {"a": b"1", "b": b"two"})
    plain = sdk.kv.namespaces.bulk_get(namespace_id, account_id=ACCOUNT_ID, keys=["a", "b", "c"])
    assert plain is not None
    assert plain.model_dump()["values"] == {"a": "1", "b": "two", "c": None}
    more = sdk.kv.namespaces.bulk_get(namespace_id, account_id=ACCOUNT_ID, keys=["a"], type="json", with_metadata=True)
    assert more is not None
    assert more.model_dump()["values"]["a"]["value"] == 1


def _namespaces_bulk_delete(sdk: Cloudflare, namespace_id: str) -> None:
    _fill(sdk, namespace_id, {"a": b"1", "b": b"2"})
    done = sdk.kv.namespaces.bulk_delete(namespace_id, account_id=ACCOUNT_ID, body=["a", "never"])
    assert done is not None
    assert done.successful_key_count == 2
    assert _names(sdk, namespace_id) == ["b"]


def _namespaces_keys_list(sdk: Cloudflare, namespace_id: str) -> None:
    names = [f"k{number:03}" for number in range(35)]
    pairs: Any = [{"key": name, "value": "v"} for name in [*names, "other"]]
    sdk.kv.namespaces.bulk_update(namespace_id, account_id=ACCOUNT_ID, body=pairs)
    assert _names(sdk, namespace_id) == [*names, "other"]
    assert _names(sdk, namespace_id, prefix="k", limit=10) == names


def _namespaces_keys_bulk_update(sdk: Cloudflare, namespace_id: str) -> None:
    with pytest.deprecated_call():
        sdk.kv.namespaces.keys.bulk_update(namespace_id, account_id=ACCOUNT_ID, body=[{"key": "a", "value": "1"}])
    assert _names(sdk, namespace_id) == ["a"]


def _namespaces_keys_bulk_get(sdk: Cloudflare, namespace_id: str) -> None:
    _fill(sdk, namespace_id, {"a": b"1"})
    with pytest.deprecated_call():
        found = sdk.kv.namespaces.keys.bulk_get(namespace_id, account_id=ACCOUNT_ID, keys=["a"])
    assert found is not None
    assert found.model_dump()["values"] == {"a": "1"}


def _namespaces_keys_bulk_delete(sdk: Cloudflare, namespace_id: str) -> None:
    _fill(sdk, namespace_id, {"a": b"1"})
    with pytest.deprecated_call():
        sdk.kv.namespaces.keys.bulk_delete(namespace_id, account_id=ACCOUNT_ID, body=["a"])
    assert _names(sdk, namespace_id) == []


def _namespaces_values_update(sdk: Cloudflare, namespace_id: str) -> None:
    values, where = sdk.kv.namespaces.values, _at(namespace_id)
    values.update("a/b", value=BINARY, metadata={"m": "ü"}, expiration_ttl=60, **where)
    assert values.get("a/b", **where).read() == BINARY
    assert sdk.kv.namespaces.metadata.get("a/b", **where) == {"m": "ü"}
    values.update("a/b", value=b"", **where)
    assert values.get("a/b", **where).read() == b""
    assert sdk.kv.namespaces.metadata.get("a/b", **where) is None


def _namespaces_values_get(sdk: Cloudflare, namespace_id: str) -> None:
    where = _at(namespace_id)
    _fill(sdk, namespace_id, {"a b%2F": BINARY})
    answer = sdk.kv.namespaces.values.with_raw_response.get("a b%2F", **where)
    assert (answer.status_code, answer.http_response.content) == (200, BINARY)
    with pytest.raises(NotFoundError) as missing:
        sdk.kv.namespaces.values.get("never", **where)
    assert [error.code for error in missing.value.errors] == [10009]


def _namespaces_values_delete(sdk: Cloudflare, namespace_id: str) -> None:
    _fill(sdk, namespace_id, {"a": b"1"})
    for _ in range(2):
        sdk.kv.namespaces.values.delete("a", account_id=ACCOUNT_ID, namespace_id=namespace_id)
    assert _names(sdk, namespace_id) == []


def _namespaces_metadata_get(sdk: Cloudflare, namespace_id: str) -> None:
    where = _at(namespace_id)
    sdk.kv.namespaces.values.update("a", value=b"v", metadata='{"as": "text"}', **where)
    assert sdk.kv.namespaces.metadata.get("a", **where) == {"as": "text"}


CALLS: dict[str, Call] = {
    name.removeprefix("_"): function for name, function in globals().copy().items() if name.startswith("_namespaces_")
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_of_the_sdk_works(sdk: Cloudflare, namespace_id: str, name: str) -> None:
    CALLS[name](sdk, namespace_id)


def test_no_call_for_kv_is_left_out(sdk: Cloudflare) -> None:
    namespaces = sdk.kv.namespaces
    resources = {
        "namespaces": namespaces,
        "namespaces_keys": namespaces.keys,
        "namespaces_values": namespaces.values,
        "namespaces_metadata": namespaces.metadata,
    }
    offered = {
        f"{name}_{method}"
        for name, resource in resources.items()
        for method, _ in inspect.getmembers(resource, inspect.ismethod)
        if not method.startswith("_")
    }
    assert set(CALLS) == offered


def test_a_wrong_token_is_an_authentication_error(api_url: str) -> None:
    http_client = DefaultHttpxClient(trust_env=False, verify=False)
    with (
        Cloudflare(api_token="wrong", base_url=api_url, http_client=http_client) as client,
        pytest.raises(AuthenticationError) as refused,
    ):
        client.kv.namespaces.list(account_id=ACCOUNT_ID)
    assert [error.code for error in refused.value.errors] == [10000]


def test_an_email_and_a_key_open_it_too(api_url: str) -> None:
    http_client = DefaultHttpxClient(trust_env=False, verify=False)
    with Cloudflare(api_email="me@example.com", api_key=TOKEN, base_url=api_url, http_client=http_client) as client:
        assert "CACHE" in [each.title for each in client.kv.namespaces.list(account_id=ACCOUNT_ID)]


def test_its_list_ends_at_an_empty_page_though_there_are_more_keys(sdk: Cloudflare, namespace_id: str) -> None:
    """A page may be empty where keys were deleted lately; the SDK (5.9.0, BasePage.has_next_page) stops there."""
    pairs: Any = [{"key": f"k{number:02}", "value": "v"} for number in range(15)]
    sdk.kv.namespaces.bulk_update(namespace_id, account_id=ACCOUNT_ID, body=pairs)
    sdk.kv.namespaces.bulk_delete(namespace_id, account_id=ACCOUNT_ID, body=[f"k{number:02}" for number in range(10)])
    assert _names(sdk, namespace_id, limit=10) == []
    assert _names(sdk, namespace_id) == [f"k{number:02}" for number in range(10, 15)]


def test_a_value_is_given_as_bytes(sdk: Cloudflare) -> None:
    text: Any = "text"
    with pytest.raises(RuntimeError, match="to be bytes"):
        sdk.kv.namespaces.values.update("k", value=text, **_at(CACHE))


@pytest.mark.anyio
@pytest.mark.parametrize("profile", [replace(CLOUDFLARE, api_requests_max=2)])
async def test_it_hears_at_once_of_too_many_requests(deployment: Deployment) -> None:
    deployment.api_token = TOKEN
    in_process = DefaultAsyncHttpxClient(transport=httpx.ASGITransport(create_app(deployment)))
    async with AsyncCloudflare(
        api_token=TOKEN, base_url="http://127.0.0.1:8787/client/v4", http_client=in_process
    ) as client:
        where = _at(CACHE)
        await client.kv.namespaces.values.update("k", value=b"v", **where)
        assert await (await client.kv.namespaces.values.get("k", **where)).read() == b"v"
        with pytest.raises(RateLimitError) as refused:  # without x-should-retry it would wait for a minute
            await client.kv.namespaces.values.get("k", **where)
    assert [error.code for error in refused.value.errors] == [971]
    assert refused.value.response.headers["retry-after"] == "300"


def _at(namespace_id: str) -> dict[str, Any]:
    """Where a value is, as the SDK's calls take it."""
    return {"account_id": ACCOUNT_ID, "namespace_id": namespace_id}


def _fill(sdk: Cloudflare, namespace_id: str, values: dict[str, bytes]) -> None:
    for key, value in values.items():
        sdk.kv.namespaces.values.update(key, account_id=ACCOUNT_ID, namespace_id=namespace_id, value=value)


def _names(sdk: Cloudflare, namespace_id: str, **asked: Any) -> list[str]:
    return [key.name for key in sdk.kv.namespaces.keys.list(namespace_id, account_id=ACCOUNT_ID, **asked)]
