"""One key for the whole pending list loses ids: hazard H6, happening.

H6  enqueues in the old format at the same time lose ids: each reads the list, appends and writes it back
"""

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import KVError
from queue_emulator.core.profiles import LOCAL
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.turn import HeldTurns
from queue_emulator.worker.commhub import CommHub
from queue_emulator.worker.legacy import OldFormat
from tests.worker.deployed import Centre, Worker, task

pytestmark = pytest.mark.anyio

PENDING = "orchestrator:pending"


def old_hub(binding: Binding, clock: MovableClock) -> CommHub:
    return CommHub(OldFormat(binding), clock)


async def enqueue_old(worker: Worker, clock: MovableClock, task_id: str) -> None:
    """A webhook brings a task."""
    await old_hub(worker.binding(), clock).send({"id": task_id})


async def load_old(centre: Centre, task_id: str) -> None:
    await centre.load({PENDING: [task_id], f"orchestrator:queue:{task_id}": task(task_id)})


async def test_h6_of_two_enqueues_that_read_the_same_list_one_is_lost(
    worker: Worker, turns: HeldTurns, centre: Centre, clock: MovableClock
) -> None:
    """Both read the list, both append to what they read, and the second write replaces the first."""
    await load_old(centre, "first")
    slow = turns.actor(enqueue_old(worker, clock, "slow"))
    quick = turns.actor(enqueue_old(worker, clock, "quick"))

    slow.until("put", PENDING)
    quick.finish()
    clock.advance(1000)
    slow.finish()

    assert await centre.value(PENDING) == ["first", "slow"]
    assert "orchestrator:queue:quick" in await centre.keys()


@pytest.mark.parametrize("profile", [LOCAL], ids=["local"])
async def test_h6_of_many_enqueues_in_step_only_the_last_is_listed(
    worker: Worker, turns: HeldTurns, centre: Centre, clock: MovableClock
) -> None:
    """Webhooks come in bursts."""
    webhooks = [turns.actor(enqueue_old(worker, clock, f"t{number}")) for number in range(8)]

    for webhook in webhooks:
        webhook.until("put", PENDING)
    for webhook in webhooks:
        webhook.finish()

    assert await centre.value(PENDING) == ["t7"]
    assert len(await centre.keys("orchestrator:queue:")) == 8


async def test_h6_an_enqueue_at_another_location_appends_to_its_old_copy(
    worker: Worker, old_worker: Worker, centre: Centre, clock: MovableClock
) -> None:
    """No overlap needed: the copy that Tokyo holds of the list is most of a minute old."""
    await load_old(centre, "first")
    await old_worker.get("/api/queue", at="NRT")
    await old_hub(worker.binding("SJC"), clock).send({"id": "san-jose"})
    clock.advance(59_000)
    await old_hub(worker.binding("NRT"), clock).send({"id": "tokyo"})
    assert await centre.value(PENDING) == ["first", "tokyo"]


async def test_h6_a_result_that_races_an_enqueue_loses_the_new_id(
    old_worker: Worker, turns: HeldTurns, centre: Centre, clock: MovableClock
) -> None:
    """The old result reads, filters and writes back the same list."""
    await load_old(centre, "done")
    finishing = turns.actor(old_worker.post("/api/result/done", {"success": True}))
    enqueuing = turns.actor(enqueue_old(old_worker, clock, "new"))

    finishing.until("put", PENDING)
    enqueuing.finish()
    clock.advance(1000)
    finishing.finish()

    assert await old_worker.get("/api/queue") == (200, {"pending": [], "count": 0})
    assert "orchestrator:queue:new" in await centre.keys()


async def test_h6_a_second_enqueue_within_a_second_fails_with_its_task_written_and_not_listed(
    worker: Worker, centre: Centre, clock: MovableClock
) -> None:
    """The one key takes one write a second: the 429 comes after the task is there."""
    await old_hub(worker.binding(), clock).send({"id": "a"})
    with pytest.raises(KVError, match="429"):
        await old_hub(worker.binding(), clock).send({"id": "b"})
    assert await centre.value(PENDING) == ["a"]
    assert "orchestrator:queue:b" in await centre.keys()
