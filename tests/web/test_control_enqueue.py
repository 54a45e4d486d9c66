"""The control enqueue: a task through CommHub, as a webhook brings it, in either format."""

import json
from typing import Any

import httpx
import pytest

from tests.web.keys import ADMIN, CONTROL, QUEUE

pytestmark = pytest.mark.anyio

ID_BYTES_MAX = 512 - len("orchestrator:result:")


async def enqueue(client: httpx.AsyncClient, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post(f"{CONTROL}/enqueue", content=content, headers=headers)


async def keys(client: httpx.AsyncClient) -> int:
    return int((await client.get(f"{CONTROL}/status")).json()["keys"])


async def test_a_task_is_what_the_worker_then_lists(client: httpx.AsyncClient) -> None:
    answer = await enqueue(client, {"task": {"id": "t1", "priority": "high", "extra": [1, None]}})
    task = {
        "id": "t1",
        "type": "task",
        "source": "emulator",
        "content": "",
        "priority": "high",
        "metadata": {},
        "extra": [1, None],
        "queuedAt": "2026-11-23T12:00:00.000Z",
        "status": "pending",
    }
    assert (answer.status_code, answer.json()) == (200, {"format": "new", "task": task})
    assert (await client.get("/api/queue", headers=QUEUE)).json() == {"pending": ["t1"], "count": 1}
    assert (await client.get("/api/queue/t1", headers=QUEUE)).json() == task


async def test_a_task_in_the_old_format_waits_for_the_migration(client: httpx.AsyncClient) -> None:
    answer = await enqueue(client, {"format": "old", "task": {"id": "t1"}})
    assert answer.json()["format"] == "old"
    assert (await client.get("/api/queue", headers=QUEUE)).json()["count"] == 0
    assert (await client.get("/api/migrate/status", headers=ADMIN)).json()["status"]["oldTaskCount"] == 1
    assert await keys(client) == 2


async def test_everything_may_be_left_out(client: httpx.AsyncClient) -> None:
    bodies: list[dict[str, Any]] = [{}, {"task": {}}, {"format": "new"}]
    ids = [(await enqueue(client, body)).json()["task"]["id"] for body in bodies]
    assert len(set(ids)) == 3
    assert sorted((await client.get("/api/queue", headers=QUEUE)).json()["pending"]) == sorted(ids)


async def test_time_and_status_are_commhubs(client: httpx.AsyncClient) -> None:
    answer = await enqueue(client, {"task": {"queuedAt": "yesterday", "status": "failed"}})
    task = answer.json()["task"]
    assert (task["queuedAt"], task["status"]) == ("2026-11-23T12:00:00.000Z", "pending")


async def test_a_task_is_written_at_the_location_that_it_names(client: httpx.AsyncClient) -> None:
    tokyo = {"X-Emulator-Location": "NRT"}
    assert (await client.get("/api/queue", headers=QUEUE)).json()["count"] == 0
    assert (await client.get("/api/queue", headers={**QUEUE, **tokyo})).json()["count"] == 0
    await enqueue(client, {}, **tokyo)
    assert (await client.get("/api/queue", headers=QUEUE)).json()["count"] == 0
    assert (await client.get("/api/queue", headers={**QUEUE, **tokyo})).json()["count"] == 1


@pytest.mark.parametrize(
    ("task", "stored"),
    [
        ({"id": "t1", "content": "\ud800"}, {"content": "\ud800"}),
        ({"id": "t1", "\udfff": 1}, {"\udfff": 1}),
        (b'{"task": {"id": "t1", "x": 1e400}}', {"x": None}),
        (b'{"task": {"id": "t1", "x": -0.0}}', {"x": 0}),
        ({"id": "t1", "x": [[[[{}]]]] * 3}, {"x": [[[[{}]]]] * 3}),
    ],
)
async def test_what_javascript_can_say_is_answered_as_it_is_stored(
    client: httpx.AsyncClient, task: Any, stored: dict[str, Any]
) -> None:
    answer = await enqueue(client, task if isinstance(task, bytes) else {"task": task})
    assert answer.status_code == 200
    assert answer.json()["task"].items() >= stored.items()
    assert (await client.get("/api/queue/t1", headers=QUEUE)).json() == answer.json()["task"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the request body is not JSON"),
        (b"{", "the request body is not JSON"),
        (b"\xff{}", "the request body is not JSON"),
        (b'{"task": {"x": NaN}}', "the request body is not JSON"),
        (b'{"task": ' + b"[" * 9_000 + b"]" * 9_000 + b"}", "the request body is nested deeper than 900"),
        ([], "the request body must be a JSON object"),
        ({"tasks": {}}, "unknown member 'tasks'; allowed: format, task"),
        ({"\ud800": {}}, "unknown member '\\ud800'"),
        ({"format": "newest"}, "format must be one of new, old, not 'newest'"),
        ({"format": ["new"]}, 'format must be one of new, old, not ["new"]'),
        ({"format": None}, "format must be one of new, old, not null"),
        ({"task": []}, "task must be a JSON object, not []"),
        ({"task": None}, "task must be a JSON object, not null"),
        ({"task": {"id": ""}}, f"task.id must be a string of 1 to {ID_BYTES_MAX} bytes"),
        ({"task": {"id": 7}}, f"task.id must be a string of 1 to {ID_BYTES_MAX} bytes, not 7"),
        ({"task": {"id": "é" * 247}}, f"task.id must be a string of 1 to {ID_BYTES_MAX} bytes"),
        ({"task": {"type": "chore"}}, "task.type must be one of task, query, approval, notification, not 'chore'"),
        ({"task": {"priority": 1}}, "task.priority must be one of low, medium, high, critical, not 1"),
        ({"task": {"metadata": []}}, "task.metadata must be a JSON object, not []"),
    ],
)
async def test_bad_input_is_refused_and_nothing_is_written(client: httpx.AsyncClient, body: Any, why: str) -> None:
    answer = await enqueue(client, body)
    assert (answer.status_code, answer.json()) == (400, {"error": why})
    assert await keys(client) == 0


@pytest.mark.parametrize("version", ["new", "old"])
async def test_an_id_that_is_no_utf_8_is_refused(client: httpx.AsyncClient, version: str) -> None:
    answer = await enqueue(client, {"format": version, "task": {"id": "\ud800"}})
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "Error: KV PUT failed: 400 Could not URL-decode key name"},
    )
    assert await keys(client) == 0


async def test_a_refusal_of_kv_is_told_with_its_status(client: httpx.AsyncClient) -> None:
    await enqueue(client, {"task": {"id": "t1"}})
    answer = await enqueue(client, {"task": {"id": "t1"}})
    assert (answer.status_code, answer.json()) == (429, {"error": "Error: KV PUT failed: 429 Too Many Requests"})


async def test_a_pending_list_that_is_not_json_is_told(client: httpx.AsyncClient) -> None:
    await client.post(f"{CONTROL}/seed", json=[{"key": "orchestrator:pending", "value": "["}])
    answer = await enqueue(client, {"format": "old"})
    assert (answer.status_code, answer.json()) == (500, {"error": "SyntaxError: Unexpected end of JSON input"})
