"""A namespace behind Cloudflare's API, answered by the emulator's own face of it, as an endpoint."""

from collections.abc import AsyncIterator

import httpx
import pytest

from queue_emulator.core.accounts import ACCOUNT_ID, namespace_of
from queue_emulator.core.bulk import BulkEntry
from queue_emulator.core.clock import MovableClock, SystemClock
from queue_emulator.core.dice import Dice
from queue_emulator.kv.cloudflare_access import Access
from queue_emulator.kv.cloudflare_api import CloudflareAPI
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.transfer.cloudflare_endpoint import CloudflareEndpoint
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.worker.auth import ApiKeys

pytestmark = pytest.mark.anyio

TOKEN = "token-of-a-test"
ACCESS = Access(ACCOUNT_ID, namespace_of("CACHE").id, TOKEN, "http://127.0.0.1:8787/client/v4")


@pytest.fixture
def requests() -> list[httpx.Request]:
    """What was asked of the API."""
    return []


@pytest.fixture
async def endpoint(requests: list[httpx.Request]) -> AsyncIterator[CloudflareEndpoint]:
    clock = MovableClock(SystemClock())
    service = KVService(MemoryStore(), clock=clock)
    keys = ApiKeys(queue_api_key="q", admin_api_key="a")
    app = create_app(Deployment(service=service, clock=clock, keys=keys, dice=Dice(7), api_token=TOKEN))

    class Watched(httpx.ASGITransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            requests.append(request)
            return await super().handle_async_request(request)

    made = CloudflareEndpoint(ACCESS, CloudflareAPI(ACCESS, transport=Watched(app)))
    yield made
    await made.close()


async def all_of(endpoint: CloudflareEndpoint) -> list[BulkEntry]:
    return [entry async for page in endpoint.pages() for entry in page.entries]


async def test_everything_comes_back_as_it_was(endpoint: CloudflareEndpoint) -> None:
    later_s = SystemClock().now_ms() // 1000 + 3600
    entries = [
        BulkEntry(b"bytes", b"\xff\x00", later_s, None, '{"m":1}'),
        BulkEntry(b"bytes without metadata", b"\xff"),
        BulkEntry(b"false", b"", None, None, "false"),
        BulkEntry("ü/ü".encode(), "text with \ufffd in it".encode(), None, None, '{"a":[null]}'),
    ]
    assert await endpoint.write(entries) == ()
    await endpoint.finish()
    assert await all_of(endpoint) == entries
    assert await endpoint.read([b"nothing", b"false", b"bytes"]) == [None, entries[2], entries[0]]


async def test_a_relative_lifetime_is_the_services(endpoint: CloudflareEndpoint) -> None:
    await endpoint.write([BulkEntry(b"a", b"", None, 100)])
    (entry,) = await all_of(endpoint)
    assert entry.expiration_s is not None
    assert 90 <= entry.expiration_s - SystemClock().now_ms() // 1000 <= 100


async def test_pages_of_keys_are_followed_and_values_come_a_hundred_at_a_time(
    endpoint: CloudflareEndpoint, requests: list[httpx.Request]
) -> None:
    entries = [BulkEntry(b"%04d" % number, b"v") for number in range(1101)]
    await endpoint.write(entries)
    requests.clear()
    assert await all_of(endpoint) == entries
    assert [request.method for request in requests].count("GET") == 2
    assert [request.method for request in requests].count("POST") == 12


@pytest.mark.slow
async def test_values_too_large_for_one_read_come_in_several(endpoint: CloudflareEndpoint) -> None:
    entries = [BulkEntry(b"%d" % number, b"v" * 9_000_000) for number in range(3)]
    for entry in entries:
        await endpoint.write([entry])
    assert await all_of(endpoint) == entries


async def test_a_look_says_which_namespace_it_is(endpoint: CloudflareEndpoint) -> None:
    assert (await endpoint.look(writing=True)).endswith(" at 127.0.0.1:8787")
    assert endpoint.name == f"cloudflare:{ACCESS.namespace_id}"


async def test_only_what_is_not_on_this_machine_is_asked_for() -> None:
    for base_url, asks in (("http://localhost:1/client/v4", False), ("https://api.cloudflare.com/client/v4", True)):
        access = Access(ACCESS.account_id, ACCESS.namespace_id, TOKEN, base_url)
        made = CloudflareEndpoint(access)
        assert made.asks is asks
        await made.close()


async def test_what_was_refused_is_sent_once_more_and_then_told() -> None:
    bodies: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        refused = ["b", "c"] if len(bodies) == 1 else ["c"]
        result = {"successful_key_count": 1, "unsuccessful_keys": refused}
        return httpx.Response(200, json={"success": True, "errors": [], "messages": [], "result": result})

    made = CloudflareEndpoint(ACCESS, CloudflareAPI(ACCESS, transport=httpx.MockTransport(answer)))
    assert list(await made.write([BulkEntry(key.encode(), b"") for key in "abc"])) == ["c"]
    assert bodies[1] == b'[{"key":"b","value":""},{"key":"c","value":""}]'
    await made.close()
