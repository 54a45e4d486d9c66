"""The Worker's routes over HTTP: statuses, content types, and the headers that say where it ran."""

import re

import httpx
import pytest

from tests.web.keys import ADMIN, CONTROL, QUEUE

pytestmark = pytest.mark.anyio

JSON, TEXT = "application/json", "text/plain;charset=UTF-8"
TASK = {"task": {"id": "t1", "content": "Übersetze „bitte“ 🚀"}}


async def test_every_route_answers_json(client: httpx.AsyncClient) -> None:
    await client.post(f"{CONTROL}/enqueue", json=TASK)
    requests = [
        ("GET", "/api/queue", QUEUE, None, 200),
        ("POST", "/api/queue/claim", QUEUE, {"workerId": "w"}, 200),
        ("GET", "/api/queue/t1", QUEUE, None, 200),
        ("POST", "/api/queue/t1/status", QUEUE, {"status": "claimed"}, 500),  # KV: one write a second to one key
        ("POST", "/api/queue/t1/renew", QUEUE, {"workerId": "other"}, 403),
        ("POST", "/api/queue/t1/release", QUEUE, {"workerId": "w"}, 200),
        ("POST", "/api/result/t1", QUEUE, {"success": True}, 200),
        ("GET", "/api/result/t1", QUEUE, None, 200),
        ("GET", "/api/queue/t1", QUEUE, None, 404),
        ("GET", "/api/migrate/status", ADMIN, None, 200),
        ("POST", "/api/migrate/run", ADMIN, None, 200),
        ("POST", "/api/migrate/rollback", ADMIN, None, 200),
    ]
    for method, path, headers, body, status in requests:
        answer = await client.request(method, path, headers=headers, json=body)
        assert (path, answer.status_code) == (path, status)
        assert answer.headers["Content-Type"] == (TEXT if status == 500 else JSON)


async def test_text_goes_out_in_utf_8_unescaped(client: httpx.AsyncClient) -> None:
    await client.post(f"{CONTROL}/enqueue", json=TASK)
    answer = await client.get("/api/queue/t1", headers=QUEUE)
    assert answer.json()["content"] == TASK["task"]["content"]
    assert "Übersetze „bitte“ 🚀".encode() in answer.content


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "content_type", "content"),
    [
        ("GET", "/", {}, 404, TEXT, b"Not found"),
        ("GET", "/api", {}, 404, TEXT, b"Not found"),
        ("GET", "/api/queues", QUEUE, 404, TEXT, b"Not found"),
        ("GET", "/API/QUEUE", QUEUE, 404, TEXT, b"Not found"),
        ("GET", "/cdn-cgi/emulator", {}, 404, TEXT, b"Not found"),
        ("GET", "/api/queue/a/b/c", QUEUE, 404, JSON, b'{"error":"Not found"}'),
        ("GET", "/api/result", QUEUE, 404, JSON, b'{"error":"Not found"}'),
        ("DELETE", "/api/queue", QUEUE, 404, JSON, b'{"error":"Not found"}'),
        ("POST", "/api/queue", QUEUE, 404, JSON, b'{"error":"Not found"}'),
        ("OPTIONS", "/api/queue/claim", QUEUE, 404, JSON, b'{"error":"Not found"}'),
        ("GET", "/api/queue/x/release", QUEUE, 404, JSON, b'{"error":"Not found"}'),
        ("GET", "/api/migrate/run", ADMIN, 404, TEXT, b"Not found"),
        ("GET", "/api/migrate", ADMIN, 404, TEXT, b"Not found"),
    ],
)
async def test_what_the_worker_has_no_branch_for_is_not_found(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    headers: dict[str, str],
    status: int,
    content_type: str,
    content: bytes,
) -> None:
    answer = await client.request(method, path, headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (status, content_type, content)


async def test_a_head_request_is_a_method_of_no_route(client: httpx.AsyncClient) -> None:
    answer = await client.head("/api/queue", headers=QUEUE)
    assert answer.status_code == 404


async def test_a_ray_names_the_request_and_the_location(client: httpx.AsyncClient) -> None:
    answers = [
        await client.get("/api/queue", headers=QUEUE),
        await client.get("/api/queue", headers={**QUEUE, "X-Emulator-Location": "SJC"}),
        await client.get("/api/queue", headers={**QUEUE, "X-Emulator-Location": "NRT"}),
        await client.get("/api/queue"),
        await client.get("/elsewhere"),
    ]
    rays = [answer.headers["CF-Ray"] for answer in answers]
    assert all(re.fullmatch("[0-9a-f]{16}-(SJC|NRT)", ray) for ray in rays)
    assert [ray[-3:] for ray in rays] == ["SJC", "SJC", "NRT", "SJC", "SJC"]
    assert len(set(rays)) == len(rays)


@pytest.mark.parametrize("named", ["LAX", "nrt", "", "NRT,SJC", "NRT "])
async def test_an_unknown_location_is_refused_with_the_known_ones(client: httpx.AsyncClient, named: str) -> None:
    answer = await client.get("/api/queue", headers={**QUEUE, "X-Emulator-Location": named})
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, JSON)
    assert answer.json()["error"].startswith("Unknown location in X-Emulator-Location: ")
    assert "SJC, NRT" in answer.json()["error"]


async def test_a_location_sees_what_another_wrote_only_later(client: httpx.AsyncClient) -> None:
    tokyo = {**QUEUE, "X-Emulator-Location": "NRT"}
    assert (await client.get("/api/queue", headers=tokyo)).json()["count"] == 0
    await client.post(f"{CONTROL}/enqueue", json=TASK)
    assert (await client.get("/api/queue", headers=QUEUE)).json()["count"] == 1
    assert (await client.get("/api/queue", headers=tokyo)).json()["count"] == 0
    await client.post(f"{CONTROL}/clock", json={"advance_s": 60})
    assert (await client.get("/api/queue", headers=tokyo)).json()["count"] == 1


async def test_a_query_changes_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/queue?limit=1&workerId=%2F", headers=QUEUE)
    assert answer.json() == {"pending": [], "count": 0}


@pytest.mark.parametrize(
    ("segment", "task_id"),
    [("a%2Fb", "a/b"), ("%2525", "%25"), ("a%0Ab", "a\nb"), ("%00", "\0"), ("%F0%9F%9A%80", "🚀"), ("a:b@c", "a:b@c")],
)
async def test_ids_are_taken_from_the_raw_path(client: httpx.AsyncClient, segment: str, task_id: str) -> None:
    await client.post(f"{CONTROL}/enqueue", json={"task": {"id": task_id}})
    answer = await client.get(f"/api/queue/{segment}", headers=QUEUE)
    assert (answer.status_code, answer.json()["id"]) == (200, task_id)
    answer = await client.post(f"/api/result/{segment}", headers=QUEUE, json={"success": True})
    assert answer.status_code == 200
    assert (await client.get(f"/api/queue/{segment}", headers=QUEUE)).status_code == 404
