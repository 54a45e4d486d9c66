"""One line a request: method, path, status, milliseconds, location, KV operations, what was stale, and why it failed.

Never a header, a query or a body.
"""

import re

import httpx
import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.worker.rate_limit import RateLimit
from tests.asking import client_of
from tests.web.keys import ADMIN, CONTROL, QUEUE

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "operations"),
    [
        ("GET", "/api/queue", QUEUE, 200, "SJC, 1 KV operation"),
        ("GET", "/api/migrate/status", ADMIN, 200, "SJC, 4 KV operations"),
        ("GET", "/api/queue", {**QUEUE, "X-Emulator-Location": "NRT"}, 200, "NRT, 1 KV operation"),
        ("GET", "/api/queue", {}, 401, "SJC, 0 KV operations, no X-API-Key was sent: QUEUE_API_KEY is needed"),
        ("GET", "/api/migrate/status", QUEUE, 401, "SJC, 0 KV operations, the X-API-Key is not ADMIN_API_KEY"),
        ("GET", "/api/queue", {**QUEUE, "X-Emulator-Location": "LAX"}, 400, "0 KV operations"),
        ("GET", "/api/queue/a%2Fb", QUEUE, 404, "SJC, 1 KV operation"),
        ("GET", "/api/queue/a%0D%0Ab", QUEUE, 404, "SJC, 1 KV operation"),
        ("DELETE", "/elsewhere", {}, 404, "SJC, 0 KV operations"),
        ("GET", f"{CONTROL}/status", {}, 200, "0 KV operations"),
        ("GET", f"{CONTROL}/nothing", {}, 404, "0 KV operations"),
        (
            "GET",
            f"{CONTROL}/status",
            {"Origin": "https://example.com"},
            403,
            "0 KV operations, the emulator's controls refuse requests from other origins: 'https://example.com'",
        ),
    ],
)
async def test_a_line_says_what_was_asked_and_answered(
    client: httpx.AsyncClient,
    logged: list[str],
    method: str,
    path: str,
    headers: dict[str, str],
    status: int,
    operations: str,
) -> None:
    await client.request(method, f"{path}?key=hidden", headers=headers)
    (line,) = [each for each in logged if not each.startswith("  not portable")]
    assert re.fullmatch(rf"{method} {re.escape(path)} {status} \d+\.\d ms {re.escape(operations)}", line)


async def test_a_request_that_fails_is_logged_with_what_it_had_done(
    client: httpx.AsyncClient, logged: list[str]
) -> None:
    for _ in range(2):
        await client.post("/api/result/r", headers=QUEUE, json={"success": True})
    assert re.fullmatch(r"POST /api/result/r 200 \d+\.\d ms SJC, 3 KV operations", logged[0])
    why = "uncaught Error: KV PUT failed: 429 Too Many Requests"
    assert re.fullmatch(rf"POST /api/result/r 500 \d+\.\d ms SJC, 1 KV operation, {why}", logged[-1])


async def test_what_a_location_showed_in_place_of_a_newer_version_is_said_with_its_age(
    client: httpx.AsyncClient, clock: MovableClock, logged: list[str]
) -> None:
    tokyo = {**QUEUE, "X-Emulator-Location": "NRT"}
    await client.get("/api/queue", headers=tokyo)
    await client.get("/api/result/r", headers=tokyo)
    await client.post("/api/result/r", headers=QUEUE, json={"success": True})
    await client.post(f"{CONTROL}/enqueue", json={"task": {"id": "t1"}})
    clock.advance(41_000)
    await client.get("/api/queue", headers=tokyo)
    await client.get("/api/result/r", headers=tokyo)
    assert re.fullmatch(r"GET /api/queue 200 \d+\.\d ms NRT, 1 KV operation, STALE: a list 41 s old", logged[-2])
    assert re.fullmatch(r"GET /api/result/r 404 \d+\.\d ms NRT, 1 KV operation, STALE: a value 41 s old", logged[-1])
    clock.advance(19_000)
    await client.get("/api/queue", headers=tokyo)
    assert "STALE" not in logged[-1], "a minute has passed"


async def test_a_request_beyond_the_rate_says_which_rate(deployment: Deployment, logged: list[str]) -> None:
    deployment.rate_limit = RateLimit(1, deployment.clock)
    async with client_of(create_app(deployment)) as client:
        for _ in range(2):
            await client.get("/api/queue", headers=QUEUE)
    assert logged[-1].endswith("more than 1 requests a minute with one key; retry after 60 s")


async def test_what_the_control_surface_sends_into_the_queue_is_counted(
    client: httpx.AsyncClient, logged: list[str]
) -> None:
    await client.post(f"{CONTROL}/enqueue", json={"format": "new", "task": {"id": "t1"}})
    (line,) = logged
    assert re.fullmatch(rf"POST {CONTROL}/enqueue 200 \d+\.\d ms 1 KV operation", line)


async def test_a_long_path_is_cut(client: httpx.AsyncClient, logged: list[str]) -> None:
    await client.get("/api/queue/" + "a" * 5000, headers=QUEUE)
    (line,) = logged
    assert len(line) < 300
    assert "a… 400 " in line


async def test_the_log_of_requests_can_be_switched_off(deployment: Deployment, logged: list[str]) -> None:
    async with client_of(create_app(deployment, log_requests=False)) as client:
        assert (await client.get("/api/queue", headers=QUEUE)).status_code == 200
        assert logged == []
        for _ in range(2):
            await client.post("/api/result/r", headers=QUEUE, json={"success": True})
    (line,) = logged
    assert line.startswith("  uncaught ")
