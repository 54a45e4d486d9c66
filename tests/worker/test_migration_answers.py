"""What the migration's routes answer, status and body, and how they fail."""

from collections.abc import Callable

import pytest

from queue_emulator.core.clock import MovableClock
from tests.worker.deployed import Centre, Parsed, Worker, lease, task
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio

NONE = {"migrated": 0, "failed": 0, "errors": []}
NOT_NEEDED = {
    "success": True,
    "message": "Migration not needed - already using new format",
    "tasks": NONE,
    "leases": NONE,
}
NOTE = "Old format keys remain intact if they still exist"


async def test_the_status_of_an_empty_namespace(worker: Worker) -> None:
    counts = {
        "oldFormatExists": False,
        "newFormatExists": False,
        "oldTaskCount": 0,
        "newTaskCount": 0,
        "oldLeaseCount": 0,
        "newLeaseCount": 0,
    }
    assert await worker.get("/api/migrate/status") == (
        200,
        {"success": True, "status": counts, "needsMigration": False, "recommendation": "Already using new format"},
    )


async def test_the_status_counts_both_formats(worker: Worker, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": ["a", "b", "ghost"], "orchestrator:queue:a": task("a")})
    await centre.load({f"orchestrator:lease:{name}": lease("w") for name in "abcd"})
    await centre.load({f"queue:task:{name}": task(name) for name in "vwxyz"})
    await centre.load({"queue:lease:v": lease("w")})
    counts = {
        "oldFormatExists": True,
        "newFormatExists": True,
        "oldTaskCount": 3,
        "newTaskCount": 5,
        "oldLeaseCount": 4,
        "newLeaseCount": 1,
    }
    recommendation = "Run migration to move to new format"
    assert await worker.get("/api/migrate/status") == (
        200,
        {"success": True, "status": counts, "needsMigration": True, "recommendation": recommendation},
    )


async def test_an_empty_pending_list_is_an_old_format_that_exists(worker: Worker, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": []})
    _, answer = await worker.get("/api/migrate/status")
    assert (answer["status"]["oldFormatExists"], answer["status"]["oldTaskCount"]) == (True, 0)
    assert answer["needsMigration"] is True


async def test_a_run_of_everything_is_200(worker: Worker, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": ["a", "b"], "orchestrator:lease:a": lease("w")})
    await centre.load({"orchestrator:queue:a": task("a"), "orchestrator:queue:b": task("b")})
    assert await worker.post("/api/migrate/run") == (
        200,
        {
            "success": True,
            "message": "Migration completed successfully",
            "tasks": {"migrated": 2, "failed": 0, "errors": []},
            "leases": {"migrated": 1, "failed": 0, "errors": []},
            "totalMigrated": 3,
            "totalFailed": 0,
            "errors": [],
        },
    )
    assert await centre.contents() == {
        "queue:lease:a": lease("w"),
        "queue:task:a": task("a"),
        "queue:task:b": task("b"),
    }


async def test_a_run_with_a_failure_is_207_with_the_same_body(worker: Worker, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": ["ghost", "a"], "orchestrator:queue:a": task("a")})
    error = "Task ghost: not found in old queue"
    assert await worker.post("/api/migrate/run") == (
        207,
        {
            "success": False,
            "message": "Migration completed with 1 failures",
            "tasks": {"migrated": 1, "failed": 1, "errors": [error]},
            "leases": NONE,
            "totalMigrated": 1,
            "totalFailed": 1,
            "errors": [error],
        },
    )


async def test_a_failed_lease_makes_a_207_too(worker: Worker, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": [], "orchestrator:lease:a": b"?"})
    status, answer = await worker.post("/api/migrate/run")
    assert (status, answer["success"], answer["tasks"]) == (207, False, NONE)
    assert answer["leases"]["failed"] == answer["totalFailed"] == 1
    assert answer["errors"] == answer["leases"]["errors"]


async def test_a_run_with_nothing_to_do_has_no_totals(worker: Worker, centre: Centre) -> None:
    await centre.load({"queue:task:a": task("a")})
    assert await worker.post("/api/migrate/run") == (200, NOT_NEEDED)


async def test_a_second_run_finds_nothing_to_do(worker: Worker, centre: Centre, clock: MovableClock) -> None:
    await centre.load({"orchestrator:pending": ["a"], "orchestrator:queue:a": task("a")})
    await worker.post("/api/migrate/run")
    assert await worker.post("/api/migrate/run") == (200, NOT_NEEDED)


async def test_an_id_listed_twice_fails_the_second_time(worker: Worker, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": ["a", "a"], "orchestrator:queue:a": task("a")})
    status, answer = await worker.post("/api/migrate/run")
    assert (status, answer["tasks"]["migrated"]) == (207, 1)
    assert answer["errors"] == ["Task a: not found in old queue"]


@pytest.mark.parametrize(
    ("listed", "key"),
    [(7, "7"), (1.5, "1.5"), (None, "null"), (True, "true"), (["x", 1], "x,1"), ({}, "[object Object]")],
)
async def test_an_id_that_is_no_text_becomes_one_as_in_a_template_literal(
    worker: Worker, centre: Centre, listed: Parsed, key: str
) -> None:
    await centre.load({"orchestrator:pending": [listed, listed], f"orchestrator:queue:{key}": task(key)})
    _, answer = await worker.post("/api/migrate/run")
    assert await centre.contents() == {f"queue:task:{key}": task(key)}
    assert answer["errors"] == [f"Task {key}: not found in old queue"]


async def test_an_id_whose_keys_kv_refuses_fails_alone(worker: Worker, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": ["x" * 600, "a"], "orchestrator:queue:a": task("a")})
    status, answer = await worker.post("/api/migrate/run")
    assert (status, answer["tasks"]["migrated"]) == (207, 1)
    assert "414" in answer["errors"][0]


async def test_kv_metadata_of_a_task_is_not_carried_over(worker: Worker, centre: Centre) -> None:
    await worker.binding("LHR").put("orchestrator:queue:a", '{"id":"a"}', metadata={"importedFrom": "v1"})
    await centre.load({"orchestrator:pending": ["a"]})
    await worker.post("/api/migrate/run")
    assert (await worker.binding("FRA").get_with_metadata("queue:task:a")).metadata is None


@pytest.mark.parametrize("pending", [b'{"a":true}', b'"a"', b"5", b"true", b"not JSON", b""])
async def test_a_pending_list_that_cannot_be_read_is_500_for_status_and_run(
    worker: Worker, centre: Centre, pending: bytes
) -> None:
    await centre.load({"orchestrator:pending": pending, "orchestrator:queue:a": task("a")})
    before = await centre.contents()
    status = await worker.get("/api/migrate/status")
    run = await worker.post("/api/migrate/run")
    failure = {"success": False, "type": "internal_error"}
    assert status == (500, {**failure, "error": "Failed to get migration status"})
    assert run == (500, {**failure, "error": "Migration failed"})
    assert await centre.contents() == before
    assert [line.split(":")[0] for line in worker.console] == ["Failed to get migration status", "Migration failed"]


async def test_a_run_whose_pending_list_goes_meanwhile_moves_no_task(
    worker: Worker, centre: Centre, watch: Callable[..., WatchedBinding]
) -> None:
    await centre.load({"orchestrator:pending": ["a"], "orchestrator:queue:a": task("a")})
    binding = watch()
    binding.before_nth(2, "get", "orchestrator:pending", lambda: worker.binding().delete("orchestrator:pending"))
    status, answer = await worker.post("/api/migrate/run", at=binding)
    assert (status, answer["totalMigrated"]) == (200, 0)


async def test_rollback_deletes_every_new_key_and_no_other(worker: Worker, centre: Centre) -> None:
    await centre.load({"queue:task:a": task("a"), "queue:task:b": task("b"), "queue:lease:a": lease("w")})
    kept: Parsed = {"orchestrator:pending": ["a"], "orchestrator:result:z": {"success": True}, "queue:other": 1}
    await centre.load(kept)
    assert await worker.post("/api/migrate/rollback") == (
        200,
        {"success": True, "message": "Rollback complete - deleted 3 new format keys", "deleted": 3, "note": NOTE},
    )
    assert await centre.contents() == kept


async def test_rollback_of_nothing_deletes_nothing(worker: Worker) -> None:
    assert await worker.post("/api/migrate/rollback") == (
        200,
        {"success": True, "message": "Rollback complete - deleted 0 new format keys", "deleted": 0, "note": NOTE},
    )


async def test_a_rollback_that_runs_out_of_operations_is_500_and_half_done(worker: Worker, centre: Centre) -> None:
    await centre.load({f"queue:task:{number:04d}": task("x") for number in range(1000)})
    assert await worker.post("/api/migrate/rollback") == (
        500,
        {"success": False, "error": "Rollback failed", "type": "internal_error"},
    )
    assert await centre.keys() == ["queue:task:0998", "queue:task:0999"]
    assert worker.console[0].startswith("Rollback failed: Error: Too many API requests")


async def test_a_pending_list_that_is_null_is_no_pending_list(worker: Worker, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": None})
    status, answer = await worker.get("/api/migrate/status")
    assert (status, answer["needsMigration"]) == (200, False)
    status, answer = await worker.post("/api/migrate/run")
    assert (status, answer["message"]) == (200, "Migration not needed - already using new format")
