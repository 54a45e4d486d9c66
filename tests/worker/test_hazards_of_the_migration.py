"""The migration loses things: hazards H4, H5, H7, H8, H9, H14, H16 and H19, each happening.

H4   a task that fails is orphaned: the pending list goes as soon as one task migrated
H5   a task enqueued in the old format during a migration is lost with the pending list
H7   a rollback after a migration deletes the only copy of every task
H8   old leases and unlisted tasks are never migrated once the list is gone, or if it never was there
H9   a migration of more than about 250 tasks runs out of KV operations: the rest fails, and no run ever completes
H14  a migrated task's time starts anew, and a lease about to end is extended to 60 s
H16  a pending list that is no list is a success: no task has moved, and only a line of errors says so
H19  a rollback drops live leases: a task that is being worked on is claimed again
"""

from collections.abc import Callable

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.kv.binding import Binding
from queue_emulator.worker.commhub import CommHub
from queue_emulator.worker.legacy import OldFormat
from tests.worker.deployed import Centre, Worker, lease, task
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio

Watch = Callable[..., WatchedBinding]

PENDING = "orchestrator:pending"
NOT_NEEDED = "Migration not needed - already using new format"


async def load_old(centre: Centre, *task_ids: str) -> None:
    await centre.load({PENDING: list(task_ids)})
    await centre.load({f"orchestrator:queue:{task_id}": task(task_id) for task_id in task_ids})


def old_hub(binding: Binding, clock: MovableClock) -> CommHub:
    return CommHub(OldFormat(binding), clock)


async def test_h4_a_failed_task_is_orphaned_by_the_success_of_another(worker: Worker, centre: Centre) -> None:
    """The pending list is deleted although one of its tasks did not move. Nothing names that task any more.

    A second run, the obvious thing to try after a 207, finds no list and says that it is not needed.
    """
    await load_old(centre, "good", "bad")
    await centre.load({"orchestrator:queue:bad": b'{"id":"bad", cut off'})
    status, first = await worker.post("/api/migrate/run")
    assert (status, first["totalMigrated"], first["totalFailed"]) == (207, 1, 1)

    await centre.load({"orchestrator:queue:bad": task("bad")})  # the operator mends it
    _, second = await worker.post("/api/migrate/run")
    assert second["message"] == NOT_NEEDED
    assert (await worker.get("/api/migrate/status"))[1]["needsMigration"] is False
    assert (await worker.get("/api/queue"))[1]["pending"] == ["good"]
    assert await centre.keys("orchestrator:") == ["orchestrator:queue:bad"]


async def test_h4_does_not_happen_when_every_task_failed(worker: Worker, centre: Centre, clock: MovableClock) -> None:
    await load_old(centre, "bad")
    await centre.load({"orchestrator:queue:bad": b"cut off"})
    await worker.post("/api/migrate/run")
    clock.advance(60_000)
    await centre.load({"orchestrator:queue:bad": task("bad")})
    assert (await worker.post("/api/migrate/run"))[1]["totalMigrated"] == 1


@pytest.mark.parametrize("step", [("get", "orchestrator:queue:b"), ("delete", PENDING)], ids=["early", "late"])
async def test_h5_a_task_enqueued_in_the_old_format_during_a_migration_is_lost(
    worker: Worker, watch: Watch, centre: Centre, clock: MovableClock, step: tuple[str, str]
) -> None:
    """The run walks the list it read at the start and deletes the list that is there at the end."""
    await load_old(centre, "a", "b")
    migrating = watch()
    migrating.before(*step, lambda: old_hub(worker.binding(), clock).send({"id": "late"}))
    status, answer = await worker.post("/api/migrate/run", at=migrating)
    assert (status, answer["tasks"]["migrated"], migrating.uninterrupted) == (200, 2, 0)
    assert await centre.keys("orchestrator:") == ["orchestrator:queue:late"]
    assert (await worker.get("/api/queue"))[1]["pending"] == ["a", "b"]
    assert (await worker.post("/api/migrate/run"))[1]["message"] == NOT_NEEDED


async def test_h5_a_migration_at_a_location_with_an_old_copy_of_the_list_loses_what_came_since(
    worker: Worker, centre: Centre, clock: MovableClock
) -> None:
    """Without any overlap: the status was asked for at Tokyo, and the run there uses the same copy of the list."""
    await load_old(centre, "a")
    await worker.get("/api/migrate/status", at="NRT")
    await old_hub(worker.binding("SJC"), clock).send({"id": "late"})
    clock.advance(30_000)
    _, answer = await worker.post("/api/migrate/run", at="NRT")
    assert (answer["success"], answer["tasks"]["migrated"]) == (True, 1)
    assert await centre.keys("orchestrator:") == ["orchestrator:queue:late"]


async def test_h7_a_rollback_after_a_migration_deletes_the_only_copy_of_every_task(
    worker: Worker, centre: Centre
) -> None:
    """The run deleted the old keys after verifying the new ones; the rollback deletes the new ones.

    Its note, "Old format keys remain intact if they still exist", is true: none exists.
    """
    await load_old(centre, "a", "b")
    await centre.load({"orchestrator:lease:a": lease("w")})
    await worker.post("/api/migrate/run")
    status, answer = await worker.post("/api/migrate/rollback")
    assert (status, answer["success"], answer["deleted"]) == (200, True, 3)
    assert await centre.contents() == {}


async def test_h7_a_rollback_deletes_tasks_that_never_were_in_the_old_format(worker: Worker, centre: Centre) -> None:
    await centre.load({"queue:task:new": task("new")})
    await worker.post("/api/migrate/rollback")
    assert await centre.contents() == {}


async def test_h8_without_a_pending_list_neither_leases_nor_tasks_are_migrated(
    worker: Worker, centre: Centre, clock: MovableClock
) -> None:
    """Only the pending list tells whether a migration is needed, and it lives for an hour after its last write."""
    await load_old(centre, "a")
    clock.advance(1_800_000)
    await centre.load({"orchestrator:queue:a": task("a"), "orchestrator:lease:a": lease("w")})
    clock.advance(1_800_000)
    _, status = await worker.get("/api/migrate/status")
    assert (status["needsMigration"], status["status"]["oldFormatExists"]) == (False, False)
    assert status["status"]["oldLeaseCount"] == 1
    assert (await worker.post("/api/migrate/run"))[1]["message"] == NOT_NEEDED
    assert await centre.keys() == ["orchestrator:lease:a", "orchestrator:queue:a"]


async def test_h8_a_lease_taken_after_the_migration_is_never_migrated(
    worker: Worker, old_worker: Worker, centre: Centre, clock: MovableClock
) -> None:
    """A daemon that still talks to the old Worker holds a lease that the new one does not see."""
    await load_old(centre, "a", "b")
    stale = "NRT"
    await old_worker.get("/api/queue", at=stale)
    await old_worker.get("/api/queue/a", at=stale)
    await worker.post("/api/migrate/run")
    clock.advance(1000)
    assert (await old_worker.post("/api/queue/claim", {"workerId": "old"}, at=stale))[1]["taskId"] == "a"
    assert (await worker.post("/api/migrate/run"))[1]["message"] == NOT_NEEDED
    assert (await worker.post("/api/queue/claim", {"workerId": "new"}))[1]["taskId"] == "a"


async def test_h8_a_task_missing_from_the_list_is_left_behind_in_silence(worker: Worker, centre: Centre) -> None:
    await load_old(centre, "listed")
    await centre.load({"orchestrator:queue:unlisted": task("unlisted")})
    status, answer = await worker.post("/api/migrate/run")
    assert (status, answer["success"], answer["totalFailed"]) == (200, True, 0)
    assert await centre.keys("orchestrator:") == ["orchestrator:queue:unlisted"]


async def test_h9_of_300_tasks_249_move_and_the_rest_fails(worker: Worker, watch: Watch, centre: Centre) -> None:
    """Four operations a task: the 1,000 of an invocation are spent in the middle of the 250th.

    That task is there twice, 50 are not moved, no lease is, and the pending list names tasks that have gone.
    """
    too_many = "Error: Too many API requests by single Worker invocation."
    task_ids = [f"t{number:03d}" for number in range(300)]
    await load_old(centre, *task_ids)
    await centre.load({"orchestrator:lease:t000": lease("w")})
    migrating = watch()
    status, answer = await worker.post("/api/migrate/run", at=migrating)
    assert (status, answer["success"], answer["message"]) == (207, False, "Migration completed with 51 failures")
    assert (answer["tasks"]["migrated"], answer["tasks"]["failed"]) == (249, 51)
    assert answer["tasks"]["errors"][0].startswith(f"Task t249: {too_many}")
    assert answer["tasks"]["errors"][-1].startswith(f"Fatal: {too_many}")
    assert answer["leases"] == {"migrated": 0, "failed": 0, "errors": [answer["tasks"]["errors"][-1]]}
    assert migrating.invocation.operations == 1000
    moved = [f"queue:task:{task_id}" for task_id in task_ids[:250]]
    left = [f"orchestrator:queue:{task_id}" for task_id in task_ids[249:]]
    assert await centre.keys() == ["orchestrator:lease:t000", PENDING, *left, *moved]


async def test_h9_a_second_run_moves_the_rest_and_reports_those_moved_before_as_failed(
    worker: Worker, centre: Centre, clock: MovableClock
) -> None:
    await load_old(centre, *[f"t{number:03d}" for number in range(300)])
    await worker.post("/api/migrate/run")
    clock.advance(1000)
    status, answer = await worker.post("/api/migrate/run")
    assert (status, answer["tasks"]["migrated"], answer["tasks"]["failed"]) == (207, 51, 249)
    assert len(await centre.keys("queue:task:")) == 300
    assert await centre.keys("orchestrator:") == []


@pytest.mark.parametrize(("count", "status"), [(249, 200), (250, 207)])
async def test_h9_begins_at_250_tasks(worker: Worker, centre: Centre, count: int, status: int) -> None:
    """Two reads of the pending list, four operations a task, its deletion and the list of leases: 4 n + 4."""
    await load_old(centre, *[f"t{number:03d}" for number in range(count)])
    assert (await worker.post("/api/migrate/run"))[0] == status
    assert len(await centre.keys("queue:task:")) == count


@pytest.mark.no_cover
@pytest.mark.slow
async def test_h9_from_about_a_thousand_tasks_on_no_run_ever_completes(
    worker: Worker, centre: Centre, clock: MovableClock
) -> None:
    """Each run looks up what the runs before it moved: the 1,000 operations go on looking, and nothing moves."""
    await load_old(centre, *[f"t{number:04d}" for number in range(1100)])
    moved: list[int] = []
    while 0 not in moved:
        status, answer = await worker.post("/api/migrate/run")
        assert (status, len(moved) < 30) == (207, True)
        moved.append(answer["tasks"]["migrated"])
        clock.advance(2000)
    assert moved[0] == 249
    assert moved == sorted(moved, reverse=True)
    assert 990 < sum(moved) < 1000
    assert PENDING in await centre.keys()
    assert len(await centre.keys("orchestrator:queue:")) == 1100 - sum(moved)


async def test_h16_a_pending_list_that_is_no_list_is_a_success_that_moved_no_task(
    worker: Worker, centre: Centre
) -> None:
    """`success: true`, 200, "Migration completed successfully", leases moved; whoever does not read `errors` goes on.

    The leases now keep the tasks off in a format in which there are no tasks.
    """
    await centre.load({PENDING: {"a": True}, "orchestrator:queue:a": task("a"), "orchestrator:lease:a": lease("w")})
    status, answer = await worker.post("/api/migrate/run")
    assert (status, answer["success"], answer["totalFailed"]) == (200, True, 0)
    assert answer["message"] == "Migration completed successfully"
    assert answer["errors"] == ["Fatal: TypeError: pending is not iterable"]
    assert await centre.keys() == [PENDING, "orchestrator:queue:a", "queue:lease:a"]
    assert (await worker.get("/api/queue"))[1]["pending"] == []


async def test_h19_a_rollback_drops_live_leases_and_a_task_that_is_worked_on_is_claimed_again(
    dual_worker: Worker, centre: Centre
) -> None:
    """The dual Worker leases old tasks in the new format: rolled back in an emergency, the task stays, its lease not.

    The first daemon works on, and hears of it only when its renewal is refused.
    """
    await load_old(centre, "a")
    assert (await dual_worker.post("/api/queue/claim", {"workerId": "at work"}))[1]["taskId"] == "a"
    assert (await dual_worker.post("/api/queue/claim", {"workerId": "other"}))[1]["success"] is False
    assert (await dual_worker.post("/api/migrate/rollback"))[1]["deleted"] == 1

    dual_worker.clock.advance(1000)
    assert (await dual_worker.post("/api/queue/claim", {"workerId": "other"}))[1]["taskId"] == "a"
    refused = (403, {"error": "Invalid lease or not holder"})
    assert await dual_worker.post("/api/queue/a/renew", {"workerId": "at work"}) == refused


async def test_h14_a_migrated_tasks_time_starts_anew(worker: Worker, centre: Centre, clock: MovableClock) -> None:
    """A task that nobody took for most of an hour, and would have gone in a minute, gets another hour."""
    await centre.load({"orchestrator:queue:a": task("a")}, ttl_s=3600)
    clock.advance(3_540_000)
    await centre.load({PENDING: ["a"]})
    assert await centre.lifetimes_s("orchestrator:queue:") == {"orchestrator:queue:a": 60}
    await worker.post("/api/migrate/run")
    assert await centre.lifetimes_s("queue:task:") == {"queue:task:a": 3600}


async def test_h14_a_lease_about_to_end_is_extended_to_a_minute(
    worker: Worker, centre: Centre, clock: MovableClock
) -> None:
    """KV takes no shorter life. The value still says when the lease really ends, and nobody reads that."""
    await load_old(centre, "a")
    await centre.load({"orchestrator:lease:a": lease("gone")}, ttl_s=300)
    clock.advance(299_000)
    await worker.post("/api/migrate/run")
    assert await centre.lifetimes_s("queue:lease:") == {"queue:lease:a": 60}
    clock.advance(59_000)
    assert (await worker.post("/api/queue/claim", {"workerId": "w"}))[1]["success"] is False
    clock.advance(1000)
    assert (await worker.post("/api/queue/claim", {"workerId": "w"}))[1]["taskId"] == "a"
