"""The Worker with both formats, KV call by KV call: reads new, then old; writes new; a result ends both."""

from collections.abc import Callable

import pytest

from queue_emulator.worker.dual import queue_format
from tests.worker.deployed import Centre, Worker, lease, task
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio

Watch = Callable[..., WatchedBinding]

BOTH_LISTS = [("list", "queue:task:"), ("get", "orchestrator:pending")]


async def test_listing_is_the_union_new_first_and_each_id_once(
    dual_worker: Worker, watch: Watch, centre: Centre
) -> None:
    await centre.load({"queue:task:n": task("n"), "queue:task:both": task("both"), "queue:task:7": task("7")})
    await centre.load({"orchestrator:pending": ["z", "both", "a", 7]})
    binding = watch()
    status, answer = await dual_worker.get("/api/queue", at=binding)
    assert (status, answer) == (200, {"pending": ["7", "both", "n", "z", "a"], "count": 5})
    assert binding.calls == BOTH_LISTS


async def test_a_task_is_looked_for_in_the_new_format_first(dual_worker: Worker, watch: Watch, centre: Centre) -> None:
    await centre.load({"queue:task:a": task("a", content="new"), "orchestrator:queue:a": task("a", content="old")})
    binding = watch()
    assert await dual_worker.get("/api/queue/a", at=binding) == (200, task("a", content="new"))
    assert binding.calls == [("get", "queue:task:a")]


async def test_a_task_that_is_not_in_the_new_format_is_looked_for_in_the_old(
    dual_worker: Worker, watch: Watch, centre: Centre
) -> None:
    await centre.load({"orchestrator:queue:a": task("a")})
    found, missed = watch(), watch()
    assert await dual_worker.get("/api/queue/a", at=found) == (200, task("a"))
    assert await dual_worker.get("/api/queue/b", at=missed) == (404, {"error": "Task not found"})
    assert found.calls == [("get", "queue:task:a"), ("get", "orchestrator:queue:a")]
    assert missed.calls == [("get", "queue:task:b"), ("get", "orchestrator:queue:b")]


async def test_claiming_an_old_task_writes_a_new_lease(dual_worker: Worker, watch: Watch, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": ["a"], "orchestrator:queue:a": task("a")})
    binding = watch()
    status, answer = await dual_worker.post("/api/queue/claim", {"workerId": "w"}, at=binding)
    assert (status, answer["taskId"], answer["task"]) == (200, "a", task("a"))
    assert binding.calls == [
        *BOTH_LISTS,
        ("get", "queue:lease:a"),
        ("get", "orchestrator:lease:a"),
        ("put", "queue:lease:a", 300),
        ("get", "queue:lease:a"),
        ("get", "queue:task:a"),
        ("get", "orchestrator:queue:a"),
    ]


@pytest.mark.parametrize("lease_key", ["queue:lease:a", "orchestrator:lease:a"])
async def test_a_lease_of_either_format_keeps_workers_off(dual_worker: Worker, centre: Centre, lease_key: str) -> None:
    await centre.load({"queue:task:a": task("a"), lease_key: lease("other")})
    _, answer = await dual_worker.post("/api/queue/claim", {"workerId": "w"})
    assert answer["success"] is False


async def test_a_vanished_task_loses_its_leases_in_both_formats(
    dual_worker: Worker, watch: Watch, centre: Centre
) -> None:
    await centre.load({"orchestrator:pending": ["ghost"]})
    binding = watch()
    await dual_worker.post("/api/queue/claim", {"workerId": "w"}, at=binding)
    assert binding.calls[-2:] == [("delete", "queue:lease:ghost"), ("delete", "orchestrator:lease:ghost")]
    assert await centre.keys("queue:") == []


async def test_renewing_an_old_lease_writes_a_new_one(dual_worker: Worker, watch: Watch, centre: Centre) -> None:
    await centre.load({"orchestrator:lease:a": lease("w")})
    binding = watch()
    status, answer = await dual_worker.post("/api/queue/a/renew", {"workerId": "w", "extendSec": 90}, at=binding)
    assert status == 200
    assert binding.calls == [
        ("get", "queue:lease:a"),
        ("get", "orchestrator:lease:a"),
        ("put", "queue:lease:a", 90),
    ]
    assert await centre.contents() == {"orchestrator:lease:a": lease("w"), "queue:lease:a": answer["lease"]}


async def test_releasing_ends_the_leases_of_both_formats(dual_worker: Worker, watch: Watch, centre: Centre) -> None:
    await centre.load({"orchestrator:lease:a": lease("w"), "queue:lease:a": lease("w")})
    binding = watch()
    await dual_worker.post("/api/queue/a/release", {"workerId": "w"}, at=binding)
    assert binding.calls == [
        ("get", "queue:lease:a"),
        ("delete", "queue:lease:a"),
        ("delete", "orchestrator:lease:a"),
    ]
    assert await centre.contents() == {}


async def test_the_status_of_an_old_task_is_written_in_the_new_format(
    dual_worker: Worker, watch: Watch, centre: Centre
) -> None:
    await centre.load({"orchestrator:queue:a": task("a")})
    binding = watch()
    await dual_worker.post("/api/queue/a/status", {"status": "claimed"}, at=binding)
    assert binding.calls == [
        ("get", "queue:task:a"),
        ("get", "orchestrator:queue:a"),
        ("put", "queue:task:a", 3600),
    ]
    written = await centre.contents()
    assert written["orchestrator:queue:a"] == task("a")
    assert written["queue:task:a"] == task("a", status="claimed", updatedAt="2026-11-23T12:00:00.000Z")


async def test_a_result_ends_the_task_in_both_formats(dual_worker: Worker, watch: Watch, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": ["b", "a"]})
    await centre.load({"orchestrator:queue:a": task("a"), "queue:task:a": task("a")})
    await centre.load({"orchestrator:lease:a": lease("w"), "queue:lease:a": lease("w")})
    binding = watch()
    assert await dual_worker.post("/api/result/a", {"success": True}, at=binding) == (200, {"success": True})
    assert binding.calls[0] == ("put", "orchestrator:result:a", 3600)
    assert {call for call in binding.calls if call[0] == "delete"} == {
        ("delete", "queue:task:a"),
        ("delete", "queue:lease:a"),
        ("delete", "orchestrator:queue:a"),
        ("delete", "orchestrator:lease:a"),
    }
    assert await centre.contents() == {
        "orchestrator:pending": ["b"],
        "orchestrator:result:a": {"success": True},
    }


async def test_enqueueing_writes_the_new_format_only(dual_worker: Worker, watch: Watch, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": ["b"]})
    binding = watch()
    await queue_format(dual_worker.version, binding).enqueue("a", task("a"))
    assert binding.calls == [("put", "queue:task:a", 3600)]
    assert await dual_worker.get("/api/queue") == (200, {"pending": ["a", "b"], "count": 2})


async def test_a_result_does_not_bring_the_pending_list_back(dual_worker: Worker, watch: Watch, centre: Centre) -> None:
    await centre.load({"queue:task:a": task("a"), "queue:task:b": task("b")})
    first, second = watch(), watch()
    assert (await dual_worker.post("/api/result/a", {"success": True}, at=first))[0] == 200
    assert (await dual_worker.post("/api/result/b", {"success": True}, at=second))[0] == 200
    assert await centre.keys("orchestrator:pending") == []
    assert [call for call in first.calls if call[1] == "orchestrator:pending"] == [("get", "orchestrator:pending")]


async def test_a_result_takes_its_task_off_the_pending_list(dual_worker: Worker, centre: Centre) -> None:
    await centre.load({"orchestrator:pending": ["a", "b"], "orchestrator:queue:a": task("a")})
    assert (await dual_worker.post("/api/result/a", {"success": True}))[0] == 200
    assert await centre.value("orchestrator:pending") == ["b"]
