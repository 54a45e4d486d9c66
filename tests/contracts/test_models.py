"""The models themselves: the queue's and the migration's, held against small cases written out by hand."""

import pytest

from queue_contracts.checks.made_data import old_queue
from queue_contracts.checks.migrating import Broken, Counts, Held, held, migrated, rolled_back, status
from queue_contracts.checks.model import Queue
from queue_contracts.json_values import Json
from queue_contracts.targets import entries
from queue_contracts.targets.storage import Entry

NOW_S = 1_795_435_200


def queue_of(*task_ids: str) -> Queue:
    queue = Queue()
    for task_id in task_ids:
        queue.enqueue({"id": task_id})
    return queue


def test_a_task_is_claimed_in_the_order_of_bytes_and_by_one_worker_at_a_time() -> None:
    queue = queue_of("b", "a", "Z")
    assert [queue.claim("w", None) for _ in range(4)] == ["Z", "a", "b", None]


def test_a_lease_ends_by_its_seconds_and_what_is_renewed_lasts_from_now() -> None:
    queue = queue_of("a", "b")
    assert [queue.claim("w", 60), queue.claim("w", None)] == ["a", "b"]
    queue.pass_time(59)
    assert queue.renew("b", "w", 600)
    queue.pass_time(1)
    assert (queue.holder("a"), queue.holder("b")) == (None, "w")
    assert not queue.renew("a", "w", None)
    queue.pass_time(598)
    assert queue.holder("b") == "w"
    assert queue.next_expiry_s() == 1


def test_only_the_holder_or_nobody_in_particular_releases() -> None:
    queue = queue_of("a")
    queue.claim("w", None)
    assert not queue.release("a", "v")
    assert queue.release("a", None)
    assert queue.release("a", "v")
    assert queue.claim("v", None) == "a"


def test_a_status_gives_a_task_another_hour_and_a_result_ends_it() -> None:
    queue = queue_of("a", "b")
    queue.pass_time(3000)
    assert queue.mark("a", "failed")
    queue.pass_time(700)
    assert queue.pending() == ["a"]
    queue.finish("a", {"success": True})
    assert (queue.task("a"), queue.mark("a", "pending"), queue.result("a")) == (None, False, {"success": True})
    queue.pass_time(3600)
    assert queue.result("a") is None


def dumped(*made: Entry) -> dict[str, Held]:
    """Entries as a dump shows them, put at NOW_S."""
    shown = [{**each, "expiration": NOW_S + int(str(each["expiration_ttl"]))} for each in made]
    return held(shown)


def test_tasks_move_for_an_hour_and_leases_for_what_is_left_of_them_but_at_least_a_minute() -> None:
    before = dumped(
        entries.old_pending("a"),
        entries.old_task("a"),
        entries.old_lease("a", "w", 600),
        entries.old_lease("b", "w", 60),
    )
    run = migrated(before, NOW_S + 50)
    assert (run.status, run.tasks, run.leases) == (200, Counts(1, 0), Counts(2, 0))
    assert {key: each.until_s for key, each in run.after.items()} == {
        "queue:task:a": NOW_S + 50 + 3600,
        "queue:lease:a": NOW_S + 600,
        "queue:lease:b": NOW_S + 50 + 60,
    }


def test_what_is_missing_or_broken_fails_and_stays_and_the_list_goes_with_the_first_that_moved() -> None:
    before = dumped(
        entries.old_pending("a", "ghost", "cut", "nothing", "a"),
        entries.old_task("a"),
        entries.entry(entries.OLD_TASK + "cut", '{"id"'),
        entries.entry(entries.OLD_TASK + "nothing", "null"),
        entries.entry(entries.OLD_LEASE + "cut", "see email"),
        entries.entry(entries.OLD_LEASE + "nothing", "null"),
    )
    run = migrated(before, NOW_S)
    assert (run.status, run.tasks, run.leases) == (207, Counts(1, 4), Counts(0, 1))
    assert set(run.after) == {*before, "queue:task:a"} - {"orchestrator:pending", "orchestrator:queue:a"}
    assert before["orchestrator:queue:cut"].says is Broken.VALUE


def test_where_no_task_moved_the_list_stays_and_where_there_is_none_nothing_moves() -> None:
    stuck = dumped(entries.old_pending("ghost"))
    assert migrated(stuck, NOW_S).after == stuck
    unlisted = dumped(entries.old_task("a"), entries.old_lease("a", "w"))
    assert (migrated(unlisted, NOW_S).needed, migrated(unlisted, NOW_S).after) == (False, unlisted)


@pytest.mark.parametrize(
    ("pending", "ended", "counts"),
    [({"task1": True}, True, 0), (7, True, 0), ('["task1', True, None), ("null", False, 0), ("[]", False, 0)],
)
def test_a_pending_list_that_is_no_list_moves_leases_alone(pending: Json, ended: bool, counts: int | None) -> None:
    left = [entries.entry(entries.OLD_PENDING, pending), entries.old_task("task1")]
    before = dumped(*left, entries.old_lease("task1", "w"))
    run = migrated(before, NOW_S)
    assert (run.status, run.tasks, run.leases, run.tasks.lines) == (200, Counts(ended=ended), Counts(1), int(ended))
    assert set(run.after) == {*dumped(*left), "queue:lease:task1"}
    counted = status(before)
    assert (counted and counted["oldTaskCount"]) == counts


def test_a_rollback_deletes_a_thousand_of_each_kind() -> None:
    before = dumped(
        *(entries.new_task(f"{n:04d}") for n in range(1002)), entries.new_lease("x", "w"), entries.result("r")
    )
    assert set(rolled_back(before)) == {"queue:task:1000", "queue:task:1001", "orchestrator:result:r"}
    counted = status(before)
    assert counted is not None
    assert (counted["newTaskCount"], counted["newLeaseCount"], counted["newFormatExists"]) == (1000, 1, True)


def test_made_data_is_a_function_of_its_number_and_holds_every_kind_of_trouble() -> None:
    made = [old_queue(number) for number in range(12)]
    assert made == [old_queue(number) for number in range(12)]
    runs = [migrated(dumped(*({"expiration_ttl": 300, **entry} for entry in stock)), NOW_S) for stock in made]
    assert [run.status for run in runs[::3]] == [200] * 4
    assert {run.status for run in runs} == {200, 207}
    assert any(run.leases.failed for run in runs)
    assert any(run.tasks.migrated and run.tasks.failed for run in runs)
