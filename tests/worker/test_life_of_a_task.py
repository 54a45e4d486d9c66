"""The same life of a task in the old, the dual and the new Worker, and a queue that lives through all three."""

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.kv.service import KVService
from queue_emulator.worker.commhub import CommHub
from queue_emulator.worker.dual import queue_format
from queue_emulator.worker.versions import WorkerVersion
from tests.worker.deployed import Centre, Worker, task

pytestmark = pytest.mark.anyio

EVERY_VERSION = pytest.mark.parametrize("version", list(WorkerVersion))


async def enqueue(worker: Worker, *task_ids: str) -> None:
    """Through the CommHub of the Worker's own version."""
    for task_id in task_ids:
        hub = CommHub(queue_format(worker.version, worker.binding()), worker.clock)
        await hub.send({"id": task_id, "type": "task", "metadata": {}})
        worker.clock.advance(1000)


@EVERY_VERSION
async def test_a_task_is_listed_claimed_renewed_marked_released_claimed_again_and_finished(
    service: KVService, clock: MovableClock, version: WorkerVersion
) -> None:
    worker = Worker(service, clock, version)
    await enqueue(worker, "a", "b")
    assert await worker.get("/api/queue") == (200, {"pending": ["a", "b"], "count": 2})

    _, claimed = await worker.post("/api/queue/claim", {"workerId": "v"})
    assert (claimed["taskId"], claimed["task"]["status"]) == ("a", "pending")
    assert (await worker.post("/api/queue/claim", {"workerId": "w"}))[1]["taskId"] == "b"
    assert (await worker.post("/api/queue/claim", {"workerId": "x"}))[1]["success"] is False

    clock.advance(1000)
    assert (await worker.post("/api/queue/a/renew", {"workerId": "v", "extendSec": 600}))[0] == 200
    assert (await worker.post("/api/queue/a/renew", {"workerId": "w"}))[0] == 403
    assert (await worker.post("/api/queue/a/release", {"workerId": "w"}))[0] == 403
    assert (await worker.post("/api/queue/a/status", {"status": "claimed"}))[0] == 200
    assert (await worker.get("/api/queue/a"))[1]["status"] == "claimed"
    assert await worker.post("/api/queue/a/release", {"workerId": "v"}) == (200, {"success": True})

    clock.advance(1000)
    assert (await worker.post("/api/queue/claim", {"workerId": "x"}))[1]["taskId"] == "a"
    assert await worker.post("/api/result/a", {"success": True, "output": 1}) == (200, {"success": True})
    assert await worker.get("/api/result/a") == (200, {"success": True, "output": 1})
    assert (await worker.get("/api/queue/a"))[0] == 404
    assert await worker.get("/api/queue") == (200, {"pending": ["b"], "count": 1})
    assert (await worker.post("/api/queue/claim", {"workerId": "y"}))[1]["success"] is False


@EVERY_VERSION
async def test_a_lease_that_runs_out_frees_the_task_in_every_version(
    service: KVService, clock: MovableClock, version: WorkerVersion
) -> None:
    worker = Worker(service, clock, version)
    await enqueue(worker, "a")
    await worker.post("/api/queue/claim", {"workerId": "v", "leaseDurationSec": 60})
    clock.advance(60_000)
    assert (await worker.post("/api/queue/claim", {"workerId": "w"}))[1]["lease"]["workerId"] == "w"


@EVERY_VERSION
async def test_a_result_of_one_version_is_read_by_every_other(
    service: KVService, clock: MovableClock, version: WorkerVersion
) -> None:
    await Worker(service, clock, WorkerVersion.OLD).post("/api/result/a", {"success": True})
    assert await Worker(service, clock, version).get("/api/result/a") == (200, {"success": True})


@pytest.mark.parametrize("version", [WorkerVersion.DUAL, WorkerVersion.NEW])
async def test_the_dual_and_the_new_worker_have_the_migration(
    service: KVService, clock: MovableClock, centre: Centre, version: WorkerVersion
) -> None:
    await centre.load({"orchestrator:pending": ["a"], "orchestrator:queue:a": task("a")})
    worker = Worker(service, clock, version)
    assert (await worker.get("/api/migrate/status"))[1]["needsMigration"] is True
    assert (await worker.post("/api/migrate/run"))[1]["totalMigrated"] == 1
    assert await worker.get("/api/queue") == (200, {"pending": ["a"], "count": 1})
    assert (await worker.post("/api/migrate/rollback"))[1]["deleted"] == 1


async def test_a_queue_lives_through_the_migration_without_a_stop(
    old_worker: Worker, dual_worker: Worker, worker: Worker, centre: Centre, clock: MovableClock
) -> None:
    await enqueue(old_worker, "old-1", "old-2", "old-3")
    await old_worker.post("/api/queue/claim", {"workerId": "v", "leaseDurationSec": 600})

    await enqueue(dual_worker, "new-1")
    assert (await dual_worker.get("/api/queue"))[1]["pending"] == ["new-1", "old-1", "old-2", "old-3"]
    claimed = [(await dual_worker.post("/api/queue/claim", {"workerId": "w"}))[1]["taskId"] for _ in range(2)]
    assert claimed == ["new-1", "old-2"]
    await dual_worker.post("/api/result/old-2", {"success": True})

    clock.advance(60_000)
    _, run = await dual_worker.post("/api/migrate/run")
    assert (run["success"], run["tasks"]["migrated"], run["leases"]["migrated"]) == (True, 2, 1)

    assert (await worker.get("/api/queue"))[1]["pending"] == ["new-1", "old-1", "old-3"]
    assert (await worker.post("/api/queue/claim", {"workerId": "x"}))[1]["taskId"] == "old-3"
    clock.advance(1000)
    assert (await worker.post("/api/queue/old-1/renew", {"workerId": "v"}))[0] == 200
    for task_id in ("new-1", "old-1", "old-3"):
        await worker.post(f"/api/result/{task_id}", {"success": True})
    assert await centre.keys() == [f"orchestrator:result:{name}" for name in ("new-1", "old-1", "old-2", "old-3")]
