"""The controls status, reset and seed: what is there, forgetting it, and loading all or nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.web.deployment import Deployment
from tests.conftest import FIXTURES
from tests.web.keys import ADMIN, CONTROL, QUEUE

pytestmark = pytest.mark.anyio

BASIC = (FIXTURES / "old-format" / "basic.json").read_bytes()


async def seed(client: httpx.AsyncClient, content: bytes | list[Any], **headers: str) -> httpx.Response:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return await client.post(f"{CONTROL}/seed", content=data, headers=headers)


async def keys(client: httpx.AsyncClient) -> int:
    return int((await client.get(f"{CONTROL}/status")).json()["keys"])


async def test_status_says_what_runs(client: httpx.AsyncClient, clock: MovableClock) -> None:
    told = (await client.get(f"{CONTROL}/status")).json()
    assert told["profile"] == "cloudflare"
    assert told["locations"] == ["SJC", "NRT"]
    assert told["workerVersion"] == "new"
    assert told["keys"] == 0
    assert told["clock"]["now"] == "2026-11-23T12:00:00.000Z"
    assert told["clock"]["now_ms"] == clock.now_ms()


async def test_status_counts_the_keys_that_live(client: httpx.AsyncClient) -> None:
    await seed(client, [{"key": "a", "value": "1", "expiration_ttl": 60}, {"key": "b", "value": "2"}])
    assert await keys(client) == 2
    await client.post(f"{CONTROL}/clock", json={"advance_s": 60})
    assert await keys(client) == 1


async def test_a_seed_is_what_the_worker_then_sees(client: httpx.AsyncClient) -> None:
    answer = await seed(client, BASIC)
    assert (answer.status_code, answer.json()) == (200, {"written": 8, "ignoredFields": {}})
    status = (await client.get("/api/migrate/status", headers=ADMIN)).json()["status"]
    assert (status["oldTaskCount"], status["oldLeaseCount"]) == (5, 2)


async def test_a_seed_replaces_what_was_there(client: httpx.AsyncClient) -> None:
    await seed(client, [{"key": "queue:task:a", "value": '{"id": "a", "content": "old"}'}])
    await seed(client, [{"key": "queue:task:a", "value": '{"id": "a", "content": "new"}'}])
    assert (await client.get("/api/queue/a", headers=QUEUE)).json()["content"] == "new"
    assert await keys(client) == 1


async def test_the_last_of_two_entries_with_one_key_stays(client: httpx.AsyncClient) -> None:
    await seed(client, [{"key": "queue:task:a", "value": "1"}, {"key": "queue:task:a", "value": "2"}])
    assert (await client.get("/api/queue/a", headers=QUEUE)).json() == 2


async def test_a_seed_may_be_loaded_again_within_the_second(client: httpx.AsyncClient) -> None:
    assert [(await seed(client, BASIC)).status_code for _ in range(3)] == [200, 200, 200]


async def test_a_seed_is_written_at_the_location_that_it_names(client: httpx.AsyncClient) -> None:
    for location in ("SJC", "NRT"):
        await client.get("/api/queue", headers={**QUEUE, "X-Emulator-Location": location})
    await seed(client, [{"key": "queue:task:a", "value": "{}"}], **{"X-Emulator-Location": "NRT"})
    counts = [
        (await client.get("/api/queue", headers={**QUEUE, "X-Emulator-Location": location})).json()["count"]
        for location in ("SJC", "NRT")
    ]
    assert counts == [0, 1]


async def test_fields_that_are_not_in_the_format_are_named(client: httpx.AsyncClient) -> None:
    entries = [{"key": "a", "value": "1", "ttl": 9}, {"key": "b", "value": "1", "ttl": 9, "\ud800": 1}]
    answer = await seed(client, entries)
    assert (answer.status_code, answer.json()) == (200, {"written": 2, "ignoredFields": {"ttl": 2, "\ud800": 1}})


@pytest.mark.parametrize("content", [b"[]", b" [ ] ", b"\xef\xbb\xbf[]"])
async def test_an_empty_seed_writes_nothing(client: httpx.AsyncClient, content: bytes) -> None:
    answer = await seed(client, content)
    assert (answer.status_code, answer.json()["written"]) == (200, 0)


@pytest.mark.parametrize(
    "entry",
    [
        *("", "text", "7", "null", "{}", '{"key": "b"}', '{"value": "1"}', '{"key": 1, "value": "1"}'),
        *('{"key": "b", "value": 1}', '{"key": "b", "value": null}', '{"key": "", "value": "1"}'),
        *('{"key": ".", "value": "1"}', '{"key": "' + "b" * 513 + '", "value": "1"}'),
        *(r'{"key": "\ud800", "value": "1"}', r'{"key": "b", "value": "\udc00"}'),
        *('{"key": "b", "value": "1", "expiration_ttl": 59}', '{"key": "b", "value": "1", "expiration_ttl": "60"}'),
        *('{"key": "b", "value": "1", "expiration": 1}', '{"key": "b", "value": "1", "expiration": 60.5}'),
        *('{"key": "b", "value": "1", "expiration": 1e20}', '{"key": "b", "value": "1", "expiration_ttl": 1e20}'),
        *('{"key": "b", "value": "1", "expiration_ttl": true}', '{"key": "b", "value": "1", "expiration_ttl": NaN}'),
        *('{"key": "b", "value": "*", "base64": true}', '{"key": "b", "value": "1", "base64": "yes"}'),
        '{"key": "b", "value": "1", "metadata": "' + "m" * 1024 + '"}',
        '{"key": "b", "value": "1", "metadata": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
)
async def test_one_wrong_entry_and_nothing_is_written(client: httpx.AsyncClient, entry: str) -> None:
    answer = await seed(client, f'[{{"key": "a", "value": "1"}}, {entry}]'.encode())
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("nothing was written: ")
    assert await keys(client) == 0


@pytest.mark.parametrize("content", [b"", b"[", b"{}", b"null", b'"[]"', b"\xff", b"[]]"])
async def test_what_is_no_array_of_entries_is_refused(client: httpx.AsyncClient, content: bytes) -> None:
    answer = await seed(client, content)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("nothing was written: ")


async def test_a_wrong_entry_is_named(client: httpx.AsyncClient) -> None:
    answer = await seed(client, [{"key": "a", "value": "1"}, {"key": "b", "value": 1}, {"key": "c"}])
    assert answer.json() == {
        "error": "nothing was written: entry 1 (key 'b'): value must be a string; entry 2 (key 'c'): value is missing"
    }


@pytest.mark.parametrize("control", ["seed", "enqueue"])
async def test_an_unknown_location_is_refused(client: httpx.AsyncClient, control: str) -> None:
    content = BASIC if control == "seed" else b"{}"
    answer = await client.post(f"{CONTROL}/{control}", content=content, headers={"X-Emulator-Location": "LAX"})
    assert answer.status_code == 400
    assert answer.json() == {"error": "unknown location 'LAX'; this emulator has SJC, NRT"}
    assert await keys(client) == 0


async def test_reset_forgets_everything_at_every_location(client: httpx.AsyncClient, deployment: Deployment) -> None:
    await client.post(f"{CONTROL}/enqueue", json={"task": {"id": "t1"}})
    for location in deployment.locations:
        answer = await client.get("/api/queue", headers={**QUEUE, "X-Emulator-Location": location})
        assert answer.json()["count"] == 1
    answer = await client.post(f"{CONTROL}/reset")
    assert (answer.status_code, answer.json()["keys"]) == (200, 0)
    for location in deployment.locations:
        answer = await client.get("/api/queue", headers={**QUEUE, "X-Emulator-Location": location})
        assert answer.json()["count"] == 0


ENTRIES = [{"key": f"late-{number}", "value": "x" * 100} for number in range(500)]
SENT: dict[str, Any] = {
    "seed": ENTRIES,
    "keys/import": ENTRIES,
    "keys/write": {"key": "late", "text": "x"},
    "enqueue": {"task": {"id": "late"}},
}


@pytest.mark.parametrize("control", SENT)
async def test_what_was_sent_before_a_reset_is_not_written_after_it(control: str, client: httpx.AsyncClient) -> None:
    content = json.dumps(SENT[control]).encode()

    async def body() -> AsyncIterator[bytes]:
        yield content[:10]
        assert (await client.post(f"{CONTROL}/reset")).status_code == 200
        yield content[10:]

    answer = await client.post(f"{CONTROL}/{control}", content=body(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 503
    assert "the emulator was reset" in answer.json()["error"]
    assert await keys(client) == 0


async def test_reset_forgets_when_keys_were_written(client: httpx.AsyncClient) -> None:
    for _ in range(2):  # KV: one write a second to one key
        assert (await client.post("/api/result/r", headers=QUEUE, json={"success": True})).status_code == 200
        await client.post(f"{CONTROL}/reset")


async def test_reset_shows_the_time_of_the_start_again(client: httpx.AsyncClient, clock: MovableClock) -> None:
    at_first_ms = clock.now_ms()
    await client.post(f"{CONTROL}/clock", json={"advance_s": 86_400, "freeze": False})
    answer = await client.post(f"{CONTROL}/reset")
    assert (answer.json()["clock"]["now_ms"], clock.frozen) == (at_first_ms, True)


async def entries(client: httpx.AsyncClient, query: str = "") -> dict[str, Any]:
    answer = await client.get(f"{CONTROL}/entries{query}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_entries_are_as_for_a_bulk_put_and_seed_the_same_again(client: httpx.AsyncClient) -> None:
    given = [
        {"key": "bytes", "value": "/wA=", "base64": True},
        {"key": "meta", "value": "ü", "metadata": {"a": [1, None]}},
        {"key": "short", "value": "", "expiration": 1_795_435_200 + 90},
    ]
    await seed(client, given)
    assert await entries(client) == {"entries": given, "cursor": None}
    await client.post(f"{CONTROL}/reset")
    assert await entries(client) == {"entries": [], "cursor": None}
    assert (await seed(client, given)).status_code == 200
    assert (await entries(client))["entries"] == given


async def test_entries_come_in_pages_by_prefix(client: httpx.AsyncClient) -> None:
    await seed(client, [{"key": key, "value": ""} for key in ("a", "p/1", "p/2", "p/3", "q")])
    first = await entries(client, "?prefix=p/&limit=2")
    second = await entries(client, f"?prefix=p/&limit=2&cursor={first['cursor']}")
    assert [entry["key"] for entry in first["entries"] + second["entries"]] == ["p/1", "p/2", "p/3"]
    assert second["cursor"] is None


async def test_entries_are_the_centre_s_whatever_a_location_still_sees(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/queue/a", headers=QUEUE)).status_code == 404
    await seed(client, [{"key": "queue:task:a", "value": "1"}], **{"X-Emulator-Location": "NRT"})
    assert (await client.get("/api/queue/a", headers=QUEUE)).status_code == 404
    assert len((await entries(client))["entries"]) == 1


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "cursor=nonsense"])
async def test_a_page_of_entries_that_cannot_be_is_refused(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"{CONTROL}/entries?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_a_seed_of_too_many_entries_is_refused_in_one_line(client: httpx.AsyncClient) -> None:
    content = b"[" + b",".join(b'{"key":"%d","value":""}' % number for number in range(100_001)) + b"]"
    answer = await seed(client, content)
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "error": "nothing was written: more than 100,000 entries; `queue-emulator seed` writes a file in parts",
        },
    )
    assert await keys(client) == 0


async def test_a_long_seed_is_written_while_others_are_answered(client: httpx.AsyncClient) -> None:
    """Requests that are asked for at one moment are answered in another order: the long one last."""
    answered: list[str] = []

    async def long_one() -> None:
        answer = await seed(client, [{"key": f"k{number}", "value": ""} for number in range(2_000)])
        answered.append(f"seed {answer.json()['written']}")

    async def short_ones() -> None:
        for _ in range(3):
            answer = await client.get("/api/result/r", headers=QUEUE)
            answered.append(f"status {answer.status_code}")

    await asyncio.gather(long_one(), short_ones())
    assert answered == ["status 404"] * 3 + ["seed 2000"]
    assert await keys(client) == 2_000
