"""Two versions of the Worker over one namespace: hazards H17, H18 and H20, each happening.

H17  a result posted to the old Worker during or after the run: the finished task is claimed again in the new format
H18  the old and the dual Worker side by side both claim one task, without any race: they look at different leases
H20  a status update in the old format makes a task outlive the pending list: an orphan, as in H8
"""

from collections.abc import Callable

import pytest

from queue_emulator.core.clock import MovableClock
from tests.worker.deployed import Centre, Worker, task
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio

Watch = Callable[..., WatchedBinding]

CLAIM, RUN, STATUS = "/api/queue/claim", "/api/migrate/run", "/api/migrate/status"
PENDING = "orchestrator:pending"


@pytest.fixture
async def one_old_task(centre: Centre) -> None:
    await centre.load({PENDING: ["a"], "orchestrator:queue:a": task("a")})


@pytest.mark.usefixtures("one_old_task")
async def test_h17_a_task_whose_result_came_to_the_old_worker_after_the_run_is_claimed_again(
    worker: Worker, old_worker: Worker, clock: MovableClock
) -> None:
    """The old Worker deletes the old key, which is gone already, and knows nothing of the new one."""
    assert (await old_worker.post(CLAIM, {"workerId": "first"}))[1]["taskId"] == "a"
    await worker.post(RUN)
    clock.advance(1000)
    assert (await old_worker.post("/api/result/a", {"success": True}))[0] == 200

    clock.advance(300_000)  # the lease of the first daemon, which was migrated too, ends
    _, again = await worker.post(CLAIM, {"workerId": "second"})
    assert (again["taskId"], again["task"]["status"]) == ("a", "pending")
    assert await worker.get("/api/result/a") == (200, {"success": True})


@pytest.mark.usefixtures("one_old_task")
async def test_h17_a_task_whose_result_comes_while_it_is_moved_is_claimed_again(
    worker: Worker, old_worker: Worker, watch: Watch, centre: Centre
) -> None:
    """Between the run's read of the task and its write under the new key, the task is finished."""
    migrating = watch()
    migrating.before("put", "queue:task:a", lambda: old_worker.post("/api/result/a", {"success": True}))
    status, answer = await worker.post(RUN, at=migrating)
    assert (status, answer["tasks"]["migrated"], migrating.uninterrupted) == (200, 1, 0)
    assert "orchestrator:result:a" in await centre.keys()
    assert (await worker.post(CLAIM, {"workerId": "second"}))[1]["taskId"] == "a"


@pytest.mark.usefixtures("one_old_task")
@pytest.mark.parametrize("first", ["old", "dual"])
async def test_h18_the_old_and_the_dual_worker_both_claim_one_task(
    old_worker: Worker, dual_worker: Worker, clock: MovableClock, first: str
) -> None:
    """Only one order is safe: the dual Worker sees the old lease. The old Worker never sees the new one.

    No race and no stale copy is needed: a minute lies between the two claims, at one location.
    """
    before, after = (old_worker, dual_worker) if first == "old" else (dual_worker, old_worker)
    assert (await before.post(CLAIM, {"workerId": "v"}))[1]["taskId"] == "a"
    clock.advance(60_000)
    _, second = await after.post(CLAIM, {"workerId": "w"})
    assert second["success"] is (first == "dual")


@pytest.mark.usefixtures("one_old_task")
async def test_h20_a_status_update_in_the_old_format_makes_a_task_outlive_its_list(
    worker: Worker, old_worker: Worker, centre: Centre, clock: MovableClock
) -> None:
    """The update gives the task another hour, the list keeps what it had left: then no list names the task."""
    clock.advance(1_800_000)
    assert (await old_worker.post("/api/queue/a/status", {"status": "processing"}))[0] == 200
    clock.advance(1_800_000)
    assert await centre.keys() == ["orchestrator:queue:a"]
    assert (await old_worker.get("/api/queue"))[1]["pending"] == []
    assert (await worker.get(STATUS))[1]["needsMigration"] is False
    assert (await worker.post(RUN))[1]["message"] == "Migration not needed - already using new format"
    assert (await old_worker.get("/api/queue/a"))[1]["status"] == "processing"
