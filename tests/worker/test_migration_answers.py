"""What the migration's routes answer, status and body, and how they fail."""

import re
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


@pytest.mark.parametrize("pending", [b"not JSON", b"", b"[1,"])
async def test_the_status_over_a_pending_list_that_is_not_json_is_500(
    worker: Worker, centre: Centre, pending: bytes
) -> None:
    await centre.load({"orchestrator:pending": pending})
    assert await worker.get("/api/migrate/status") == (
        500,
        {"success": False, "error": "Failed to get migration status"},
    )
    assert worker.console[0].startswith("Failed to get migration status: SyntaxError: ")


@pytest.mark.parametrize(
    ("pending", "count"),
    [
        *((b"[]", 0), (b'["a","a"]', 2), (b'""', 0), (b'"ab"', 2), ('"a🚀"'.encode(), 3)),
        *((b"{}", 0), (b'{"a":true}', 0), (b'{"length":7}', 7), (b"5", 0), (b"0", 0), (b"true", 0), (b"false", 0)),
    ],
)
async def test_every_other_json_than_null_is_an_old_format_and_counts_by_its_length(
    worker: Worker, centre: Centre, pending: bytes, count: int
) -> None:
    await centre.load({"orchestrator:pending": pending})
    _, answer = await worker.get("/api/migrate/status")
    assert (answer["needsMigration"], answer["status"]["oldFormatExists"]) == (True, True)
    assert answer["status"]["oldTaskCount"] == count


@pytest.mark.parametrize(
    ("pending", "fatal"),
    [
        *((b"not JSON", "SyntaxError: Unexpected token .*"), (b"", "SyntaxError: Unexpected end of JSON input")),
        *((each, "TypeError: pending is not iterable") for each in (b'{"a":true}', b"5", b"true")),
    ],
)
async def test_a_pending_list_that_cannot_be_walked_ends_the_tasks_is_no_failure_and_the_leases_move(
    worker: Worker, centre: Centre, pending: bytes, fatal: str
) -> None:
    await centre.load({"orchestrator:pending": pending, "orchestrator:queue:a": task("a")})
    await centre.load({"orchestrator:lease:a": lease("w")})
    status, answer = await worker.post("/api/migrate/run")
    assert (status, answer["success"], answer["message"]) == (200, True, "Migration completed successfully")
    assert (answer["totalMigrated"], answer["totalFailed"]) == (1, 0)
    assert (answer["tasks"]["migrated"], answer["tasks"]["failed"], answer["leases"]) == (0, 0, {**NONE, "migrated": 1})
    assert answer["errors"] == answer["tasks"]["errors"]
    assert re.fullmatch(f"Fatal: {fatal}", answer["errors"][0])
    keys = ["orchestrator:pending", "orchestrator:queue:a", "queue:lease:a"]
    assert await centre.keys() == keys


@pytest.mark.parametrize("pending", [b"null", b"false", b"0", b'""'])
async def test_a_falsy_pending_list_exists_and_is_an_empty_one_to_a_run(
    worker: Worker, centre: Centre, pending: bytes
) -> None:
    await centre.load({"orchestrator:pending": pending, "orchestrator:lease:a": lease("w")})
    status, answer = await worker.post("/api/migrate/run")
    assert (status, answer["message"], answer["errors"]) == (200, "Migration completed successfully", [])
    assert (answer["tasks"], answer["leases"]) == (NONE, {**NONE, "migrated": 1})
    assert await centre.keys() == ["orchestrator:pending", "queue:lease:a"]


async def test_a_pending_list_that_is_a_text_is_its_characters(worker: Worker, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": "a🚀?", "orchestrator:queue:a": task("a")})
    await centre.load({"orchestrator:queue:🚀": task("🚀")})
    status, answer = await worker.post("/api/migrate/run")
    assert (status, answer["tasks"]["migrated"], answer["errors"]) == (207, 2, ["Task ?: not found in old queue"])
    assert await centre.keys() == ["queue:task:a", "queue:task:🚀"]


@pytest.mark.parametrize("empty", [b"null", b"0", b"false", b'""'])
async def test_an_old_task_that_is_falsy_is_not_found(worker: Worker, centre: Centre, empty: bytes) -> None:
    await centre.load({"orchestrator:pending": ["a"], "orchestrator:queue:a": empty})
    status, answer = await worker.post("/api/migrate/run")
    assert (status, answer["errors"]) == (207, ["Task a: not found in old queue"])
    assert "orchestrator:queue:a" in await centre.keys()


async def test_an_error_names_the_whole_old_key_of_a_lease(worker: Worker, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": [], "orchestrator:lease:a": b"{"})
    _, answer = await worker.post("/api/migrate/run")
    assert answer["errors"][0].startswith("Lease orchestrator:lease:a: SyntaxError: Expected property name")


async def test_a_run_is_500_only_when_its_first_look_at_the_pending_list_fails(worker: Worker, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": ["a"], "orchestrator:queue:a": task("a")})
    spent = worker.binding()
    assert spent.invocation.operations_max is not None
    spent.invocation.operations = spent.invocation.operations_max
    assert await worker.post("/api/migrate/run", at=spent) == (500, {"success": False, "error": "Migration failed"})
    assert worker.console[0].startswith("Migration failed: Error: Too many API requests")
    assert await centre.keys() == ["orchestrator:pending", "orchestrator:queue:a"]


async def test_the_second_look_at_the_pending_list_that_fails_ends_the_tasks_alone(
    worker: Worker, centre: Centre
) -> None:
    await centre.load({"orchestrator:pending": ["a"], "orchestrator:queue:a": task("a")})
    spent = worker.binding()
    assert spent.invocation.operations_max is not None
    spent.invocation.operations = spent.invocation.operations_max - 1
    status, answer = await worker.post("/api/migrate/run", at=spent)
    assert (status, answer["success"], answer["totalFailed"]) == (200, True, 0)
    assert [error[:30] for error in answer["errors"]] == ["Fatal: Error: Too many API req"] * 2
    assert answer["errors"] == answer["tasks"]["errors"] + answer["leases"]["errors"]


async def test_the_last_task_of_the_budget_leaves_the_list_undeleted_and_that_is_no_failure(
    worker: Worker, centre: Centre
) -> None:
    await centre.load({"orchestrator:pending": ["a"], "orchestrator:queue:a": task("a")})
    nearly_spent = worker.binding()
    assert nearly_spent.invocation.operations_max is not None
    nearly_spent.invocation.operations = nearly_spent.invocation.operations_max - 6
    status, answer = await worker.post("/api/migrate/run", at=nearly_spent)
    assert (status, answer["tasks"]["migrated"], answer["totalFailed"], len(answer["errors"])) == (200, 1, 0, 2)
    assert await centre.keys() == ["orchestrator:pending", "queue:task:a"]


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
        {"success": False, "error": "Rollback failed"},
    )
    assert await centre.keys() == ["queue:task:0998", "queue:task:0999"]
    assert worker.console[0].startswith("Rollback failed: Error: Too many API requests")


async def test_a_pending_list_that_is_null_is_none_to_the_status_and_one_to_a_run(
    worker: Worker, centre: Centre
) -> None:
    await centre.load({"orchestrator:pending": None})
    status, answer = await worker.get("/api/migrate/status")
    assert (status, answer["needsMigration"], answer["status"]["oldFormatExists"]) == (200, False, False)
    status, answer = await worker.post("/api/migrate/run")
    assert (status, answer["message"]) == (200, "Migration completed successfully")
    assert await centre.keys() == ["orchestrator:pending"]
