"""The queue hides tasks, dies of them and brings them back: hazards H3, H10, H11 and H13, each happening.

H3   tasks beyond the first 1,000 keys are invisible, and starve while those are leased
H10  a claim that meets many leased tasks runs out of KV operations and dies
H11  a status update that races a result writes the finished task back
H13  another location goes on listing and claiming a finished task until its copies expire
"""

from collections.abc import Callable

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import OperationBudgetError
from queue_emulator.core.profiles import LOCAL
from queue_emulator.kv.turn import HeldTurns
from tests.worker.deployed import Centre, Worker, lease, task
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio

Watch = Callable[..., WatchedBinding]


async def load_tasks(centre: Centre, count: int, *, leased: int = 0) -> None:
    """Tasks 0000, 0001, … of which the first are leased."""
    await centre.load({f"queue:task:{number:04d}": task(f"{number:04d}") for number in range(count)})
    await centre.load({f"queue:lease:{number:04d}": lease("busy") for number in range(leased)})


async def test_h3_tasks_beyond_the_first_thousand_are_invisible(worker: Worker, centre: Centre) -> None:
    """A list page ends at 1,000 keys. The Worker reads one page and never asks for the next."""
    await load_tasks(centre, 1001)
    _, listed = await worker.get("/api/queue")
    assert (listed["count"], listed["pending"][-1]) == (1000, "0999")
    assert (await worker.get("/api/migrate/status"))[1]["status"]["newTaskCount"] == 1000
    assert (await worker.get("/api/queue/1000"))[0] == 200


@pytest.mark.parametrize("profile", [LOCAL], ids=["local"])
async def test_h3_they_starve_while_the_first_thousand_are_leased(worker: Worker, centre: Centre) -> None:
    await load_tasks(centre, 1001, leased=1000)
    _, answer = await worker.post("/api/queue/claim", {"workerId": "w"})
    assert (answer["success"], answer["pending"]) == (False, 0)
    await worker.post("/api/queue/0500/release", {})
    assert (await worker.post("/api/queue/claim", {"workerId": "w"}))[1]["taskId"] == "0500"


async def test_h3_tasks_deleted_lately_fill_the_page_too(worker: Worker, centre: Centre) -> None:
    """A list walks keys that were deleted not long ago, and they count for the page: it can be short or even empty."""
    await load_tasks(centre, 1500)
    binding = worker.binding("LHR")
    for number in range(900):
        await binding.delete(f"queue:task:{number:04d}")
    assert (await worker.get("/api/queue"))[1]["count"] == 100
    for number in range(900, 1000):
        await binding.delete(f"queue:task:{number:04d}")
    assert await worker.get("/api/queue", at="FRA") == (200, {"pending": [], "count": 0})
    assert len(await centre.keys("queue:task:")) == 500


@pytest.mark.slow
async def test_h10_a_claim_that_meets_999_leased_tasks_still_answers(
    worker: Worker, watch: Watch, centre: Centre
) -> None:
    await load_tasks(centre, 999, leased=999)
    binding = watch()
    _, answer = await worker.post("/api/queue/claim", {"workerId": "w"}, at=binding)
    assert (answer["success"], len(binding.calls)) == (False, 1000)


@pytest.mark.slow
async def test_h10_a_claim_that_meets_1000_leased_tasks_runs_out_of_operations(
    worker: Worker, watch: Watch, centre: Centre
) -> None:
    """One list and a get for each leased task make 1,001 operations, and an invocation has 1,000."""
    await load_tasks(centre, 1000, leased=1000)
    binding = watch()
    with pytest.raises(OperationBudgetError, match="Too many API requests by single Worker invocation"):
        await worker.post("/api/queue/claim", {"workerId": "w"}, at=binding)
    assert binding.invocation.operations == 1000


@pytest.mark.slow
async def test_h10_a_claim_can_die_with_the_lease_already_written(worker: Worker, centre: Centre) -> None:
    """The free task is found with the last operations: the lease is there, and nobody was told of it."""
    await load_tasks(centre, 998, leased=997)
    with pytest.raises(OperationBudgetError):
        await worker.post("/api/queue/claim", {"workerId": "w"})
    assert (await centre.value("queue:lease:0997"))["workerId"] == "w"


async def test_h11_a_status_update_that_races_a_result_writes_the_finished_task_back(
    worker: Worker, turns: HeldTurns, centre: Centre, clock: MovableClock
) -> None:
    """The update reads the task, the result deletes it, and the update writes what it read: a zombie.

    It has no lease, so the next claim takes it, and the work is done twice.
    """
    await centre.load({"queue:task:a": task("a")})
    await worker.post("/api/queue/claim", {"workerId": "w"})
    clock.advance(1000)
    updating = turns.actor(worker.post("/api/queue/a/status", {"status": "completed"}))
    finishing = turns.actor(worker.post("/api/result/a", {"success": True}))

    updating.until("put", "queue:task:a")
    assert finishing.finish() == (200, {"success": True})
    assert updating.finish()[0] == 200

    assert await worker.get("/api/result/a") == (200, {"success": True})
    assert await worker.get("/api/queue") == (200, {"pending": ["a"], "count": 1})
    clock.advance(1000)
    _, again = await worker.post("/api/queue/claim", {"workerId": "next"})
    assert (again["taskId"], again["task"]["status"]) == ("a", "completed")
    assert (await centre.lifetimes_s("queue:task:")) == {"queue:task:a": 3599}


async def test_h13_another_location_goes_on_listing_and_claiming_a_finished_task(
    worker: Worker, centre: Centre, clock: MovableClock
) -> None:
    """Tokyo keeps its copies of the list, of the task and of the missing lease for a minute, whatever San Jose does.

    What Tokyo then claims was finished long ago; the lease it writes is one for a task that is not there.
    """
    await centre.load({"queue:task:a": task("a")})
    await worker.get("/api/queue", at="NRT")
    await worker.get("/api/queue/a", at="NRT")
    await worker.post("/api/result/a", {"success": True}, at="SJC")
    clock.advance(59_999)
    assert await worker.get("/api/queue", at="SJC") == (200, {"pending": [], "count": 0})
    assert await worker.get("/api/queue", at="NRT") == (200, {"pending": ["a"], "count": 1})
    _, answer = await worker.post("/api/queue/claim", {"workerId": "tokyo"}, at="NRT")
    assert (answer["taskId"], answer["task"]) == ("a", task("a"))
    assert await centre.keys("queue:") == ["queue:lease:a"]


async def test_h13_ends_when_the_copies_expire(worker: Worker, centre: Centre, clock: MovableClock) -> None:
    await centre.load({"queue:task:a": task("a")})
    await worker.get("/api/queue", at="NRT")
    await worker.get("/api/queue/a", at="NRT")
    await worker.post("/api/result/a", {"success": True}, at="SJC")
    clock.advance(60_000)
    assert await worker.get("/api/queue", at="NRT") == (200, {"pending": [], "count": 0})
    assert (await worker.get("/api/queue/a", at="NRT"))[0] == 404


async def test_h13_a_task_listed_from_a_copy_but_read_fresh_is_not_claimed(worker: Worker, centre: Centre) -> None:
    """With only the list cached the claim finds no task, and takes its lease back."""
    await centre.load({"queue:task:a": task("a")})
    await worker.get("/api/queue", at="NRT")
    await worker.post("/api/result/a", {"success": True}, at="SJC")
    _, answer = await worker.post("/api/queue/claim", {"workerId": "tokyo"}, at="NRT")
    assert answer["success"] is False
    assert await centre.keys("queue:") == []
