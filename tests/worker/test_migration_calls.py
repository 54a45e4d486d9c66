"""Migration status, run and rollback, KV call by KV call."""

from collections.abc import Callable

import pytest

from tests.worker.deployed import Centre, Worker, lease, task
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio

Watch = Callable[..., WatchedBinding]

GET_PENDING = ("get", "orchestrator:pending")
DELETE_PENDING = ("delete", "orchestrator:pending")
LIST_OLD_LEASES = ("list", "orchestrator:lease:")
LIST_NEW_TASKS = ("list", "queue:task:")
LIST_NEW_LEASES = ("list", "queue:lease:")
NEEDED_AND_WHICH = [GET_PENDING, GET_PENDING]  # `needsMigration`, then the run itself


def moved(name: str) -> list[tuple[str | int, ...]]:
    return [
        ("get", f"orchestrator:queue:{name}"),
        ("put", f"queue:task:{name}", 3600),
        ("get", f"queue:task:{name}"),
        ("delete", f"orchestrator:queue:{name}"),
    ]


def moved_lease(name: str, ttl_s: int) -> list[tuple[str | int, ...]]:
    return [
        ("get", f"orchestrator:lease:{name}"),
        ("put", f"queue:lease:{name}", ttl_s),
        ("get", f"queue:lease:{name}"),
        ("delete", f"orchestrator:lease:{name}"),
    ]


async def test_status_reads_the_pending_list_and_lists_three_prefixes(worker: Worker, watch: Watch) -> None:
    binding = watch()
    await worker.get("/api/migrate/status", at=binding)
    assert binding.calls == [GET_PENDING, LIST_NEW_TASKS, LIST_OLD_LEASES, LIST_NEW_LEASES]


async def test_without_a_pending_list_a_run_is_one_get(worker: Worker, watch: Watch) -> None:
    binding = watch()
    await worker.post("/api/migrate/run", at=binding)
    assert binding.calls == [GET_PENDING]


async def test_each_task_is_read_written_verified_and_deleted_in_the_lists_order(
    worker: Worker, watch: Watch, centre: Centre
) -> None:
    await centre.load({"orchestrator:pending": ["b", "a"]})
    await centre.load({"orchestrator:queue:a": task("a"), "orchestrator:queue:b": task("b")})
    binding = watch()
    await worker.post("/api/migrate/run", at=binding)
    assert binding.calls == [*NEEDED_AND_WHICH, *moved("b"), *moved("a"), DELETE_PENDING, LIST_OLD_LEASES]


async def test_a_task_that_is_not_there_costs_one_get(worker: Worker, watch: Watch, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": ["ghost", "a"], "orchestrator:queue:a": task("a")})
    binding = watch()
    await worker.post("/api/migrate/run", at=binding)
    assert binding.calls == [
        *NEEDED_AND_WHICH,
        ("get", "orchestrator:queue:ghost"),
        *moved("a"),
        DELETE_PENDING,
        LIST_OLD_LEASES,
    ]


@pytest.mark.parametrize("pending", [[], ["ghost"]])
async def test_the_pending_list_stays_when_no_task_migrated(
    worker: Worker, watch: Watch, centre: Centre, pending: list[str]
) -> None:
    await centre.load({"orchestrator:pending": pending})
    binding = watch()
    await worker.post("/api/migrate/run", at=binding)
    assert DELETE_PENDING not in binding.calls
    assert await centre.contents() == {"orchestrator:pending": pending}


async def test_the_old_task_is_kept_when_the_new_one_cannot_be_read_back(
    worker: Worker, watch: Watch, centre: Centre
) -> None:
    await centre.load({"orchestrator:pending": ["a"], "orchestrator:queue:a": task("a")})
    binding = watch()

    async def the_new_task_goes() -> None:
        await worker.binding().delete("queue:task:a")

    binding.before("get", "queue:task:a", the_new_task_goes)
    status, answer = await worker.post("/api/migrate/run", at=binding)
    assert (status, answer["tasks"]["failed"]) == (207, 1)
    assert answer["errors"] == ["Task a: Error: Failed to verify new key write"]
    assert binding.calls == [*NEEDED_AND_WHICH, *moved("a")[:3], LIST_OLD_LEASES]
    assert await centre.value("orchestrator:queue:a") == task("a")


async def test_the_old_lease_is_kept_when_the_new_one_reads_back_empty(
    worker: Worker, watch: Watch, centre: Centre
) -> None:
    await centre.load({"orchestrator:pending": [], "orchestrator:lease:a": lease("w")})
    binding = watch()

    async def the_new_lease_is_emptied() -> None:
        worker.clock.advance(1000)
        await worker.binding().put("queue:lease:a", "", expiration_ttl=300)

    binding.before("get", "queue:lease:a", the_new_lease_is_emptied)
    _, answer = await worker.post("/api/migrate/run", at=binding)
    assert answer["errors"] == ["Lease orchestrator:lease:a: Error: Failed to verify new lease key write"]
    assert await centre.value("orchestrator:lease:a") == lease("w")


async def test_each_lease_is_read_written_for_what_is_left_of_it_verified_and_deleted(
    worker: Worker, watch: Watch, centre: Centre
) -> None:
    await centre.load({"orchestrator:pending": []})
    await centre.load({"orchestrator:lease:b": lease("w")}, ttl_s=500)
    await centre.load({"orchestrator:lease:a": lease("v")}, ttl_s=61)
    binding = watch()
    await worker.post("/api/migrate/run", at=binding)
    assert binding.calls == [*NEEDED_AND_WHICH, LIST_OLD_LEASES, *moved_lease("a", 61), *moved_lease("b", 500)]
    assert await centre.contents("queue:lease:") == {"queue:lease:a": lease("v"), "queue:lease:b": lease("w")}


@pytest.mark.parametrize(("left_s", "ttl_s"), [(None, 300), (1, 60), (59, 60), (60, 60), (599, 599), (86_400, 86_400)])
async def test_a_lease_lives_on_for_what_it_had_left_but_60_s_at_least_and_300_s_if_it_had_no_end(
    worker: Worker, centre: Centre, left_s: int | None, ttl_s: int
) -> None:
    await centre.load({"orchestrator:pending": []})
    await centre.load({"orchestrator:lease:a": lease("w")}, ttl_s=left_s)
    await worker.post("/api/migrate/run")
    assert await centre.lifetimes_s("queue:lease:") == {"queue:lease:a": ttl_s}


@pytest.mark.parametrize("empty", [b"null", b'""', b"0", b"false"])
async def test_an_empty_lease_is_skipped_neither_migrated_nor_failed(
    worker: Worker, watch: Watch, centre: Centre, empty: bytes
) -> None:
    await centre.load({"orchestrator:pending": [], "orchestrator:lease:a": empty})
    binding = watch()
    status, answer = await worker.post("/api/migrate/run", at=binding)
    assert (status, answer["leases"]) == (200, {"migrated": 0, "failed": 0, "errors": []})
    assert binding.calls == [*NEEDED_AND_WHICH, LIST_OLD_LEASES, ("get", "orchestrator:lease:a")]
    assert "orchestrator:lease:a" in await centre.keys()


async def test_a_lease_gone_since_the_list_is_skipped(worker: Worker, watch: Watch, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": [], "orchestrator:lease:a": lease("w")})
    binding = watch()

    async def the_lease_goes() -> None:
        await worker.binding().delete("orchestrator:lease:a")

    binding.before("get", "orchestrator:lease:a", the_lease_goes)
    status, answer = await worker.post("/api/migrate/run", at=binding)
    assert (status, answer["totalMigrated"], answer["totalFailed"]) == (200, 0, 0)
    assert binding.calls == [*NEEDED_AND_WHICH, LIST_OLD_LEASES, ("get", "orchestrator:lease:a")]


async def test_an_item_that_cannot_be_read_does_not_stop_the_rest(worker: Worker, watch: Watch, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": ["bad", "a"]})
    await centre.load({"orchestrator:queue:bad": b"{", "orchestrator:queue:a": task("a")})
    await centre.load({"orchestrator:lease:a": b"{", "orchestrator:lease:b": lease("w")})
    binding = watch()
    status, answer = await worker.post("/api/migrate/run", at=binding)
    assert (status, answer["totalMigrated"], answer["totalFailed"]) == (207, 2, 2)
    assert binding.calls == [
        *NEEDED_AND_WHICH,
        ("get", "orchestrator:queue:bad"),
        *moved("a"),
        DELETE_PENDING,
        LIST_OLD_LEASES,
        ("get", "orchestrator:lease:a"),
        *moved_lease("b", 3600),
    ]


async def test_rollback_lists_both_prefixes_and_deletes_key_by_key(
    worker: Worker, watch: Watch, centre: Centre
) -> None:
    await centre.load({"queue:task:b": task("b"), "queue:task:a": task("a"), "queue:lease:a": lease("w")})
    binding = watch()
    await worker.post("/api/migrate/rollback", at=binding)
    assert binding.calls == [
        LIST_NEW_TASKS,
        LIST_NEW_LEASES,
        ("delete", "queue:task:a"),
        ("delete", "queue:task:b"),
        ("delete", "queue:lease:a"),
    ]


async def test_rollback_of_nothing_is_two_lists(worker: Worker, watch: Watch) -> None:
    binding = watch()
    await worker.post("/api/migrate/rollback", at=binding)
    assert binding.calls == [LIST_NEW_TASKS, LIST_NEW_LEASES]
