"""The reference Worker on workerd where limits and faults decide: it answers as the Python Worker does."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.kv.service import KVService
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.worker.auth import ApiKeys
from tests.asking import client_of
from tests.conftest import FIXTURES
from tests.workerd.deployed import deployed

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

KEYS = {"QUEUE_API_KEY": "q", "ADMIN_API_KEY": "a"}
ADMIN, QUEUE = {"X-API-Key": "a"}, {"X-API-Key": "q"}
SEED, FAULTS, ENTRIES = (f"/cdn-cgi/emulator/{name}" for name in ("seed", "faults", "entries?limit=1000"))
RUN = "/api/migrate/run"


@pytest.fixture
async def on_workerd(workerd: Path, clock: MovableClock) -> AsyncIterator[httpx.AsyncClient]:
    main = FIXTURES / "worker" / "worker.mjs"
    async with deployed(main, workerd, clock, variables=KEYS) as running:
        yield running.client


@pytest.fixture
async def in_python(service: KVService, clock: MovableClock) -> AsyncIterator[httpx.AsyncClient]:
    keys = ApiKeys(queue_api_key="q", admin_api_key="a")
    app = create_app(Deployment(service=service, clock=clock, keys=keys, log=lambda line: None))
    async with client_of(app) as client:
        yield client


async def run_over(client: httpx.AsyncClient, data: bytes, rule: dict[str, Any] | None = None) -> tuple[int, Any]:
    (await client.post(SEED, content=data)).raise_for_status()
    if rule is not None:
        (await client.post(FAULTS, json=rule)).raise_for_status()
    answer = await client.post(RUN, headers=ADMIN, timeout=60)
    return answer.status_code, answer.json()


async def keys(client: httpx.AsyncClient) -> list[str]:
    return [entry["key"] for entry in (await client.get(ENTRIES)).json()["entries"]]


def unworded(answer: Any) -> Any:
    """Without the frame that workerd puts around what its KV service refuses, here the operations past the budget."""
    return json.loads(re.sub(r"KV [A-Z]+ failed: 429 (?=Too many API requests)", "", json.dumps(answer)))


def fixture(name: str) -> bytes:
    return (FIXTURES / "old-format" / f"{name}.json").read_bytes()


async def test_of_1200_tasks_249_move_within_the_budget_and_951_fail(
    on_workerd: httpx.AsyncClient, in_python: httpx.AsyncClient
) -> None:
    data = fixture("thousand")
    status, answer = await run_over(on_workerd, data)
    assert (status, answer["success"], answer["tasks"]["migrated"], answer["tasks"]["failed"]) == (207, False, 249, 951)
    assert [line.startswith("Fatal: ") for line in answer["errors"][950:]] == [False, True, True]
    assert (status, unworded(answer)) == await run_over(in_python, data)
    assert await keys(on_workerd) == await keys(in_python)


FAULTY: dict[str, dict[str, Any]] = {
    "the first look": {"operation": "get", "key_prefix": "orchestrator:pending", "nth": 1},
    "the second look": {"operation": "get", "key_prefix": "orchestrator:pending", "nth": 2},
    "one write": {"operation": "put", "key_prefix": "queue:task:task2", "status": 429},
    "one verification": {"operation": "get", "key_prefix": "queue:task:task2"},
    "one delete": {"operation": "delete", "key_prefix": "orchestrator:queue:task2"},
    "one delete of a lease": {"operation": "delete", "key_prefix": "orchestrator:lease:task1"},
    "the delete of the list": {"operation": "delete", "key_prefix": "orchestrator:pending"},
    "the listing of leases": {"operation": "list"},
}


@pytest.mark.parametrize("where", FAULTY)
async def test_a_failure_of_kv_is_counted_or_fatal_alike(
    where: str, on_workerd: httpx.AsyncClient, in_python: httpx.AsyncClient
) -> None:
    rule = {"verdict": "fail_before", "times": 1, **FAULTY[where]}
    status, answer = await run_over(on_workerd, fixture("basic"), rule)
    assert (status, answer) == await run_over(in_python, fixture("basic"), rule)
    assert await keys(on_workerd) == await keys(in_python)
    fatal = [line for line in answer.get("errors", ()) if line.startswith("Fatal: Error: KV ")]
    if where == "the first look":
        assert (status, answer) == (500, {"success": False, "error": "Migration failed"})
    elif where.startswith("one "):
        assert (status, answer["totalFailed"], fatal) == (207, 1, [])
    else:
        assert (status, answer["success"], answer["totalFailed"], len(fatal)) == (200, True, 0, 1)


async def test_a_claim_passes_over_a_lease_by_its_text_and_answers_the_one_that_it_wrote(
    on_workerd: httpx.AsyncClient, in_python: httpx.AsyncClient
) -> None:
    """A lease of an empty value is none, and one that says `null` is one."""
    entries = [("queue:task:a", "{}"), ("queue:lease:a", "null"), ("queue:task:b", "{}"), ("queue:lease:b", "")]
    data = json.dumps([{"key": key, "value": value, "expiration_ttl": 600} for key, value in entries]).encode()
    for client in (on_workerd, in_python):
        (await client.post(SEED, content=data)).raise_for_status()
        answer = (await client.post("/api/queue/claim", headers=QUEUE, json={"workerId": "w"})).json()
        assert answer["taskId"] == "b"
        held = next(each for each in (await client.get(ENTRIES)).json()["entries"] if each["key"] == "queue:lease:b")
        assert json.loads(held["value"]) == answer["lease"]
