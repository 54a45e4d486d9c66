"""CommHub in the new and in the old format, KV call by KV call."""

from collections.abc import Callable

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import KVTypeError
from queue_emulator.worker.commhub import CommHub
from queue_emulator.worker.formats import NewFormat
from queue_emulator.worker.legacy import OldFormat
from tests.worker.deployed import Centre, Parsed, Worker, lease, task
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio

REQUEST: dict[str, Parsed] = {"id": "a", "type": "query", "content": "Is it done?", "unknown": [1, {"kept": True}]}
WRITTEN = {**REQUEST, "queuedAt": "2026-11-23T12:00:00.000Z", "status": "pending"}
GET_PENDING = ("get", "orchestrator:pending")
PUT_PENDING = ("put", "orchestrator:pending", 3600)


@pytest.fixture
def binding(watch: Callable[..., WatchedBinding]) -> WatchedBinding:
    return watch()


@pytest.fixture
def new(binding: WatchedBinding, clock: MovableClock) -> CommHub:
    return CommHub(NewFormat(binding), clock)


@pytest.fixture
def old(binding: WatchedBinding, clock: MovableClock) -> CommHub:
    return CommHub(OldFormat(binding), clock)


async def test_new_enqueueing_is_one_put(new: CommHub, binding: WatchedBinding, centre: Centre) -> None:
    assert await new.send(dict(REQUEST)) == WRITTEN
    assert binding.calls == [("put", "queue:task:a", 3600)]
    assert await centre.contents() == {"queue:task:a": WRITTEN}


async def test_a_request_cannot_choose_its_own_time_or_status(new: CommHub, centre: Centre) -> None:
    await new.send({**REQUEST, "queuedAt": "yesterday", "status": "completed"})
    assert await centre.contents() == {"queue:task:a": WRITTEN}


async def test_new_pending_requests_are_one_list(new: CommHub, binding: WatchedBinding, centre: Centre) -> None:
    await centre.load({"queue:task:b": task("b"), "queue:task:a": task("a"), "orchestrator:pending": ["z"]})
    assert await new.pending_requests() == ["a", "b"]
    assert binding.calls == [("list", "queue:task:")]


async def test_new_request_is_one_get(new: CommHub, binding: WatchedBinding, centre: Centre) -> None:
    await centre.load({"queue:task:a": task("a")})
    assert await new.request("a") == task("a")
    assert await new.request("b") is None
    assert binding.calls == [("get", "queue:task:a"), ("get", "queue:task:b")]


async def test_new_result_deletes_task_and_lease(new: CommHub, binding: WatchedBinding, centre: Centre) -> None:
    await centre.load({"queue:task:a": task("a"), "queue:lease:a": lease("w")})
    await new.store_result("a", {"success": True})
    assert binding.calls == [
        ("put", "orchestrator:result:a", 3600),
        ("delete", "queue:task:a"),
        ("delete", "queue:lease:a"),
    ]
    assert await centre.contents() == {"orchestrator:result:a": {"success": True}}


async def test_old_enqueueing_writes_the_task_and_then_rewrites_the_pending_list(
    old: CommHub, binding: WatchedBinding, centre: Centre
) -> None:
    await centre.load({"orchestrator:pending": ["first"]}, ttl_s=100)
    assert await old.send(dict(REQUEST)) == WRITTEN
    assert binding.calls == [("put", "orchestrator:queue:a", 3600), GET_PENDING, PUT_PENDING]
    assert await centre.contents() == {"orchestrator:pending": ["first", "a"], "orchestrator:queue:a": WRITTEN}
    assert await centre.lifetimes_s() == {"orchestrator:pending": 3600, "orchestrator:queue:a": 3600}


async def test_old_enqueueing_begins_a_pending_list(old: CommHub, centre: Centre) -> None:
    await old.send(dict(REQUEST))
    assert await centre.value("orchestrator:pending") == ["a"]


async def test_old_enqueueing_lists_an_id_as_often_as_it_is_sent(
    old: CommHub, centre: Centre, clock: MovableClock
) -> None:
    await old.send(dict(REQUEST))
    clock.advance(1000)
    await old.send(dict(REQUEST))
    assert await centre.value("orchestrator:pending") == ["a", "a"]


async def test_old_pending_requests_are_the_list_as_it_stands(
    old: CommHub, binding: WatchedBinding, centre: Centre
) -> None:
    await centre.load({"orchestrator:pending": ["b", "a", 7, "b"], "queue:task:z": task("z")})
    assert await old.pending_requests() == ["b", "a", 7, "b"]
    assert binding.calls == [GET_PENDING]


async def test_without_a_pending_list_nothing_is_pending_in_the_old_format(old: CommHub) -> None:
    assert await old.pending_requests() == []


async def test_old_request_is_one_get(old: CommHub, binding: WatchedBinding, centre: Centre) -> None:
    await centre.load({"orchestrator:queue:a": task("a")})
    assert await old.request("a") == task("a")
    assert binding.calls == [("get", "orchestrator:queue:a")]


async def test_old_result_rewrites_the_pending_list_and_leaves_the_lease(
    old: CommHub, binding: WatchedBinding, centre: Centre
) -> None:
    await centre.load({"orchestrator:pending": ["b", "a", "c", "a"], "orchestrator:queue:a": task("a")}, ttl_s=100)
    await centre.load({"orchestrator:lease:a": lease("w")})
    await old.store_result("a", {"success": True})
    assert binding.calls == [
        ("put", "orchestrator:result:a", 3600),
        GET_PENDING,
        PUT_PENDING,
        ("delete", "orchestrator:queue:a"),
    ]
    assert await centre.contents() == {
        "orchestrator:lease:a": lease("w"),
        "orchestrator:pending": ["b", "c"],
        "orchestrator:result:a": {"success": True},
    }
    assert (await centre.lifetimes_s())["orchestrator:pending"] == 3600


async def test_a_pending_list_that_is_no_list_stops_an_old_enqueue_after_its_task_is_written(
    old: CommHub, centre: Centre
) -> None:
    await centre.load({"orchestrator:pending": {"a": True}})
    with pytest.raises(KVTypeError, match="an object, not a list"):
        await old.send(dict(REQUEST))
    assert await centre.contents() == {"orchestrator:pending": {"a": True}, "orchestrator:queue:a": WRITTEN}


async def test_what_one_format_enqueues_the_other_does_not_see(new: CommHub, old: CommHub, worker: Worker) -> None:
    await old.send(dict(REQUEST))
    assert await new.pending_requests() == []
    assert await worker.get("/api/queue/a") == (404, {"error": "Task not found"})
