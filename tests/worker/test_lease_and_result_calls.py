"""Release, renew, status, reading and results in the new format, KV call by KV call."""

from collections.abc import Callable

import pytest

from tests.worker.deployed import Centre, Worker, lease, task
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio

Watch = Callable[..., WatchedBinding]

GET_LEASE = ("get", "queue:lease:a")
GET_TASK = ("get", "queue:task:a")


@pytest.fixture
async def leased(centre: Centre) -> None:
    await centre.load({"queue:task:a": task("a"), "queue:lease:a": lease("w")}, ttl_s=300)


@pytest.mark.usefixtures("leased")
async def test_releasing_reads_the_lease_and_deletes_it(worker: Worker, watch: Watch) -> None:
    binding = watch()
    await worker.post("/api/queue/a/release", {"workerId": "w"}, at=binding)
    assert binding.calls == [GET_LEASE, ("delete", "queue:lease:a")]


async def test_releasing_what_nobody_holds_only_reads(worker: Worker, watch: Watch) -> None:
    binding = watch()
    await worker.post("/api/queue/a/release", {"workerId": "w"}, at=binding)
    assert binding.calls == [GET_LEASE]


@pytest.mark.usefixtures("leased")
async def test_a_stranger_who_releases_only_reads(worker: Worker, watch: Watch) -> None:
    binding = watch()
    await worker.post("/api/queue/a/release", {"workerId": "stranger"}, at=binding)
    assert binding.calls == [GET_LEASE]


@pytest.mark.usefixtures("leased")
async def test_renewing_reads_the_lease_and_writes_it_with_a_new_lifetime(worker: Worker, watch: Watch) -> None:
    binding = watch()
    await worker.post("/api/queue/a/renew", {"workerId": "w", "extendSec": 77}, at=binding)
    assert binding.calls == [GET_LEASE, ("put", "queue:lease:a", 77)]


@pytest.mark.usefixtures("leased")
async def test_a_stranger_who_renews_only_reads(worker: Worker, watch: Watch) -> None:
    binding = watch()
    await worker.post("/api/queue/a/renew", {"workerId": "stranger"}, at=binding)
    assert binding.calls == [GET_LEASE]


@pytest.mark.usefixtures("leased")
async def test_a_status_reads_the_task_and_writes_it_for_a_whole_hour(worker: Worker, watch: Watch) -> None:
    binding = watch()
    await worker.post("/api/queue/a/status", {"status": "claimed"}, at=binding)
    assert binding.calls == [GET_TASK, ("put", "queue:task:a", 3600)]


async def test_a_status_for_no_task_only_reads(worker: Worker, watch: Watch) -> None:
    binding = watch()
    await worker.post("/api/queue/a/status", {"status": "claimed"}, at=binding)
    assert binding.calls == [GET_TASK]


@pytest.mark.usefixtures("leased")
async def test_reading_a_task_is_one_get(worker: Worker, watch: Watch) -> None:
    binding = watch()
    await worker.get("/api/queue/a", at=binding)
    assert binding.calls == [GET_TASK]


@pytest.mark.usefixtures("leased")
async def test_a_result_is_stored_before_task_and_lease_are_deleted(
    worker: Worker, watch: Watch, centre: Centre
) -> None:
    binding = watch()
    await worker.post("/api/result/a", {"success": True}, at=binding)
    assert binding.calls == [
        ("put", "orchestrator:result:a", 3600),
        ("delete", "queue:task:a"),
        ("delete", "queue:lease:a"),
    ]
    assert await centre.lifetimes_s() == {"orchestrator:result:a": 3600}


async def test_a_result_for_no_task_makes_the_same_calls(worker: Worker, watch: Watch) -> None:
    binding = watch()
    assert await worker.post("/api/result/a", {"success": True}, at=binding) == (200, {"success": True})
    assert binding.calls == [
        ("put", "orchestrator:result:a", 3600),
        ("delete", "queue:task:a"),
        ("delete", "queue:lease:a"),
    ]


async def test_reading_a_result_is_one_get(worker: Worker, watch: Watch) -> None:
    binding = watch()
    await worker.get("/api/result/a", at=binding)
    assert binding.calls == [("get", "orchestrator:result:a")]
