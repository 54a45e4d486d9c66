"""What can be held of a deployment that is thrown away, though its writes are seen late and nobody moves its clock."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from queue_contracts.checks.client import Client
from queue_contracts.checks.settling import moved_time, real_time, settle
from queue_contracts.targets import entries
from queue_contracts.targets.control import Control
from queue_contracts.targets.key_names import is_of_the_queue
from queue_contracts.targets.storage import Storage
from queue_contracts.targets.target import Ability, Target

pytestmark = [pytest.mark.slow, pytest.mark.requests(300)]
QUEUE = "queue:"
# KV takes one write a second to one key: https://developers.cloudflare.com/kv/platform/limits/
BETWEEN_WRITES_S = 1.2
DAEMON = "ct-daemon"
LOOKED_AT = 10


@pytest.mark.admin
def test_a_migration_and_a_rollback_report_what_they_did(client: Client) -> None:
    """Whatever is in the queue: nothing of it is known here."""
    answer = client.ask("runMigration").json()
    migrated, failed = (answer["tasks"][name] + answer["leases"][name] for name in ("migrated", "failed"))
    assert (answer.get("totalMigrated", 0), answer.get("totalFailed", 0)) == (migrated, failed)
    assert answer["success"] is (failed == 0)
    assert client.ask("rollbackMigration").json()["deleted"] >= 0
    assert client.ask("claimTask", body={"workerId": DAEMON}).status_code == 200


@pytest.mark.admin
def test_old_data_is_migrated_and_then_rolled_back(
    client: Client, storage: Storage, own_id: Callable[[str], str]
) -> None:
    ids = sorted(own_id("old") for _ in range(3))
    storage.reset()
    until_listed(client, [])
    storage.seed(
        [entries.old_pending(*ids), *map(entries.old_task, ids), entries.old_lease(ids[0], DAEMON, entries.LIFETIME_S)]
    )
    until_counted(client, {"oldTaskCount": 3, "newTaskCount": 0, "oldLeaseCount": 1, "newLeaseCount": 0})

    answer = client.ask("runMigration").json()
    assert answer["success"] is True
    assert answer["tasks"] == {"migrated": 3, "failed": 0, "errors": []}
    assert answer["leases"] == {"migrated": 1, "failed": 0, "errors": []}
    until_kept(storage, [f"{entries.NEW_LEASE}{ids[0]}", *(entries.NEW_TASK + task_id for task_id in ids)])
    until_counted(client, {"oldTaskCount": 0, "newTaskCount": 3, "oldLeaseCount": 0, "newLeaseCount": 1})

    assert client.ask("rollbackMigration").json()["deleted"] == 4
    until_kept(storage, [])


@pytest.mark.admin
@pytest.mark.purpose(404)
@pytest.mark.parametrize("lost", [0, 1], ids=["all are there", "one is lost"])
def test_of_a_well_formed_list_a_run_that_says_success_has_moved_what_it_named(
    lost: int, target: Target, client: Client, storage: Storage, own_id: Callable[[str], str]
) -> None:
    ids = sorted(own_id("named") for _ in range(LOOKED_AT))
    storage.reset()
    until_listed(client, [])
    storage.seed([entries.old_pending(*ids), *map(entries.old_task, ids[lost:])])
    until_counted(client, {"oldTaskCount": LOOKED_AT, "newTaskCount": 0})

    if client.ask("runMigration").json()["success"]:
        movable = target.can(Ability.RESET, Ability.MOVE_TIME)
        passing = moved_time(Control(target, client.http)) if movable else real_time()
        named = [*map(entries.task, ids)]
        settle(
            lambda: [client.ask("getTask", task_id).json() for task_id in ids],
            seen=lambda found: found == named,
            before=lambda found: True,
            passing=passing,
        )


@pytest.mark.formats("new", "dual")
def test_a_task_is_claimed_renewed_marked_and_ended(
    client: Client, storage: Storage, own_id: Callable[[str], str]
) -> None:
    task_id, passing = own_id("claimed"), real_time()
    storage.reset()
    storage.seed([entries.new_task(task_id)])
    until_listed(client, [task_id])
    claimed = client.ask("claimTask", body={"workerId": DAEMON, "leaseDurationSec": 600}).json()
    assert (claimed["success"], claimed.get("taskId"), claimed.get("task")) == (True, task_id, entries.task(task_id))
    assert client.ask("claimTask", body={"workerId": "ct-other"}).json()["success"] is False
    passing.wait(BETWEEN_WRITES_S)
    assert client.ask("renewLease", task_id, body={"workerId": DAEMON}).json()["lease"]["workerId"] == DAEMON
    assert client.ask("updateTaskStatus", task_id, body={"status": "completed"}).status_code == 200
    assert client.ask("postResult", task_id, body=entries.OUTCOME).status_code == 200
    assert client.ask("getResult", task_id).json() == entries.OUTCOME
    until_kept(storage, [entries.RESULT + task_id])


def until_listed(client: Client, ids: Sequence[str]) -> None:
    _until(lambda: client.ask("listPendingTasks").json()["pending"], ids)


def until_counted(client: Client, counts: Mapping[str, int]) -> None:
    """Until the Worker itself sees so much of each kind: it migrates and deletes what it sees."""

    def seen() -> dict[str, int]:
        status = client.ask("getMigrationStatus").json()["status"]
        return {name: status[name] for name in counts}

    _until(seen, counts)


def until_kept(storage: Storage, keys: Sequence[str]) -> None:
    """Until KV holds these keys of the queue and no others."""
    _until(lambda: [key for key in storage.names("") if is_of_the_queue(key)], keys)


def _until(read: Callable[[], object], wanted: object) -> None:
    settle(read, seen=lambda value: value == wanted, before=lambda value: True, passing=real_time())
