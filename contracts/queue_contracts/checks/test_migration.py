"""From the old key format to the new one: what is counted, moved, left behind and thrown away."""

import time

import pytest

from queue_contracts.checks.client import Client
from queue_contracts.targets import entries
from queue_contracts.targets.control import Control
from queue_contracts.targets.storage import Entry
from queue_contracts.targets.target import Ability, Target

IDS = ["task1", "task2", "task3", "task4", "task5"]
FIRST_MIGRATION: list[Entry] = [
    entries.old_pending(*IDS),
    *(entries.old_task(task_id) for task_id in IDS),
    entries.old_lease("task1", "daemon-1"),
    entries.old_lease("task3", "daemon-2", 600),
]
EMPTY = {
    "oldFormatExists": False,
    "newFormatExists": False,
    "oldTaskCount": 0,
    "newTaskCount": 0,
    "oldLeaseCount": 0,
    "newLeaseCount": 0,
}
ZERO = {"migrated": 0, "failed": 0}


def counts_of(answer: dict[str, dict[str, object]], kind: str) -> dict[str, object]:
    """How many of a kind moved and failed, without the list of errors."""
    return {name: answer[kind][name] for name in ("migrated", "failed")}


def status(client: Client) -> dict[str, object]:
    answer: dict[str, object] = client.ask("getMigrationStatus").json()["status"]
    return answer


def test_an_empty_namespace_needs_no_migration(client: Client, control: Control) -> None:
    control.reset()
    answer = client.ask("getMigrationStatus").json()
    assert answer["needsMigration"] is False
    assert answer["status"] == EMPTY


@pytest.mark.formats("new")
def test_a_first_migration_moves_five_tasks_and_two_leases(client: Client, control: Control) -> None:
    control.start_with(FIRST_MIGRATION)
    before = client.ask("getMigrationStatus").json()
    assert before["needsMigration"] is True
    assert before["status"] == {**EMPTY, "oldFormatExists": True, "oldTaskCount": 5, "oldLeaseCount": 2}
    assert client.ask("listPendingTasks").json()["count"] == 0

    run = client.ask("runMigration")
    assert run.status_code == 200
    answer = run.json()
    assert answer["tasks"] == {"migrated": 5, "failed": 0, "errors": []}
    assert answer["leases"] == {"migrated": 2, "failed": 0, "errors": []}
    assert (answer["totalMigrated"], answer["totalFailed"]) == (7, 0)

    after = client.ask("getMigrationStatus").json()
    assert after["needsMigration"] is False
    assert after["status"] == {**EMPTY, "newFormatExists": True, "newTaskCount": 5, "newLeaseCount": 2}
    assert client.ask("listPendingTasks").json() == {"pending": IDS, "count": 5}


def test_a_migrated_task_is_the_task_it_was_and_its_lease_still_holds(client: Client, control: Control) -> None:
    control.start_with(FIRST_MIGRATION)
    client.ask("runMigration")
    for task_id in IDS:
        assert client.ask("getTask", task_id).json() == entries.task(task_id)
    assert client.ask("claimTask", body={"workerId": "daemon-3"}).json()["taskId"] == "task2"
    lease = client.ask("renewLease", "task1", body={"workerId": "daemon-1"}).json()["lease"]
    assert lease["claimedAt"] == entries.lease("daemon-1")["claimedAt"]


def test_a_migrated_lease_ends_when_the_old_one_would_have(client: Client, control: Control) -> None:
    control.start_with(
        [entries.old_pending("task1"), entries.old_task("task1"), entries.old_lease("task1", "daemon-1", 400)]
    )
    client.ask("runMigration")
    control.advance(370)
    assert client.ask("claimTask", body={"workerId": "daemon-2"}).json()["success"] is False
    control.advance(40)
    assert client.ask("claimTask", body={"workerId": "daemon-2"}).json()["success"] is True


@pytest.mark.formats("new")
def test_a_migrated_lease_lasts_at_least_a_minute(target: Target, client: Client, control: Control) -> None:
    control.reset()
    # Half a minute is left of the lease by the clock of the Worker, which may be the machine's.
    moved = target.can(Ability.WORKER_CLOCK)
    if not moved:
        control.set_clock(round((time.time() - 60) * 1000))
    control.seed([entries.old_pending("task1"), entries.old_task("task1"), entries.old_lease("task1", "daemon-1", 90)])
    if moved:
        control.advance(60)
    client.ask("runMigration")
    control.advance(40)
    assert client.ask("claimTask", body={"workerId": "daemon-2"}).json()["success"] is False
    control.advance(30)
    assert client.ask("claimTask", body={"workerId": "daemon-2"}).json()["success"] is True


def test_a_second_run_finds_nothing_to_do_and_gives_no_totals(client: Client, control: Control) -> None:
    control.start_with(FIRST_MIGRATION)
    client.ask("runMigration")
    again = client.ask("runMigration")
    assert again.status_code == 200
    answer = again.json()
    assert answer["success"] is True
    assert (counts_of(answer, "tasks"), counts_of(answer, "leases")) == (ZERO, ZERO)
    assert not {"totalMigrated", "totalFailed", "errors"} & set(answer)


@pytest.mark.parametrize(
    ("broken", "value"),
    [("is not there", None), ("is null", "null"), ("is cut off", '{"id": "task2", "type"'), ("is prose", "see email")],
)
def test_a_task_that_cannot_be_moved_is_reported_and_the_others_move(
    broken: str, value: str | None, client: Client, control: Control
) -> None:
    in_its_place = [] if value is None else [entries.entry(entries.OLD_TASK + "task2", value)]
    control.start_with(
        [
            entries.old_pending("task1", "task2", "task3"),
            entries.old_task("task1"),
            *in_its_place,
            entries.old_task("task3"),
            entries.old_lease("task3", "daemon-1"),
        ]
    )

    run = client.ask("runMigration")

    assert run.status_code == 207
    answer = run.json()
    assert counts_of(answer, "tasks") == {"migrated": 2, "failed": 1}
    assert counts_of(answer, "leases") == {"migrated": 1, "failed": 0}
    assert (answer["totalMigrated"], answer["totalFailed"]) == (3, 1)
    assert answer["errors"] == answer["tasks"]["errors"]
    assert len(answer["errors"]) == 1
    assert "task2" in answer["errors"][0]
    assert client.ask("listPendingTasks").json()["pending"] == ["task1", "task3"]


def test_a_lease_that_cannot_be_moved_is_reported_and_the_others_move(client: Client, control: Control) -> None:
    control.start_with([*FIRST_MIGRATION, entries.entry(entries.OLD_LEASE + "task2", "held by daemon-9")])
    run = client.ask("runMigration")
    assert run.status_code == 207
    answer = run.json()
    assert counts_of(answer, "leases") == {"migrated": 2, "failed": 1}
    assert counts_of(answer, "tasks") == {"migrated": 5, "failed": 0}
    assert answer["errors"] == answer["leases"]["errors"]
    assert "task2" in answer["errors"][0]


@pytest.mark.formats("new")
def test_what_failed_once_is_not_looked_at_again(client: Client, control: Control) -> None:
    control.start_with([entries.old_pending("task1", "lost"), entries.old_task("task1")])
    assert client.ask("runMigration").status_code == 207
    assert status(client)["oldFormatExists"] is False
    control.seed([entries.old_task("lost")])
    assert client.ask("runMigration").json()["tasks"]["migrated"] == 0
    assert client.ask("getTask", "lost").status_code == 404


def test_a_run_that_moves_no_task_at_all_can_be_run_again(client: Client, control: Control) -> None:
    control.start_with([entries.old_pending("late")])
    assert client.ask("runMigration").status_code == 207
    assert status(client)["oldFormatExists"] is True
    control.seed([entries.old_task("late")])
    assert client.ask("runMigration").status_code == 200
    assert client.ask("listPendingTasks").json()["pending"] == ["late"]


def test_without_a_pending_list_old_tasks_and_leases_stay_where_they_are(client: Client, control: Control) -> None:
    control.start_with([entries.old_task("task1"), entries.old_lease("task1", "daemon-1")])
    assert client.ask("getMigrationStatus").json()["needsMigration"] is False
    client.ask("runMigration")
    assert status(client) == {**EMPTY, "oldLeaseCount": 1}


def test_a_task_queued_in_the_old_format_is_migrated(client: Client, control: Control) -> None:
    control.reset()
    queued = {name: value for name, value in entries.task("task1").items() if name not in ("queuedAt", "status")}
    control.enqueue(queued, old_format=True)
    assert status(client) == {**EMPTY, "oldFormatExists": True, "oldTaskCount": 1}
    assert client.ask("runMigration").json()["tasks"]["migrated"] == 1
    assert client.ask("claimTask", body={"workerId": "daemon-1"}).json()["task"]["content"] == queued["content"]


def test_a_rollback_deletes_the_new_format_and_restores_nothing(client: Client, control: Control) -> None:
    control.start_with(FIRST_MIGRATION)
    client.ask("runMigration")
    assert client.ask("rollbackMigration").json()["deleted"] == 7
    assert status(client) == EMPTY
    assert client.ask("listPendingTasks").json()["count"] == 0
    assert client.ask("rollbackMigration").json()["deleted"] == 0


def test_a_rollback_leaves_the_old_format_and_results_alone(client: Client, control: Control) -> None:
    control.start_with([*FIRST_MIGRATION, entries.new_task("task9"), entries.result("task9")])
    assert client.ask("rollbackMigration").json()["deleted"] == 1
    assert status(client) == {**EMPTY, "oldFormatExists": True, "oldTaskCount": 5, "oldLeaseCount": 2}
    assert client.ask("getResult", "task9").status_code == 200
