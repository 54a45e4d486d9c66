"""What a migration makes of each fixture file, key by key: what moved, unchanged, what stayed, and what comes after."""

import re
from dataclasses import dataclass

import pytest

from queue_emulator.core.bulk import parse_bulk
from queue_emulator.core.clock import MovableClock
from queue_emulator.core.javascript import Json
from queue_emulator.core.profiles import CLOUDFLARE, LOCAL
from queue_emulator.kv.service import KVService
from tests.conftest import FIXTURES
from tests.worker.deployed import Centre, Worker

pytestmark = pytest.mark.anyio

NEW = ("queue:task:", "queue:lease:")
OLD_TASK, OLD_LEASE, PENDING = "orchestrator:queue:", "orchestrator:lease:", "orchestrator:pending"


@dataclass(frozen=True)
class Outcome:
    """What a file's migration leaves behind in the old format, and the errors it reports, as patterns."""

    status: int
    tasks_left: tuple[str, ...] = ()
    leases_left: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


GHOST = "not found in old queue"
FATAL_OBJECT = "Fatal: TypeError: pending is not iterable"
OUTCOMES = {
    "basic": Outcome(200),
    "in-use": Outcome(200),
    "leased": Outcome(200),
    "orphans": Outcome(
        207,
        tasks_left=("unlisted-1", "unlisted-2"),
        errors=tuple(f"Task ghost-{number}: {GHOST}" for number in (1, 2, 3)),
    ),
    "corrupt": Outcome(
        207,
        tasks_left=("truncated", "plain-text", "empty", "not-text", "a-null"),
        leases_left=("healthy-3", "a-null"),
        errors=(
            "Task truncated: SyntaxError: Unterminated string in JSON.*",
            "Task plain-text: SyntaxError: Unexpected token.*",
            f"Task a-null: {GHOST}",
            "Task empty: SyntaxError: Unexpected end of JSON input",
            f"Task 404: {GHOST}",
            "Task not-text: SyntaxError: Unexpected token.*",
            "Lease orchestrator:lease:healthy-3: SyntaxError: Unexpected token.*",
        ),
    ),
}
every_file = pytest.mark.parametrize("name", OUTCOMES)


async def load(service: KVService, name: str) -> None:
    content = (FIXTURES / "old-format" / f"{name}.json").read_bytes()
    await service.load("seed", parse_bulk(content, service.clock.now_ms()).requests)


async def texts(worker: Worker, keys: list[str], look: str) -> dict[str, str]:
    """The values as they stand, seen from a location that has cached nothing."""
    return {key: await worker.binding(look).get(key) or "" for key in keys}


def under(prefix: str, keys: dict[str, Json], but: tuple[str, ...] = ()) -> set[str]:
    return {key.removeprefix(prefix) for key in keys if key.startswith(prefix)} - set(but)


@every_file
async def test_a_run_moves_all_it_can_and_leaves_the_rest_in_its_place(
    worker: Worker, service: KVService, centre: Centre, name: str
) -> None:
    await load(service, name)
    before, outcome = await centre.contents(), OUTCOMES[name]
    status, answer = await worker.post("/api/migrate/run")
    after = await centre.contents()

    tasks = under(OLD_TASK, before, outcome.tasks_left)
    leases = under(OLD_LEASE, before, outcome.leases_left)
    assert (status, answer["success"]) == (outcome.status, outcome.status == 200)
    assert (answer["tasks"]["migrated"], answer["leases"]["migrated"]) == (len(tasks), len(leases))
    assert after == {
        **{f"queue:task:{task_id}": before[OLD_TASK + task_id] for task_id in tasks},
        **{f"queue:lease:{task_id}": before[OLD_LEASE + task_id] for task_id in leases},
        **{OLD_TASK + task_id: before[OLD_TASK + task_id] for task_id in outcome.tasks_left},
        **{OLD_LEASE + task_id: before[OLD_LEASE + task_id] for task_id in outcome.leases_left},
        **{key: before[key] for key in before if not key.startswith((PENDING, OLD_TASK, OLD_LEASE))},
    }


@every_file
async def test_each_failure_is_named_with_its_reason(worker: Worker, service: KVService, name: str) -> None:
    await load(service, name)
    _, answer = await worker.post("/api/migrate/run")
    errors = OUTCOMES[name].errors
    assert len(answer["errors"]) == answer["totalFailed"] == len(errors)
    for pattern, error in zip(errors, answer["errors"], strict=True):
        assert re.fullmatch(pattern, error), error
    if errors:
        assert answer["message"] == f"Migration completed with {len(errors)} failures"


@every_file
async def test_what_moves_is_the_same_text_as_before(
    worker: Worker, service: KVService, centre: Centre, name: str
) -> None:
    await load(service, name)
    old = await texts(worker, await centre.keys("orchestrator:"), "LHR")
    await worker.post("/api/migrate/run")
    moved = await texts(worker, await centre.keys("queue:task:") + await centre.keys("queue:lease:"), "FRA")
    assert moved
    for key, text in moved.items():
        assert text == old[key.replace("queue:task:", OLD_TASK).replace("queue:lease:", OLD_LEASE)]


@every_file
async def test_leases_keep_their_time_and_tasks_get_a_whole_hour(
    worker: Worker, service: KVService, centre: Centre, clock: MovableClock, name: str
) -> None:
    await load(service, name)
    clock.advance(40_000)
    before = await centre.lifetimes_s(OLD_LEASE)
    await worker.post("/api/migrate/run")
    assert set((await centre.lifetimes_s("queue:task:")).values()) == {3600}
    for key, left_s in (await centre.lifetimes_s("queue:lease:")).items():
        assert left_s == before[key.replace("queue:lease:", OLD_LEASE)]


@every_file
async def test_a_second_run_says_that_there_is_nothing_to_do_and_does_nothing(
    worker: Worker, service: KVService, centre: Centre, name: str
) -> None:
    await load(service, name)
    await worker.post("/api/migrate/run")
    after = await centre.contents()
    status, answer = await worker.post("/api/migrate/run")
    assert (status, answer["message"]) == (200, "Migration not needed - already using new format")
    assert await centre.contents() == after


@every_file
async def test_the_status_before_and_after_counts_what_there_is(
    worker: Worker, service: KVService, centre: Centre, name: str
) -> None:
    await load(service, name)
    before = await centre.contents()
    status = (await worker.get("/api/migrate/status"))[1]["status"]
    leases = len(under(OLD_LEASE, before))
    assert (status["oldTaskCount"], status["oldLeaseCount"]) == (len(before[PENDING]), leases)
    assert (status["oldFormatExists"], status["newFormatExists"]) == (True, False)

    _, run = await worker.post("/api/migrate/run")
    _, after = await worker.get("/api/migrate/status")
    assert after["needsMigration"] is False
    assert after["status"] == {
        "oldFormatExists": False,
        "newFormatExists": True,
        "oldTaskCount": 0,
        "newTaskCount": run["tasks"]["migrated"],
        "oldLeaseCount": len(OUTCOMES[name].leases_left),
        "newLeaseCount": run["leases"]["migrated"],
    }


@every_file
async def test_a_rollback_deletes_what_was_migrated_and_restores_nothing(
    worker: Worker, service: KVService, centre: Centre, name: str
) -> None:
    await load(service, name)
    _, run = await worker.post("/api/migrate/run")
    left = {key: value for key, value in (await centre.contents()).items() if not key.startswith(NEW)}
    status, answer = await worker.post("/api/migrate/rollback")
    assert (status, answer["deleted"]) == (200, run["totalMigrated"])
    assert await centre.contents() == left


async def test_after_the_first_migration_the_first_free_task_is_claimed(worker: Worker, service: KVService) -> None:
    await load(service, "basic")
    await worker.post("/api/migrate/run")
    assert (await worker.get("/api/queue"))[1]["pending"] == ["task1", "task2", "task3", "task4", "task5"]
    assert (await worker.post("/api/queue/claim", {"workerId": "test-worker"}))[1]["taskId"] == "task2"


async def test_a_pending_list_that_is_no_list_moves_leases_alone_and_is_a_success(
    worker: Worker, service: KVService, centre: Centre
) -> None:
    await load(service, "corrupt-pending")
    before = await centre.contents()
    status, answer = await worker.post("/api/migrate/run")
    assert (status, answer["success"], answer["totalFailed"]) == (200, True, 0)
    assert answer["tasks"] == {"migrated": 0, "failed": 0, "errors": [FATAL_OBJECT]}
    assert answer["leases"] == {"migrated": 1, "failed": 0, "errors": []}
    lease = before.pop(f"{OLD_LEASE}task2")
    assert await centre.contents() == {**before, "queue:lease:task2": lease}

    status, answer = await worker.post("/api/migrate/run")
    assert (status, answer["totalMigrated"], answer["errors"]) == (200, 0, [FATAL_OBJECT])
    _, answer = await worker.get("/api/migrate/status")
    assert (answer["needsMigration"], answer["status"]["oldTaskCount"]) == (True, 0)


@pytest.mark.no_cover
@pytest.mark.slow
@pytest.mark.parametrize("profile", [LOCAL], ids=["local"])
async def test_without_limits_1200_tasks_move_in_one_run_and_1000_are_listed(
    worker: Worker, service: KVService, centre: Centre
) -> None:
    await load(service, "thousand")
    before = await centre.contents(OLD_TASK)
    status, answer = await worker.post("/api/migrate/run")
    assert (status, answer["tasks"]["migrated"], answer["totalFailed"]) == (200, 1200, 0)
    assert await centre.contents() == {key.replace(OLD_TASK, "queue:task:"): task for key, task in before.items()}
    assert (await worker.get("/api/queue"))[1]["count"] == 1000
    assert (await worker.get("/api/migrate/status"))[1]["status"]["newTaskCount"] == 1000
    assert (await worker.post("/api/migrate/run"))[1]["message"].startswith("Migration not needed")
    assert (await worker.post("/api/migrate/rollback"))[1]["deleted"] == 1000
    assert len(await centre.keys("queue:task:")) == 200


@pytest.mark.slow
@pytest.mark.parametrize("profile", [CLOUDFLARE], ids=["cloudflare"])
async def test_with_productions_limits_a_run_of_1200_tasks_moves_249_and_fails_951(
    worker: Worker, service: KVService, centre: Centre
) -> None:
    await load(service, "thousand")
    status, answer = await worker.post("/api/migrate/run")
    assert (status, answer["success"]) == (207, False)
    assert (answer["tasks"]["migrated"], answer["tasks"]["failed"]) == (249, 951)
    assert answer["leases"]["errors"] == [answer["tasks"]["errors"][-1]]
    assert answer["errors"][-1].startswith("Fatal: Error: Too many API requests")
    assert len(await centre.keys(OLD_TASK)) == 1200 - 249
    assert len(await centre.keys("queue:task:")) == 250
    assert PENDING in await centre.keys()
