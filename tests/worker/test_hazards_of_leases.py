"""A lease is a hint and no lock: hazards H1, H2, H12 and H15, each happening.

H1   two workers at one location both claim a task
H2   workers at two locations both claim a task, however far apart in time, while a cached miss lives
H12  a key is written twice within a second: KV answers 429, and the Worker fails with it
H15  a renewal that began in time ends too late, and overwrites the lease of the next worker
"""

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import KVError
from queue_emulator.core.profiles import LOCAL
from queue_emulator.kv.turn import HeldTurns
from tests.worker.deployed import Centre, Parsed, Worker, task

pytestmark = pytest.mark.anyio


@pytest.fixture
async def one_task(centre: Centre) -> None:
    await centre.load({"queue:task:a": task("a")})


async def claim(worker: Worker, worker_id: str, at: str = "SJC") -> Parsed:
    """The body of the answer to a claim for 300 s."""
    return (await worker.post("/api/queue/claim", {"workerId": worker_id}, at=at))[1]


@pytest.mark.usefixtures("one_task")
async def test_h1_two_workers_at_one_location_both_claim_a_task(
    worker: Worker, turns: HeldTurns, centre: Centre, clock: MovableClock
) -> None:
    """Both read "no lease" before either writes one, and each reads its own write back before the other's comes.

    Reading back finds out who wrote last up to that moment, not who will. Only a compare-and-set would tell.
    """
    slow = turns.actor(claim(worker, "slow"))
    quick = turns.actor(claim(worker, "quick"))

    slow.until("put", "queue:lease:a")
    quick_answer = quick.finish()
    clock.advance(1000)
    slow_answer = slow.finish()

    assert (quick_answer["taskId"], quick_answer["lease"]["workerId"]) == ("a", "quick")
    assert (slow_answer["taskId"], slow_answer["lease"]["workerId"]) == ("a", "slow")
    assert (await centre.value("queue:lease:a"))["workerId"] == "slow"


@pytest.mark.usefixtures("one_task")
async def test_h1_stays_away_when_one_reads_the_lease_that_the_other_has_written(
    worker: Worker, turns: HeldTurns
) -> None:
    slow = turns.actor(claim(worker, "slow"))
    quick = turns.actor(claim(worker, "quick"))

    slow.until("get", "queue:lease:a")
    assert quick.finish()["taskId"] == "a"
    assert slow.finish()["success"] is False


@pytest.mark.usefixtures("one_task")
@pytest.mark.parametrize("profile", [LOCAL], ids=["local"])
async def test_reading_back_keeps_two_workers_apart_only_when_they_go_in_step(worker: Worker, turns: HeldTurns) -> None:
    """Step by step both write before either reads back, so that both see the last writer: here H1 stays away."""
    first = turns.actor(claim(worker, "first"))
    last = turns.actor(claim(worker, "last"))

    first.until("put", "queue:lease:a")
    last.until("put", "queue:lease:a")
    first.step()
    last.step()

    assert [first.finish()["success"], last.finish()["success"]] == [False, True]


@pytest.mark.usefixtures("one_task")
@pytest.mark.parametrize("later_ms", [1000, 30_000, 59_999])
async def test_h2_two_locations_both_claim_a_task_while_a_cached_miss_lives(
    worker: Worker, centre: Centre, clock: MovableClock, later_ms: int
) -> None:
    """A daemon in Tokyo asks for a lease that is not there, and "not there" is cached in Tokyo for a minute.

    Whatever San Jose writes meanwhile, Tokyo goes on reading "not there": the steps of the two claims do not even
    overlap. San Jose's copies are as old: there the first worker still holds the lease, and releases the second's.
    """
    await worker.post("/api/queue/a/release", {}, at="NRT")
    assert (await claim(worker, "san-jose", "SJC"))["taskId"] == "a"
    clock.advance(later_ms)
    second = await claim(worker, "tokyo", "NRT")
    assert (second["taskId"], second["lease"]["workerId"]) == ("a", "tokyo")
    assert (await worker.post("/api/queue/a/release", {"workerId": "san-jose"}, at="SJC"))[0] == 200
    assert await centre.keys("queue:lease:") == []


@pytest.mark.usefixtures("one_task")
async def test_h2_ends_with_the_cached_miss(worker: Worker, clock: MovableClock) -> None:
    await worker.post("/api/queue/a/release", {}, at="NRT")
    assert (await claim(worker, "san-jose", "SJC"))["success"] is True
    clock.advance(60_000)
    assert (await claim(worker, "tokyo", "NRT"))["success"] is False


@pytest.mark.usefixtures("one_task")
@pytest.mark.parametrize("profile", [LOCAL], ids=["local"])
async def test_h2_does_not_show_where_nothing_is_cached(worker: Worker) -> None:
    """Which is why the vendor's local runtime never shows it."""
    await worker.post("/api/queue/a/release", {}, at="NRT")
    assert (await claim(worker, "san-jose", "SJC"))["success"] is True
    assert (await claim(worker, "tokyo", "NRT"))["success"] is False


@pytest.mark.usefixtures("one_task")
async def test_h12_a_renewal_within_a_second_of_the_claim_escapes_as_an_error(
    worker: Worker, clock: MovableClock, centre: Centre
) -> None:
    """KV takes one write a second for one key. Nothing in the Worker expects the 429, so its caller gets a 500."""
    lease = (await claim(worker, "w"))["lease"]
    clock.advance(999)
    with pytest.raises(KVError, match="KV PUT failed: 429 Too Many Requests"):
        await worker.post("/api/queue/a/renew", {"workerId": "w"})
    assert await centre.value("queue:lease:a") == lease
    clock.advance(1)
    assert (await worker.post("/api/queue/a/renew", {"workerId": "w"}))[0] == 200


@pytest.mark.usefixtures("one_task")
async def test_h12_a_task_released_and_claimed_again_within_a_second_escapes_as_an_error(
    worker: Worker, clock: MovableClock
) -> None:
    """The lease is gone, but its key was written less than a second ago: the claim dies instead of going on."""
    await claim(worker, "w")
    await worker.post("/api/queue/a/release", {"workerId": "w"})
    with pytest.raises(KVError) as raised:
        await claim(worker, "next")
    assert raised.value.status == 429
    clock.advance(1000)
    assert (await claim(worker, "next"))["taskId"] == "a"


@pytest.mark.usefixtures("one_task")
async def test_h12_one_tasks_429_keeps_a_claim_from_the_free_tasks_behind_it(worker: Worker, centre: Centre) -> None:
    await centre.load({"queue:task:b": task("b")})
    await claim(worker, "w")
    await worker.post("/api/queue/a/release", {"workerId": "w"})
    with pytest.raises(KVError, match="429"):
        await claim(worker, "next")
    assert await centre.keys("queue:lease:") == []


@pytest.mark.usefixtures("one_task")
async def test_h12_two_status_updates_or_results_within_a_second_do_it_too(worker: Worker) -> None:
    await worker.post("/api/queue/a/status", {"status": "claimed"})
    with pytest.raises(KVError, match="429"):
        await worker.post("/api/queue/a/status", {"status": "completed"})
    await worker.post("/api/result/a", {"success": True})
    with pytest.raises(KVError, match="429"):
        await worker.post("/api/result/a", {"success": True})


@pytest.mark.usefixtures("one_task")
async def test_h15_a_late_renewal_overwrites_the_next_workers_lease(
    worker: Worker, turns: HeldTurns, centre: Centre, clock: MovableClock
) -> None:
    """The renewal reads a lease with a moment left. It ends, another worker claims, and then the renewal is written.

    The put says nothing about the lease it was made from. The second worker has a lease in its hand that is no
    longer there: it cannot renew, and both work on the task.
    """
    await claim(worker, "first")
    clock.advance(299_999)
    renewing = turns.actor(worker.post("/api/queue/a/renew", {"workerId": "first"}))

    renewing.until("put", "queue:lease:a")
    clock.advance(1)
    second = await claim(worker, "second")
    clock.advance(1000)
    status, answer = renewing.finish()

    assert (status, answer["lease"]["workerId"]) == (200, "first")
    assert (second["taskId"], second["lease"]["workerId"]) == ("a", "second")
    assert (await centre.value("queue:lease:a"))["workerId"] == "first"
    clock.advance(1000)
    assert (await worker.post("/api/queue/a/renew", {"workerId": "second"}))[0] == 403
