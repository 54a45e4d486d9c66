"""Listing and claiming in the new format, KV call by KV call."""

from collections.abc import Callable

import pytest

from tests.worker.deployed import Centre, Worker, lease, task
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio

Watch = Callable[..., WatchedBinding]

LIST = ("list", "queue:task:")
NOTHING_FREE = {"success": False, "message": "No tasks available or all tasks are leased", "pending": 0}


async def test_listing_is_one_list(worker: Worker, watch: Watch, centre: Centre) -> None:
    await centre.load({"queue:task:b": task("b"), "queue:task:a": task("a")})
    binding = watch()
    assert await worker.get("/api/queue", at=binding) == (200, {"pending": ["a", "b"], "count": 2})
    assert binding.calls == [LIST]


async def test_claiming_writes_the_lease_reads_it_back_and_then_reads_the_task(
    worker: Worker, watch: Watch, centre: Centre
) -> None:
    await centre.load({"queue:task:a": task("a"), "queue:task:b": task("b")})
    binding = watch()
    await worker.post("/api/queue/claim", {"workerId": "w", "leaseDurationSec": 120}, at=binding)
    assert binding.calls == [
        LIST,
        ("get", "queue:lease:a"),
        ("put", "queue:lease:a", 120),
        ("get", "queue:lease:a"),
        ("get", "queue:task:a"),
    ]


async def test_a_claim_answers_the_lease_that_it_wrote_not_the_one_it_read_back(
    worker: Worker, watch: Watch, centre: Centre
) -> None:
    """Two daemons of one name: the lease that lies in KV is the other's, and this one holds the task as well."""
    await centre.load({"queue:task:a": task("a")})
    binding = watch()

    async def its_namesake_claims() -> None:
        worker.clock.advance(1000)
        await worker.binding().put("queue:lease:a", '{"workerId":"w","claimNonce":"other"}', expiration_ttl=300)

    binding.before_nth(2, "get", "queue:lease:a", its_namesake_claims)
    _, answer = await worker.post("/api/queue/claim", {"workerId": "w"}, at=binding)
    assert answer["lease"] == lease("w")
    assert (await centre.value("queue:lease:a"))["claimNonce"] == "other"


async def test_a_leased_task_costs_one_get(worker: Worker, watch: Watch, centre: Centre) -> None:
    await centre.load({f"queue:task:{name}": task(name) for name in "abc"})
    await centre.load({"queue:lease:a": lease("other"), "queue:lease:b": lease("w")})
    binding = watch()
    status, answer = await worker.post("/api/queue/claim", {"workerId": "w"}, at=binding)
    assert (status, answer["taskId"]) == (200, "c")
    assert binding.calls == [
        LIST,
        ("get", "queue:lease:a"),
        ("get", "queue:lease:b"),
        ("get", "queue:lease:c"),
        ("put", "queue:lease:c", 300),
        ("get", "queue:lease:c"),
        ("get", "queue:task:c"),
    ]


async def test_a_lease_that_reads_back_as_another_workers_is_left_alone(
    worker: Worker, watch: Watch, centre: Centre
) -> None:
    await centre.load({"queue:task:a": task("a"), "queue:task:b": task("b")})
    binding = watch()

    async def another_claims() -> None:
        worker.clock.advance(1000)
        await worker.binding().put("queue:lease:a", '{"workerId":"other"}', expiration_ttl=300)

    binding.before_nth(2, "get", "queue:lease:a", another_claims)
    status, answer = await worker.post("/api/queue/claim", {"workerId": "w"}, at=binding)
    assert (status, answer["taskId"]) == (200, "b")
    assert binding.calls == [
        LIST,
        ("get", "queue:lease:a"),
        ("put", "queue:lease:a", 300),
        ("get", "queue:lease:a"),
        ("get", "queue:lease:b"),
        ("put", "queue:lease:b", 300),
        ("get", "queue:lease:b"),
        ("get", "queue:task:b"),
    ]
    assert (await centre.value("queue:lease:a"))["workerId"] == "other"


async def test_a_lease_that_reads_back_as_missing_is_not_mine(worker: Worker, watch: Watch, centre: Centre) -> None:
    await centre.load({"queue:task:a": task("a")})
    binding = watch()

    async def somebody_releases() -> None:
        await worker.binding().delete("queue:lease:a")

    binding.before_nth(2, "get", "queue:lease:a", somebody_releases)
    assert await worker.post("/api/queue/claim", {"workerId": "w"}, at=binding) == (200, NOTHING_FREE)
    assert binding.calls == [
        LIST,
        ("get", "queue:lease:a"),
        ("put", "queue:lease:a", 300),
        ("get", "queue:lease:a"),
    ]


async def test_the_lease_on_a_task_that_vanished_is_deleted_again(worker: Worker, watch: Watch, centre: Centre) -> None:
    await centre.load({"queue:task:a": task("a"), "queue:task:b": task("b")})
    binding = watch()

    async def the_task_goes() -> None:
        await worker.binding().delete("queue:task:a")

    binding.before("get", "queue:task:a", the_task_goes)
    status, answer = await worker.post("/api/queue/claim", {"workerId": "w"}, at=binding)
    assert (status, answer["taskId"]) == (200, "b")
    assert binding.calls[:6] == [
        LIST,
        ("get", "queue:lease:a"),
        ("put", "queue:lease:a", 300),
        ("get", "queue:lease:a"),
        ("get", "queue:task:a"),
        ("delete", "queue:lease:a"),
    ]
    assert binding.calls[6] == ("get", "queue:lease:b")
    assert await centre.keys("queue:lease:") == ["queue:lease:b"]


async def test_an_empty_queue_is_claimed_in_one_list(worker: Worker, watch: Watch) -> None:
    binding = watch()
    assert await worker.post("/api/queue/claim", {}, at=binding) == (200, NOTHING_FREE)
    assert binding.calls == [LIST]


async def test_when_every_task_is_leased_nothing_is_written_and_none_is_said_to_be_pending(
    worker: Worker, watch: Watch, centre: Centre
) -> None:
    await centre.load({"queue:task:a": task("a"), "queue:task:b": task("b")})
    await centre.load({"queue:lease:a": lease("x"), "queue:lease:b": lease("y")})
    binding = watch()
    assert await worker.post("/api/queue/claim", {"workerId": "w"}, at=binding) == (200, NOTHING_FREE)
    assert binding.calls == [LIST, ("get", "queue:lease:a"), ("get", "queue:lease:b")]


async def test_an_empty_lease_is_no_lease(worker: Worker, centre: Centre) -> None:
    await centre.load({"queue:task:a": task("a"), "queue:lease:a": b""})
    _, answer = await worker.post("/api/queue/claim", {"workerId": "w"})
    assert answer["success"] is True


@pytest.mark.parametrize("text", [b"{}", b"[]", b'"held"', b"1", b"null", b"0", b"false", b'""', b"not JSON", b" "])
async def test_a_lease_counts_by_its_text_whatever_that_says(worker: Worker, centre: Centre, text: bytes) -> None:
    await centre.load({"queue:task:a": task("a"), "queue:lease:a": text})
    assert await worker.post("/api/queue/claim", {"workerId": "w"}) == (200, NOTHING_FREE)
