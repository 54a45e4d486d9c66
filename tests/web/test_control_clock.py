"""The control clock: time is moved, and every expiry and every timestamp follows."""

import httpx
import pytest

from queue_emulator.core.clock import MovableClock
from tests.conftest import NOON_MS
from tests.web.keys import CONTROL, QUEUE

pytestmark = pytest.mark.anyio


async def advance(client: httpx.AsyncClient, seconds: float) -> httpx.Response:
    return await client.post(f"{CONTROL}/clock", json={"advance_s": seconds})


async def test_it_is_shown(client: httpx.AsyncClient, clock: MovableClock) -> None:
    told = (await client.get(f"{CONTROL}/clock")).json()
    assert (told["now"], told["now_ms"]) == ("2026-11-23T12:00:00.000Z", NOON_MS)


@pytest.mark.parametrize(
    ("seconds", "now"),
    [
        (0, "12:00:00.000"),
        (60, "12:01:00.000"),
        (0.25, "12:00:00.250"),
        (3600.0, "13:00:00.000"),
        (1e3, "12:16:40.000"),
    ],
)
async def test_it_advances_by_seconds(client: httpx.AsyncClient, seconds: float, now: str) -> None:
    answer = await advance(client, seconds)
    assert (answer.status_code, answer.json()["now"]) == (200, f"2026-11-23T{now}Z")
    assert (await client.get(f"{CONTROL}/clock")).json()["now"] == answer.json()["now"]


async def test_a_lease_ends_when_its_time_has_come(client: httpx.AsyncClient) -> None:
    await client.post(f"{CONTROL}/enqueue", json={"task": {"id": "t1"}})
    claim = {"workerId": "w", "leaseDurationSec": 120}
    first = (await client.post("/api/queue/claim", headers=QUEUE, json=claim)).json()
    assert first["lease"]["expiresAt"] == "2026-11-23T12:02:00.000Z"
    await advance(client, 119)
    assert (await client.post("/api/queue/claim", headers=QUEUE, json=claim)).json()["success"] is False
    await advance(client, 1)
    second = (await client.post("/api/queue/claim", headers=QUEUE, json=claim)).json()
    assert second["lease"]["claimedAt"] == "2026-11-23T12:02:00.000Z"


async def test_tasks_and_results_live_for_an_hour(client: httpx.AsyncClient) -> None:
    await client.post(f"{CONTROL}/enqueue", json={"task": {"id": "t1"}})
    await client.post("/api/result/r1", headers=QUEUE, json={"success": True})
    await advance(client, 3599)
    assert (await client.get("/api/queue/t1", headers=QUEUE)).status_code == 200
    await advance(client, 1)
    assert (await client.get("/api/queue/t1", headers=QUEUE)).status_code == 404
    assert (await client.get("/api/result/r1", headers=QUEUE)).status_code == 404
    assert (await client.get(f"{CONTROL}/status")).json()["keys"] == 0


async def test_seeded_expiries_follow(client: httpx.AsyncClient) -> None:
    noon_s = NOON_MS // 1000
    entries = [
        {"key": "queue:task:a", "value": "{}", "expiration": noon_s + 90},
        {"key": "queue:task:b", "value": "{}", "expiration_ttl": 91},
        {"key": "queue:task:c", "value": "{}"},
    ]
    await client.post(f"{CONTROL}/seed", json=entries)
    seen = []
    for seconds in (89, 1, 1):
        await advance(client, seconds)
        seen.append((await client.get("/api/queue", headers=QUEUE)).json()["pending"])
    assert seen == [["a", "b", "c"], ["b", "c"], ["c"]]


async def test_a_second_is_enough_to_write_the_same_key_again(client: httpx.AsyncClient) -> None:
    statuses = []
    for seconds in (0.999, 0.001, 0):
        answer = await client.post("/api/result/r", headers=QUEUE, json={"success": True})
        statuses.append(answer.status_code)
        await advance(client, seconds)
    assert statuses == [200, 500, 200]


@pytest.mark.parametrize(
    "body",
    [
        *("", "[]", "60", "{}", '{"advance_s": NaN}', '{"advance_s": Infinity}', '{"advance_s": "60"}'),
        *('{"advance_s": null}', '{"advance_s": true}', '{"advance_s": [60]}', '{"seconds": 60}'),
        *('{"advance_s": 60, "seconds": 60}', '{"advance_s": -1}', '{"advance_s": -0.001}', '{"advance_s": -1e400}'),
        *('{"advance_s": 1e12}', '{"advance_s": 1e308}', '{"advance_s": 1e400}'),
        '{"advance_s": ' + "9" * 5000 + "}",
    ],
)
async def test_a_step_that_cannot_be_is_refused_and_time_stands(
    client: httpx.AsyncClient, clock: MovableClock, body: str
) -> None:
    answer = await client.post(f"{CONTROL}/clock", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert clock.now_ms() == NOON_MS


async def test_the_last_instant_can_be_reached_and_not_passed(client: httpx.AsyncClient) -> None:
    last_ms = 253_402_300_799_000
    answer = await advance(client, (last_ms - NOON_MS) // 1000)
    assert answer.json()["now"] == "9999-12-31T23:59:59.000Z"
    assert (await advance(client, 1)).status_code == 400
