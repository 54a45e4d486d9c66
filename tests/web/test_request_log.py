"""One line a request: method, path, status, milliseconds and KV operations; never a header, a query or a body."""

import re

import httpx
import pytest

from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from tests.web.keys import ADMIN, CONTROL, QUEUE

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "operations"),
    [
        ("GET", "/api/queue", QUEUE, 200, "1 KV operation"),
        ("GET", "/api/migrate/status", ADMIN, 200, "4 KV operations"),
        ("GET", "/api/queue", {}, 401, "0 KV operations"),
        ("GET", "/api/queue", {**QUEUE, "X-Emulator-Location": "LAX"}, 400, "0 KV operations"),
        ("GET", "/api/queue/a%2Fb", QUEUE, 404, "1 KV operation"),
        ("GET", "/api/queue/a%0D%0Ab", QUEUE, 404, "1 KV operation"),
        ("DELETE", "/elsewhere", {}, 404, "0 KV operations"),
        ("GET", f"{CONTROL}/status", {}, 200, "0 KV operations"),
        ("GET", f"{CONTROL}/nothing", {}, 404, "0 KV operations"),
        ("GET", f"{CONTROL}/status", {"Origin": "https://example.com"}, 403, "0 KV operations"),
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
    assert re.fullmatch(rf"{method} {re.escape(path)} {status} \d+\.\d ms {operations}", line)


async def test_a_request_that_fails_is_logged_with_what_it_had_done(
    client: httpx.AsyncClient, logged: list[str]
) -> None:
    for _ in range(2):
        await client.post("/api/result/r", headers=QUEUE, json={"success": True})
    assert re.fullmatch(r"POST /api/result/r 200 \d+\.\d ms 3 KV operations", logged[0])
    assert re.fullmatch(r"POST /api/result/r 500 \d+\.\d ms 1 KV operation", logged[-1])


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
    transport = httpx.ASGITransport(create_app(deployment, log_requests=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8787") as client:
        assert (await client.get("/api/queue", headers=QUEUE)).status_code == 200
        assert logged == []
        for _ in range(2):
            await client.post("/api/result/r", headers=QUEUE, json={"success": True})
    (line,) = logged
    assert line.startswith("  uncaught ")
