"""The KV service as workerd speaks to it, asked directly: paths, options, headers, statuses and reason phrases."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.faults import Rule, Verdict
from queue_emulator.core.limits import VALUE_BYTES_MAX
from queue_emulator.core.profiles import compose
from queue_emulator.core.wire_names import LOCATION_HEADER
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.workerd.config import NAMESPACE_HEADER
from queue_emulator.workerd.invocations import SEVERAL, Invocations
from queue_emulator.workerd.runtime_kv import BODY_BYTES_MAX, RuntimeKV, listen, numbered
from tests.workerd.kv_client import KVAnswer, KVClient

pytestmark = pytest.mark.anyio


@pytest.fixture
def invocations() -> Invocations:
    return Invocations()


@pytest.fixture
def logged() -> list[str]:
    return []


@pytest.fixture
async def face(
    service: KVService, clock: MovableClock, invocations: Invocations, logged: list[str], tmp_path: Path
) -> AsyncIterator[Path]:
    """The socket of a face for two namespaces at SJC and NRT."""
    second = KVService(MemoryStore(), clock=clock)
    face = RuntimeKV(
        numbered(["CACHE", "SECOND"], {"CACHE": service, "SECOND": second}.__getitem__),
        locations=("SJC", "NRT"),
        invocations=invocations,
        log=logged.append,
    )
    runner = await listen(face, tmp_path / "kv")
    yield tmp_path / "kv"
    await runner.cleanup()


@pytest.fixture
async def wire(face: Path) -> AsyncIterator[KVClient]:
    client = KVClient(face)
    await client.connect()
    yield client
    client.close()


def refused(answer: KVAnswer) -> tuple[int, str]:
    return answer.status, answer.reason


async def test_a_value_is_put_got_and_deleted(wire: KVClient) -> None:
    assert (await wire.ask("PUT", "/k?urlencoded=true", b"value")).status == 204
    found = await wire.ask("GET", "/k?urlencoded=true")
    assert (found.status, found.body) == (200, b"value")
    assert (await wire.ask("DELETE", "/k?urlencoded=true")).status == 204
    missed = await wire.ask("GET", "/k?urlencoded=true")
    assert refused(missed) == (404, "Not Found")
    assert missed.headers["cf-cache-status"] == b"HIT"


async def test_a_value_that_is_still_being_sent_does_not_hold_up_the_end(service: KVService, tmp_path: Path) -> None:
    named = numbered(["CACHE"], {"CACHE": service}.__getitem__)
    face = RuntimeKV(named, locations=("SJC",), invocations=Invocations(), log=lambda line: None)
    listening = await listen(face, tmp_path / "kv")
    reader, writer = await asyncio.open_unix_connection(tmp_path / "kv")
    try:
        head = "PUT /k?urlencoded=true HTTP/1.1\r\nHost: kv\r\nContent-Length: 5\r\n"
        writer.write(f"{head}{LOCATION_HEADER}: SJC\r\n{NAMESPACE_HEADER}: 0\r\n\r\n".encode())
        async with asyncio.timeout(30):
            while listening.runner.server is None or listening.runner.server.requests_count == 0:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)
            await listening.cleanup()
            assert await reader.read() == b""
    finally:
        writer.transport.abort()


async def test_deleting_what_is_not_there_succeeds(wire: KVClient) -> None:
    assert (await wire.ask("DELETE", "/none?urlencoded=true")).status == 204


@pytest.mark.parametrize("key", ["a/b", "a b", "é😀", "?", "#", "%2F", "\0", "bulk/get", "+"])
async def test_a_key_is_what_its_path_decodes_to(wire: KVClient, service: KVService, key: str) -> None:
    await wire.ask("PUT", f"/{quote(key, safe='')}?urlencoded=true", b"v")
    assert (await service.get("SJC", key.encode())).entry is not None


async def test_a_path_that_is_not_said_to_be_encoded_is_taken_as_it_is(wire: KVClient, service: KVService) -> None:
    await wire.ask("PUT", "/a%2Fb", b"v")
    assert (await service.get("SJC", b"a%2Fb")).entry is not None


@pytest.mark.parametrize("path", ["/%ED%A0%80", "/%FF", "/%", "/%2", "/%zz"])
async def test_a_key_that_cannot_be_decoded_is_refused(wire: KVClient, path: str) -> None:
    assert refused(await wire.ask("PUT", f"{path}?urlencoded=true", b"v")) == (400, "Could not URL-decode key name")


TTL_OF_59 = "Invalid expiration_ttl of 59. Expiration TTL must be at least 60."
LIMIT_OF_1001 = "Invalid key_count_limit of 1001. Please specify an integer less than 1000."
TOO_LONG = "UTF-8 encoded length of 513 exceeds key length limit of 512."
PAST = "Please specify integer greater than the current number of seconds since the UNIX epoch."
REFUSED = [
    ("PUT", "/k?expiration_ttl=0", 400, "Invalid expiration_ttl of 0. Please specify integer greater than 0."),
    ("PUT", "/k?expiration_ttl=59", 400, TTL_OF_59),
    ("PUT", "/k?expiration=1&expiration_ttl=59", 400, TTL_OF_59),
    ("PUT", "/k?expiration=1", 400, f"Invalid expiration of 1. {PAST}"),
    ("PUT", "/k?expiration_ttl=x", 400, "Invalid expiration_ttl of x."),
    ("GET", "/k?cache_ttl=29", 400, "Invalid cache_ttl of 29. Cache TTL must be at least 30."),
    ("GET", "/..", 400, 'Illegal key name "..". Please use a different name.'),
    ("GET", f"/{'k' * 513}", 414, TOO_LONG),
    ("DELETE", f"/{'k' * 513}", 414, TOO_LONG),
    ("PUT", "/", 400, "Key names must not be empty"),
    ("GET", "/?key_count_limit=1001", 400, LIMIT_OF_1001),
    ("GET", "/?key_count_limit=0", 400, "Invalid key_count_limit of 0. Please specify an integer greater than 0."),
    ("GET", f"/?prefix={'p' * 513}", 414, TOO_LONG),
    ("GET", "/?cursor=nonsense", 400, "Invalid list keys cursor"),
    ("PATCH", "/k", 405, "Method Not Allowed"),
    ("POST", "/k", 405, "Method Not Allowed"),
]


@pytest.mark.parametrize(("method", "target", "status", "reason"), REFUSED)
async def test_a_refusal_says_why_in_its_reason_phrase_and_keeps_the_connection(
    wire: KVClient, method: str, target: str, status: int, reason: str
) -> None:
    assert refused(await wire.ask(method, target, b"x" * 100_000)) == (status, reason)
    assert (await wire.ask("GET", "/other?urlencoded=true")).status == 404


async def test_a_reason_is_cut_at_512_characters(wire: KVClient) -> None:
    answer = await wire.ask("POST", "/bulk/get", json.dumps({"keys": ["k"], "type": "x" * 600}).encode())
    assert refused(answer) == (400, '"' + "x" * 511)
    assert answer.body.startswith(b'"' + b"x" * 600 + b'" is not a valid type')


async def test_metadata_is_raw_utf_8_both_ways(wire: KVClient) -> None:
    metadata = '{"é😀":"\u2028"}'
    await wire.ask("PUT", "/k?urlencoded=true", b"", CF_KV_Metadata=metadata.encode())
    assert (await wire.ask("GET", "/k?urlencoded=true")).headers["cf-kv-metadata"] == metadata.encode()


@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [
        (b"undefined", 500, "Internal Server Error"),
        (b'"' + b"m" * 1023 + b'"', 413, "Metadata length of 1025 exceeds limit of 1024."),
        (b'"' + b"m" * 1022 + b'"', 204, "No Content"),
    ],
    ids=["not JSON", "a byte too many", "just fits"],
)
async def test_metadata_is_checked(wire: KVClient, sent: bytes, status: int, reason: str) -> None:
    assert refused(await wire.ask("PUT", "/k?urlencoded=true", b"", CF_KV_Metadata=sent)) == (status, reason)


async def test_an_expiration_is_kept_and_the_ttl_wins(wire: KVClient, clock: MovableClock) -> None:
    await wire.ask("PUT", "/k?urlencoded=true&expiration=1&expiration_ttl=60", b"v")
    expires_s = clock.now_ms() // 1000 + 60
    assert (await wire.ask("GET", "/k?urlencoded=true")).headers["cf-expiration"] == str(expires_s).encode()
    clock.advance(60_000)
    assert (await wire.ask("GET", "/k?urlencoded=true")).status == 404


async def test_a_body_in_chunks_is_a_value_like_any_other(wire: KVClient) -> None:
    await wire.ask("PUT", "/k?urlencoded=true", [b"one ", b"two ", b"three"])
    assert (await wire.ask("GET", "/k?urlencoded=true")).body == b"one two three"


@pytest.mark.slow
@pytest.mark.parametrize("chunked", [False, True], ids=["known length", "chunked"])
async def test_values_of_25_mib_are_taken_and_larger_ones_refused(wire: KVClient, chunked: bool) -> None:
    def body(size: int) -> bytes | list[bytes]:
        return [bytes(size // 2), bytes(size - size // 2)] if chunked else bytes(size)

    over = await wire.ask("PUT", "/k?urlencoded=true", body(VALUE_BYTES_MAX + 1))
    assert refused(over) == (413, "Value length of 26214401 exceeds limit of 26214400.")
    assert (await wire.ask("PUT", "/k?urlencoded=true", body(VALUE_BYTES_MAX))).status == 204
    assert len((await wire.ask("GET", "/k?urlencoded=true")).body) == VALUE_BYTES_MAX


@pytest.mark.slow
async def test_a_body_without_end_is_refused_while_it_still_comes(wire: KVClient) -> None:
    parts = [bytes(2**20)] * (BODY_BYTES_MAX // 2**20 + 1)
    answer = await wire.ask("PUT", "/k?urlencoded=true", parts)
    assert answer.status == 413


async def test_a_page_lists_names_expirations_and_metadata_as_json_text(wire: KVClient, clock: MovableClock) -> None:
    await wire.ask("PUT", "/a?urlencoded=true&expiration_ttl=60", b"", CF_KV_Metadata=b'{"m":1}')
    await wire.ask("PUT", "/b?urlencoded=true", b"", CF_KV_Metadata=b"null")
    await wire.ask("PUT", "/%C3%A9?urlencoded=true", b"")
    page = await wire.ask("GET", "/")
    assert page.headers["cf-cache-status"] == b"MISS"
    assert json.loads(page.body) == {
        "keys": [
            {"name": "a", "expiration": clock.now_ms() // 1000 + 60, "metadata": '{"m":1}'},
            {"name": "b", "metadata": "null"},
            {"name": "é"},
        ],
        "list_complete": True,
    }


async def test_pages_follow_the_cursor(wire: KVClient) -> None:
    for name in ("a b1", "a b2", "a b3", "a c"):
        await wire.ask("PUT", f"/{quote(name)}?urlencoded=true", b"")
    first = json.loads((await wire.ask("GET", "/?key_count_limit=2&prefix=a+b")).body)
    assert [key["name"] for key in first["keys"]] == ["a b1", "a b2"]
    assert first["list_complete"] is False
    rest = json.loads((await wire.ask("GET", f"/?key_count_limit=2&prefix=a+b&cursor={quote(first['cursor'])}")).body)
    assert ([key["name"] for key in rest["keys"]], rest["list_complete"]) == (["a b3"], True)
    assert "cursor" not in rest


async def test_a_prefix_that_is_not_utf_8_matches_nothing(wire: KVClient) -> None:
    await wire.ask("PUT", "/k?urlencoded=true", b"")
    assert json.loads((await wire.ask("GET", "/?prefix=%ED%A0%80")).body) == {"keys": [], "list_complete": True}


async def test_a_bulk_get_answers_an_object_in_the_order_asked(wire: KVClient) -> None:
    await wire.ask("PUT", "/b?urlencoded=true", b"[1]", CF_KV_Metadata=b'"m"')
    await wire.ask("PUT", "/a?urlencoded=true", b"2")

    async def bulk(**asked: object) -> str:
        return (await wire.ask("POST", "/bulk/get", json.dumps(asked).encode())).body.decode()

    assert await bulk(keys=["b", "none", "a"]) == '{"b":"[1]","none":null,"a":"2"}'
    assert await bulk(keys=["b", "a"], type="json", cacheTtl="60") == '{"b":[1],"a":2}'
    assert await bulk(keys=["b", "x"], withMetadata=True) == '{"b":{"value":"[1]","metadata":"m"},"x":null}'


@pytest.mark.parametrize(
    ("asked", "status", "reason"),
    [
        ({"keys": []}, 400, "You must request a minimum of 1 key"),
        ({"keys": ["k"] * 101}, 400, "You can request a maximum of 100 keys"),
        ({"keys": ["k", ""]}, 400, "Key names must not be empty"),
        ({"keys": ["k"], "type": "stream"}, 400, '"stream" is not a valid type. Use "json" or "text"'),
        ({"keys": ["k"], "cacheTtl": "29"}, 400, "Invalid cache_ttl of 29. Cache TTL must be at least 30."),
        ({"keys": ["bad"], "type": "json"}, 400, "At least one of the requested keys corresponds to a non-json value"),
    ],
)
async def test_a_bulk_get_is_checked(wire: KVClient, asked: object, status: int, reason: str) -> None:
    await wire.ask("PUT", "/bad?urlencoded=true", b"{")
    assert refused(await wire.ask("POST", "/bulk/get", json.dumps(asked).encode())) == (status, reason)


async def test_a_bulk_key_with_a_lone_surrogate_is_replaced(wire: KVClient) -> None:
    answer = await wire.ask("POST", "/bulk/get", b'{"keys":["\xed\xa0\x80"]}')
    assert json.loads(answer.body) == {"\ufffd\ufffd\ufffd": None}


async def test_a_connection_speaks_for_the_location_and_namespace_in_its_headers(face: Path) -> None:
    async def ask(location: str, namespace: int, method: str, body: bytes = b"") -> KVAnswer:
        client = KVClient(face, location=location, namespace=namespace)
        await client.connect()
        try:
            return await client.ask(method, "/k?urlencoded=true", body)
        finally:
            client.close()

    assert (await ask("NRT", 0, "GET")).status == 404
    await ask("SJC", 0, "PUT", b"first")
    await ask("SJC", 1, "PUT", b"second")
    assert [(await ask("SJC", number, "GET")).body for number in (0, 1)] == [b"first", b"second"]
    assert (await ask("NRT", 0, "GET")).status == 404, "the miss is kept there"
    assert refused(await ask("ZZZ", 0, "GET")) == (400, "No such namespace or location")
    assert refused(await ask("SJC", 2, "GET")) == (400, "No such namespace or location")


async def test_a_second_write_within_a_second_is_refused(wire: KVClient, clock: MovableClock) -> None:
    assert (await wire.ask("PUT", "/k?urlencoded=true", b"1")).status == 204
    assert refused(await wire.ask("PUT", "/k?urlencoded=true", b"2")) == (429, "Too Many Requests")
    clock.advance(1000)
    assert (await wire.ask("PUT", "/k?urlencoded=true", b"3")).status == 204


async def test_faults_reach_the_worker_and_say_so_in_the_journal(wire: KVClient, service: KVService) -> None:
    service.faults.add(Rule(Verdict("fail_after", 503), operation="put"))
    assert refused(await wire.ask("PUT", "/k?urlencoded=true", b"v")) == (503, "Service Unavailable")
    assert (await wire.ask("GET", "/k?urlencoded=true")).body == b"v"
    assert [event.failed for event in service.journal.after(0)] == ["KV PUT failed: 503 Service Unavailable", None]


@pytest.mark.parametrize("profile", [compose("cloudflare", plan="free", without=["write-rate"])], ids=["free plan"])
async def test_a_daily_quota_is_refused_with_its_text(wire: KVClient) -> None:
    for number in range(1000):
        assert (await wire.ask("GET", f"/?prefix={number}")).status == 200
    assert refused(await wire.ask("GET", "/")) == (429, "KV list() limit exceeded for the day.")


async def test_operations_belong_to_the_one_run_under_way(
    wire: KVClient, service: KVService, invocations: Invocations
) -> None:
    run = Invocation(name="ray", route="GET /x")
    invocations.begin("SJC", run)
    await wire.ask("GET", "/k?urlencoded=true")
    invocations.begin("SJC", Invocation(name="other", route="GET /y"))
    await wire.ask("GET", "/k?urlencoded=true")
    events = [(event.invocation, event.route) for event in service.journal.after(0)]
    assert events == [("ray", "GET /x"), ("", SEVERAL)]
    assert run.counted is None


async def test_a_run_has_its_budget_of_operations(wire: KVClient, invocations: Invocations) -> None:
    run = Invocation(name="ray", route="GET /x")
    invocations.begin("SJC", run)
    for _ in range(1000):
        assert (await wire.ask("GET", "/k?urlencoded=true")).status == 404
    answer = await wire.ask("GET", "/k?urlencoded=true")
    assert (answer.status, run.counted) == (429, 1000)
    assert answer.reason.startswith("Too many API requests by single Worker invocation.")


async def test_a_defect_is_a_500_and_explained_in_the_log(wire: KVClient, logged: list[str]) -> None:
    assert refused(await wire.ask("POST", "/bulk/get", b"not JSON")) == (500, "Internal Server Error")
    assert "please report it" in logged[0]
