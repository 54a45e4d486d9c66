"""What escapes the Worker's code is a 500 that the log explains; and nowhere is a key to be seen."""

from collections.abc import Sequence

import httpx
import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.entries import Entry
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore, Written, tell_nobody
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from tests.asking import client_of
from tests.conftest import KEYS
from tests.web.keys import ADMIN, CONTROL, QUEUE

pytestmark = pytest.mark.anyio


class BrokenStore(MemoryStore):
    """A store whose disk is gone."""

    async def read(self, keys: Sequence[bytes]) -> list[Entry | None]:
        raise OSError(5, "Input/output error")

    async def write(self, entries: Sequence[Entry], written: Written = tell_nobody) -> None:
        raise OSError(5, "Input/output error")


@pytest.fixture
def broken(clock: MovableClock, logged: list[str]) -> httpx.AsyncClient:
    """Speaks to a deployment over a broken store, as a server would: what the app raises is not the client's."""
    service = KVService(BrokenStore(), clock=clock)
    app = create_app(Deployment(service=service, clock=clock, keys=KEYS, log=logged.append))
    return client_of(app, raises=False)


def explanations(logged: list[str]) -> list[str]:
    return [line for line in logged if line.startswith("  ")]


async def test_a_refusal_of_kv_that_the_worker_lets_escape(client: httpx.AsyncClient, logged: list[str]) -> None:
    await client.post("/api/result/r", headers=QUEUE, json={"success": True})
    answer = await client.post("/api/result/r", headers=QUEUE, json={"success": True})
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    assert answer.headers["CF-Ray"].endswith("-SJC")
    (line,) = explanations(logged)
    assert line.startswith("  uncaught Error: KV PUT failed: 429 Too Many Requests (at SJC, after 1 KV operations")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{", "SyntaxError: Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
        ("", "SyntaxError: Unexpected end of JSON input"),
    ],
)
async def test_a_value_that_is_not_json(client: httpx.AsyncClient, logged: list[str], value: str, message: str) -> None:
    await client.post(f"{CONTROL}/seed", json=[{"key": "queue:task:t1", "value": value}])
    assert (await client.get("/api/queue", headers=QUEUE)).status_code == 200
    answer = await client.get("/api/queue/t1", headers={**QUEUE, "X-Emulator-Location": "NRT"})
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    (line,) = explanations(logged)
    assert line.startswith(f"  uncaught {message} (at NRT, ")


async def test_a_failure_that_the_migration_catches(client: httpx.AsyncClient, logged: list[str]) -> None:
    await client.post(f"{CONTROL}/seed", json=[{"key": "orchestrator:pending", "value": "["}])
    answer = await client.get("/api/migrate/status", headers=ADMIN)
    expected = {"success": False, "error": "Failed to get migration status"}
    assert (answer.status_code, answer.json()) == (500, expected)
    (line,) = explanations(logged)
    assert line.startswith("  worker: Failed to get migration status: SyntaxError: ")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/queue/t1", None),
        ("POST", f"{CONTROL}/seed", [{"key": "a", "value": "1"}]),
        ("POST", f"{CONTROL}/enqueue", {}),
    ],
)
async def test_a_defect_of_the_emulator_is_explained_and_not_a_broken_connection(
    broken: httpx.AsyncClient, logged: list[str], method: str, path: str, body: object
) -> None:
    async with broken:
        answer = await broken.request(method, path, headers=QUEUE, json=body)
    assert answer.status_code == 500
    (explanation,) = explanations(logged)
    assert explanation.startswith("  a defect of this emulator, please report it:\nTraceback")
    assert explanation.rstrip().endswith("OSError: [Errno 5] Input/output error")
    assert any(line.startswith(f"{method} {path} 500 ") for line in logged)


async def test_no_key_is_seen_anywhere(
    client: httpx.AsyncClient, broken: httpx.AsyncClient, logged: list[str], deployment: Deployment
) -> None:
    wrong = "offered-by-somebody"
    requests = [
        ("GET", "/api/queue", None),
        ("GET", "/api/migrate/status", None),
        ("POST", "/api/queue/claim", "not an object"),
        ("POST", "/api/result/r", {"success": True}),
        ("POST", "/api/result/r", {"success": True}),
        ("GET", "/elsewhere", None),
        ("GET", f"{CONTROL}/status", None),
        ("GET", f"{CONTROL}/nothing", None),
        ("POST", f"{CONTROL}/enqueue", {}),
    ]
    seen: list[str] = []
    async with broken:
        for speaker in (client, broken):
            for key in (*QUEUE.values(), *ADMIN.values(), wrong):
                for method, path, body in requests:
                    answer = await speaker.request(method, path, headers={"X-API-Key": key}, json=body)
                    seen += [answer.text, str(answer.headers)]
    everything = "\n".join([*seen, *logged, repr(deployment)])
    assert "uncaught Error" in everything
    assert "a defect of this emulator" in everything
    for secret in (*QUEUE.values(), *ADMIN.values(), wrong):
        assert secret not in everything
