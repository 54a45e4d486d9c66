"""The old Worker's queue routes, KV call by KV call: the same algorithms over the pending list and the old keys."""

from collections.abc import Callable

import pytest

from queue_emulator.core.errors import KVTypeError
from tests.worker.deployed import Centre, Worker, lease, task
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio

Watch = Callable[..., WatchedBinding]

GET_PENDING = ("get", "orchestrator:pending")
GET_LEASE = ("get", "orchestrator:lease:a")
GET_TASK = ("get", "orchestrator:queue:a")


@pytest.fixture
async def two_tasks(centre: Centre) -> None:
    await centre.load({"orchestrator:pending": ["b", "a"]})
    await centre.load({"orchestrator:queue:a": task("a"), "orchestrator:queue:b": task("b")})


@pytest.fixture
async def a_leased(centre: Centre) -> None:
    await centre.load({"orchestrator:lease:a": lease("w")}, ttl_s=300)


@pytest.mark.usefixtures("two_tasks")
async def test_listing_is_one_get_of_the_pending_list_in_its_own_order(old_worker: Worker, watch: Watch) -> None:
    binding = watch()
    assert await old_worker.get("/api/queue", at=binding) == (200, {"pending": ["b", "a"], "count": 2})
    assert binding.calls == [GET_PENDING]


async def test_without_a_pending_list_nothing_is_pending(old_worker: Worker, watch: Watch) -> None:
    binding = watch()
    assert await old_worker.get("/api/queue", at=binding) == (200, {"pending": [], "count": 0})
    assert (await old_worker.post("/api/queue/claim", {}, at=binding))[1]["success"] is False
    assert binding.calls == [GET_PENDING, GET_PENDING]


async def test_the_old_list_shows_more_than_a_thousand_tasks(old_worker: Worker, centre: Centre) -> None:
    pending = [f"t{number}" for number in range(1500)]
    await centre.load({"orchestrator:pending": pending})
    assert await old_worker.get("/api/queue") == (200, {"pending": pending, "count": 1500})


@pytest.mark.usefixtures("two_tasks")
async def test_claiming_walks_the_pending_list_in_order(old_worker: Worker, watch: Watch) -> None:
    binding = watch()
    status, answer = await old_worker.post("/api/queue/claim", {"workerId": "w"}, at=binding)
    assert (status, answer["taskId"], answer["task"]) == (200, "b", task("b"))
    assert binding.calls == [
        GET_PENDING,
        ("get", "orchestrator:lease:b"),
        ("put", "orchestrator:lease:b", 300),
        ("get", "orchestrator:lease:b"),
        ("get", "orchestrator:queue:b"),
    ]


async def test_the_lease_on_an_id_without_a_task_is_deleted_again(
    old_worker: Worker, watch: Watch, centre: Centre
) -> None:
    await centre.load({"orchestrator:pending": ["ghost", "a"], "orchestrator:queue:a": task("a")})
    binding = watch()
    _, answer = await old_worker.post("/api/queue/claim", {"workerId": "w"}, at=binding)
    assert answer["taskId"] == "a"
    assert binding.calls[:6] == [
        GET_PENDING,
        ("get", "orchestrator:lease:ghost"),
        ("put", "orchestrator:lease:ghost", 300),
        ("get", "orchestrator:lease:ghost"),
        ("get", "orchestrator:queue:ghost"),
        ("delete", "orchestrator:lease:ghost"),
    ]


async def test_an_id_that_is_a_number_is_claimed_under_its_text(old_worker: Worker, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": [7], "orchestrator:queue:7": task("7")})
    _, answer = await old_worker.post("/api/queue/claim", {"workerId": "w"})
    assert answer["taskId"] == "7"
    assert await centre.keys("orchestrator:lease:") == ["orchestrator:lease:7"]


@pytest.mark.usefixtures("a_leased")
async def test_releasing_and_renewing_use_the_old_lease(old_worker: Worker, watch: Watch) -> None:
    renewing, releasing = watch(), watch()
    await old_worker.post("/api/queue/a/renew", {"workerId": "w", "extendSec": 90}, at=renewing)
    await old_worker.post("/api/queue/a/release", {"workerId": "w"}, at=releasing)
    assert renewing.calls == [GET_LEASE, ("put", "orchestrator:lease:a", 90)]
    assert releasing.calls == [GET_LEASE, ("delete", "orchestrator:lease:a")]


@pytest.mark.usefixtures("two_tasks")
async def test_reading_a_task_and_setting_its_status_use_the_old_task(old_worker: Worker, watch: Watch) -> None:
    reading, setting = watch(), watch()
    assert await old_worker.get("/api/queue/a", at=reading) == (200, task("a"))
    await old_worker.post("/api/queue/a/status", {"status": "claimed"}, at=setting)
    assert reading.calls == [GET_TASK]
    assert setting.calls == [GET_TASK, ("put", "orchestrator:queue:a", 3600)]


@pytest.mark.usefixtures("two_tasks")
async def test_a_result_rewrites_the_pending_list_and_deletes_the_task(
    old_worker: Worker, watch: Watch, centre: Centre
) -> None:
    binding = watch()
    await old_worker.post("/api/result/a", {"success": True}, at=binding)
    assert binding.calls == [
        ("put", "orchestrator:result:a", 3600),
        GET_PENDING,
        ("put", "orchestrator:pending", 3600),
        ("delete", "orchestrator:queue:a"),
    ]
    assert await centre.contents() == {
        "orchestrator:pending": ["b"],
        "orchestrator:queue:b": task("b"),
        "orchestrator:result:a": {"success": True},
    }


@pytest.mark.parametrize(
    ("pending", "named"),
    [(b"{}", "an object"), (b'"a,b"', "a string"), (b"true", "a boolean"), (b"3", "a number")],
)
async def test_a_pending_list_of_another_type_escapes_as_a_type_error(
    old_worker: Worker, centre: Centre, pending: bytes, named: str
) -> None:
    await centre.load({"orchestrator:pending": pending})
    with pytest.raises(KVTypeError, match=f"orchestrator:pending holds {named}, not a list of ids"):
        await old_worker.get("/api/queue")


@pytest.mark.parametrize("path", ["/api/migrate/status", "/api/migrate/run", "/api/migrate/rollback"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_old_worker_has_no_migration(old_worker: Worker, watch: Watch, method: str, path: str) -> None:
    binding = watch()
    answer = await old_worker.send(method, path, b"", key=b"the-admin-key", at=binding)
    assert (answer.status, answer.content) == (404, b"Not found")
    assert binding.calls == []
