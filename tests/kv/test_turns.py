"""Who goes next: operations wait for a turn that a test or a scheduler gives, and can be killed while they wait."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import EmulatorError, KVError, OperationBudgetError
from queue_emulator.core.faults import Rule, Verdict
from queue_emulator.core.kinds import DELETE, LIST, PUT
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.operation import Operation
from queue_emulator.kv.service import KVService
from queue_emulator.kv.turn import HeldTurns
from queue_emulator.testing import Emulator

pytestmark = pytest.mark.anyio

Open = Callable[..., Binding]


@pytest.fixture
def turns(service: KVService) -> HeldTurns:
    held = HeldTurns()
    service.pipeline.turn = held
    return held


async def test_an_actor_stands_before_each_of_its_operations(turns: HeldTurns, open_binding: Open) -> None:
    cache = open_binding()

    async def work() -> str:
        await cache.put("k", "v")
        await cache.list(prefix="p")
        return "done"

    actor = turns.actor(work())
    assert actor.about_to is not None
    assert (actor.about_to.kind, actor.about_to.keys, actor.about_to.location) == (PUT, (b"k",), "SJC")
    assert await open_binding().get("k") is None  # what no actor does goes at once
    actor.step()
    assert await open_binding("NRT").get("k") == "v"
    assert actor.about_to.kind is LIST
    assert actor.finish() == "done"
    assert actor.about_to is None


async def test_operations_are_done_in_the_order_in_which_they_get_their_turns(
    turns: HeldTurns, open_binding: Open, service: KVService, clock: MovableClock
) -> None:
    first, last = (turns.actor(open_binding().put(key, "v")) for key in ("first", "last"))
    clock.advance(5_000)
    last.finish()
    clock.advance(5_000)
    first.finish()
    events = list(service.journal.after(0))
    assert [(event.key, event.id, event.version) for event in events] == [(b"last", 2, 1), (b"first", 1, 2)]
    start_ms = events[0].asked_ms
    assert [(event.asked_ms - start_ms, event.begun_ms - start_ms, event.done_ms - start_ms) for event in events] == [
        (0, 5_000, 5_000),
        (0, 10_000, 10_000),
    ]


async def test_a_lifetime_begins_when_the_write_has_its_turn(
    turns: HeldTurns, open_binding: Open, clock: MovableClock
) -> None:
    writing = turns.actor(open_binding().put("k", "v", expiration_ttl=60))
    clock.advance(3_600_000)
    writing.finish()
    clock.advance(59_999)
    assert await open_binding().get("k") == "v"
    clock.advance(1)
    assert await open_binding().get("k") is None


async def test_what_is_killed_before_its_turn_is_not_done_and_not_noted(
    turns: HeldTurns, open_binding: Open, service: KVService
) -> None:
    cache = open_binding()

    async def work() -> None:
        await cache.put("one", "v")
        await cache.put("two", "v")

    actor = turns.actor(work()).until("put", "two")
    actor.kill()
    assert [event.key for event in service.journal.after(0)] == [b"one"]
    assert (await open_binding().get_bulk(["one", "two"])) == {"one": "v", "two": None}


async def test_a_turn_may_end_in_an_error_in_the_place_of_the_operation(service: KVService, open_binding: Open) -> None:
    class Killed(Exception):
        pass

    async def never() -> None:
        raise Killed

    def turn(operation: Operation[Any]) -> Awaitable[None] | None:
        return never() if operation.kind is DELETE else None

    service.pipeline.turn = turn
    await open_binding().put("k", "v")
    with pytest.raises(Killed):
        await open_binding().delete("k")
    assert await open_binding().get("k") == "v"


async def test_what_is_refused_before_it_is_an_operation_waits_for_no_turn(
    turns: HeldTurns, open_binding: Open
) -> None:
    spent = open_binding()
    spent.invocation.operations = 1_000
    for work, error in (
        (open_binding().put("k", "v", expiration_ttl=1), KVError),
        (open_binding().list(cursor="?"), KVError),
        (spent.get("k"), OperationBudgetError),
    ):
        with pytest.raises(error):
            turns.actor(work).finish()


async def test_faults_and_limits_are_asked_when_the_turn_has_come(
    turns: HeldTurns, open_binding: Open, service: KVService, clock: MovableClock
) -> None:
    put, get = turns.actor(open_binding().put("k", "v")), turns.actor(open_binding().get("k"))
    service.faults.add(Rule(Verdict("fail_before", 503), operation="get"))
    await open_binding().put("k", "first")
    with pytest.raises(KVError, match="503"):
        get.finish()
    with pytest.raises(KVError, match="429"):
        put.finish()
    put = turns.actor(open_binding().put("k", "v"))
    clock.advance(1_000)
    put.finish()


async def test_an_actor_that_never_comes_to_an_operation_says_so(turns: HeldTurns, open_binding: Open) -> None:
    with pytest.raises(AssertionError, match=r"^the request ended without a get of 'other'$"):
        turns.actor(open_binding().get("k")).until("get", "other")


async def test_an_operation_of_no_known_kind_is_refused(turns: HeldTurns, open_binding: Open) -> None:
    with pytest.raises(EmulatorError, match="operation must be one of get, get_bulk, put, delete, list, not 'patch'"):
        turns.actor(open_binding().get("k")).until("patch", "k")


async def test_an_actor_that_waits_for_anything_else_fails(turns: HeldTurns) -> None:
    import asyncio

    with pytest.raises(EmulatorError, match="waits for something that is not a KV operation"):
        turns.actor(asyncio.sleep(1)).finish()


def test_requests_overlap_in_a_plain_test(emulator: Emulator) -> None:
    emulator.enqueue({"id": "t1"})
    slow = emulator.begin("POST", "/api/queue/claim", json={"workerId": "slow"})

    slow.until("put", "queue:lease:t1")
    quick = emulator.post("/api/queue/claim", {"workerId": "quick"})
    emulator.clock.advance(1)
    late = slow.finish()

    assert [reply.json()["taskId"] for reply in (quick, late)] == ["t1", "t1"]


def test_a_run_that_is_killed_leaves_what_it_did_so_far(emulator: Emulator) -> None:
    emulator.enqueue({"id": "t1"})
    posting = emulator.begin("POST", "/api/result/t1", json={"success": True})
    posting.until("delete", "queue:task:t1")
    posting.kill()
    assert emulator.get("/api/result/t1").status == 200
    assert emulator.get("/api/queue").json()["pending"] == ["t1"]
