"""A task from the moment it is queued to the moment its result expires, and the leases in between.

The target's clock goes on by itself between two requests: expiries are tested with twenty seconds to spare.
"""

import re
from collections.abc import Iterable
from datetime import datetime

import pytest

from queue_contracts.checks.client import Client
from queue_contracts.json_values import Fields
from queue_contracts.targets import entries
from queue_contracts.targets.control import Control
from queue_contracts.targets.entries import LIFETIME_S
from queue_contracts.targets.target import Ability, Target

# A Worker may ask for the time once for each moment of a lease, and wait for KV in between.
BETWEEN_LOOKS_S = 0.5
QUEUED = {
    "type": "approval",
    "source": "github-webhook",
    "content": "Approve the production deployment",
    "priority": "critical",
    "metadata": {"repository": "octo-shop/storefront", "approvers": ["lena", "tomasz"], "attempt": 1.5},
}


@pytest.fixture
def queue(control: Control) -> Control:
    """Three free tasks, put in out of key order."""
    control.start_with([entries.new_task(task_id) for task_id in ("task2", "task3", "task1")])
    return control


def claim(client: Client, worker_id: str, seconds: int = 300) -> str | None:
    """The id of the task this worker now holds, or None if nothing was free."""
    answer = client.ask("claimTask", body={"workerId": worker_id, "leaseDurationSec": seconds}).json()
    assert answer["success"] is (answer.get("taskId") is not None)
    if not answer["success"]:
        return None
    assert answer["lease"]["workerId"] == worker_id
    assert answer["task"]["id"] == answer["taskId"]
    return str(answer["taskId"])


def lasts(lease: dict[str, str], since: str, seconds: float) -> bool:
    """Whether it ends so long after one of its moments. Between two looks at the clock a Worker may take a while."""
    return abs(seconds_between(lease[since], lease["expiresAt"]) - seconds) <= BETWEEN_LOOKS_S


def seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


@pytest.mark.formats("new", "dual")
def test_a_queued_task_is_listed_claimed_worked_on_and_ended_by_its_result(client: Client, control: Control) -> None:
    control.reset()
    control.enqueue({"id": "deploy-7", **QUEUED})
    listed = client.ask("listPendingTasks").json()
    assert listed == {"pending": ["deploy-7"], "count": 1}

    task = client.ask("getTask", "deploy-7").json()
    assert {name: task[name] for name in QUEUED} == QUEUED
    assert task["status"] == "pending"

    claimed = client.ask("claimTask", body={"workerId": "daemon-1"}).json()
    assert claimed["task"] == task
    assert client.ask("updateTaskStatus", "deploy-7", body={"status": "claimed"}).json()["status"] == "claimed"
    assert client.ask("renewLease", "deploy-7", body={"workerId": "daemon-1"}).json()["success"] is True

    outcome = {"success": True, "output": {"approved": ["lena"], "notes": None}}
    assert client.ask("postResult", "deploy-7", body=outcome).status_code == 200
    assert client.ask("getResult", "deploy-7").json() == outcome
    assert client.ask("getTask", "deploy-7").status_code == 404
    assert client.ask("listPendingTasks").json() == {"pending": [], "count": 0}
    assert client.ask("renewLease", "deploy-7", body={"workerId": "daemon-1"}).status_code == 403


def test_each_id_that_the_list_shows_can_be_read(client: Client, control: Control) -> None:
    ids = sorted(["0", "-", "--", "A", "a", "evt-1", "task1", "x" * 64, "5f0c2f1e-6b0a-4c39-9d0e-2a4f7b1c8e11"])
    control.start_with([entries.new_task(task_id) for task_id in ids])
    assert client.ask("listPendingTasks").json()["pending"] == ids
    for task_id in ids:
        assert client.ask("getTask", task_id).json() == entries.task(task_id)


@pytest.mark.usefixtures("queue")
def test_tasks_are_claimed_in_key_order_until_none_is_free(client: Client) -> None:
    assert [claim(client, f"daemon-{n}") for n in range(4)] == ["task1", "task2", "task3", None]
    assert client.ask("listPendingTasks").json()["pending"] == ["task1", "task2", "task3"]


def test_ids_are_listed_in_the_order_of_their_bytes(client: Client, control: Control) -> None:
    in_order = ["-", "1", "10", "2", "A", "Z", "a", "aa", "b"]
    control.start_with([entries.new_task(task_id) for task_id in reversed(in_order)])
    assert client.ask("listPendingTasks").json()["pending"] == in_order


@pytest.mark.formats("new", "dual")
def test_only_the_first_thousand_tasks_are_listed(client: Client, control: Control) -> None:
    control.start_with([entries.new_task(f"task-{n:04d}") for n in range(1001)])
    assert client.ask("listPendingTasks").json() == {"pending": [f"task-{n:04d}" for n in range(1000)], "count": 1000}
    assert client.ask("getTask", "task-1000").status_code == 200


@pytest.mark.usefixtures("queue")
def test_one_worker_can_hold_several_tasks(client: Client) -> None:
    assert [claim(client, "daemon-1") for _ in range(2)] == ["task1", "task2"]


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize(
    ("body", "seconds"),
    [({}, 300), ({"leaseDurationSec": 60}, 60), ({"leaseDurationSec": 90.0}, 90), ({"leaseDurationSec": 600}, 600)],
)
def test_a_lease_says_when_it_ends(body: dict[str, float], seconds: int, client: Client) -> None:
    lease = client.ask("claimTask", body={"workerId": "daemon-1", **body}).json()["lease"]
    assert lasts(lease, "claimedAt", seconds)


@pytest.mark.usefixtures("queue")
def test_a_worker_without_a_name_is_given_one_it_can_go_on_with(client: Client) -> None:
    claimed = client.ask("claimTask", body={}).json()
    name = claimed["lease"]["workerId"]
    assert re.fullmatch(r"worker_\d+", name)
    assert client.ask("renewLease", claimed["taskId"], body={"workerId": name}).status_code == 200


def test_a_task_is_free_again_when_its_lease_has_run_out(client: Client, queue: Control) -> None:
    assert claim(client, "daemon-1", 60) == "task1"
    queue.advance(40)
    assert claim(client, "daemon-2", 600) == "task2"
    queue.advance(30)
    assert client.ask("renewLease", "task1", body={"workerId": "daemon-1"}).status_code == 403
    assert claim(client, "daemon-3") == "task1"


def test_a_renewed_lease_lasts_from_now_and_keeps_the_moment_of_the_claim(
    target: Target, client: Client, queue: Control
) -> None:
    lease = client.ask("claimTask", body={"workerId": "daemon-1", "leaseDurationSec": 60}).json()["lease"]
    queue.advance(40)
    renewed = client.ask("renewLease", "task1", body={"workerId": "daemon-1", "extendSec": 120}).json()["lease"]
    assert renewed["claimedAt"] == lease["claimedAt"]
    assert lasts(renewed, "renewedAt", 120)
    passed_s = 40 if target.can(Ability.WORKER_CLOCK) else 0
    assert seconds_between(lease["claimedAt"], renewed["renewedAt"]) >= passed_s
    queue.advance(100)
    assert claim(client, "daemon-2") == "task2"
    queue.advance(30)
    assert claim(client, "daemon-3") == "task1"


@pytest.mark.usefixtures("queue")
def test_only_the_holder_can_renew_or_release(client: Client) -> None:
    assert claim(client, "daemon-1") == "task1"
    assert client.ask("renewLease", "task1", body={"workerId": "daemon-2"}).status_code == 403
    assert client.ask("releaseLease", "task1", body={"workerId": "daemon-2"}).status_code == 403
    assert claim(client, "daemon-2") == "task2"
    assert client.ask("renewLease", "task1", body={"workerId": "daemon-1"}).status_code == 200


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize("body", [{"workerId": "daemon-1", "reason": "shutting down"}, {"workerId": "daemon-1"}, {}])
def test_a_released_task_can_be_claimed_at_once(body: dict[str, str], client: Client) -> None:
    assert claim(client, "daemon-1") == "task1"
    assert client.ask("releaseLease", "task1", body=body).json()["success"] is True
    assert claim(client, "daemon-2") == "task1"


@pytest.mark.usefixtures("queue")
def test_releasing_what_nobody_holds_succeeds_and_renewing_it_does_not(client: Client) -> None:
    for task_id in ("task1", "no-such-task"):
        assert client.ask("releaseLease", task_id, body={"workerId": "daemon-1"}).status_code == 200
        assert client.ask("renewLease", task_id, body={"workerId": "daemon-1"}).status_code == 403


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize("status", ["pending", "claimed", "completed", "failed"])
def test_a_status_is_written_into_the_task_and_nothing_else_changes(status: str, client: Client) -> None:
    answer = client.ask("updateTaskStatus", "task2", body={"status": status}).json()
    assert answer == {"success": True, "status": status}
    task = client.ask("getTask", "task2").json()
    assert isinstance(task.pop("updatedAt"), str)
    assert task == entries.task("task2", status=status)
    assert client.ask("listPendingTasks").json()["count"] == 3


def test_fields_the_worker_does_not_know_are_kept(client: Client, control: Control) -> None:
    extra: Fields = {
        "skillHints": ["french"],
        "delegationHints": {"to": "lena"},
        "x-unknown": [1, {"deep": None}],
        "größe": "ß",
    }
    control.start_with([entries.new_task("task1", **extra)])
    assert client.ask("updateTaskStatus", "task1", body={"status": "claimed"}).status_code == 200
    task = client.ask("getTask", "task1").json()
    assert picked(task, extra) == extra
    claimed = client.ask("claimTask", body={"workerId": "daemon-1"}).json()
    assert claimed["task"] == task


@pytest.mark.usefixtures("queue")
def test_a_task_that_does_not_exist_can_be_neither_read_nor_marked_and_has_no_result(client: Client) -> None:
    assert client.ask("getTask", "no-such-task").status_code == 404
    assert client.ask("getResult", "no-such-task").status_code == 404
    assert client.ask("updateTaskStatus", "no-such-task", body={"status": "failed"}).status_code == 404
    assert client.ask("getTask", "no-such-task").status_code == 404


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize(
    "outcome",
    [
        {"success": True},
        {"success": False, "error": "The test database did not answer"},
        {"success": True, "output": None},
        {"success": True, "output": [1, "two", {"three": [True, None]}]},
        {"success": True, "output": '€ 🚀 \u0000 \\ "'},
        {"success": True, "output": {"": {"__proto__": 1}}},
    ],
    ids=repr,
)
def test_a_result_is_read_back_as_it_was_posted(outcome: dict[str, object], client: Client) -> None:
    assert client.ask("postResult", "task1", body=outcome).status_code == 200
    assert client.ask("getResult", "task1").json() == outcome


@pytest.mark.usefixtures("queue")
def test_a_second_result_replaces_the_first(client: Client) -> None:
    for outcome in ({"success": False, "error": "gave up"}, {"success": True, "output": "done after all"}):
        assert client.ask("postResult", "task1", body=outcome).status_code == 200
        assert client.ask("getResult", "task1").json() == outcome


@pytest.mark.formats("new", "dual")
@pytest.mark.usefixtures("queue")
def test_a_result_ends_the_lease_so_that_a_task_of_the_same_id_starts_free(client: Client, control: Control) -> None:
    assert claim(client, "daemon-1") == "task1"
    assert client.ask("postResult", "task1", body={"success": True}).status_code == 200
    control.enqueue({"id": "task1", **QUEUED})
    assert claim(client, "daemon-2") == "task1"


def test_tasks_and_results_live_for_an_hour(client: Client, queue: Control) -> None:
    assert client.ask("postResult", "task3", body={"success": True}).status_code == 200
    queue.advance(LIFETIME_S - 30)
    assert client.ask("getTask", "task1").status_code == 200
    assert client.ask("getResult", "task3").status_code == 200
    queue.advance(40)
    assert client.ask("getTask", "task1").status_code == 404
    assert client.ask("getResult", "task3").status_code == 404
    assert client.ask("listPendingTasks").json()["pending"] == []


@pytest.mark.formats("new", "dual")
def test_a_new_status_gives_a_task_another_hour(client: Client, queue: Control) -> None:
    queue.advance(LIFETIME_S - 600)
    assert client.ask("updateTaskStatus", "task2", body={"status": "failed"}).status_code == 200
    queue.advance(LIFETIME_S - 30)
    assert client.ask("listPendingTasks").json()["pending"] == ["task2"]
    queue.advance(40)
    assert client.ask("listPendingTasks").json()["pending"] == []


def picked(task: dict[str, object], names: Iterable[str]) -> dict[str, object]:
    return {name: task[name] for name in names}


def test_the_longest_id_and_the_longest_name_of_a_worker_are_kept_as_they_are(client: Client, control: Control) -> None:
    task_id, worker_id = "Az-9" * 16, f" {'w ' * 63}"
    assert (len(task_id), len(worker_id)) == (64, 127)
    control.start_with([entries.new_task(task_id)])
    assert claim(client, worker_id) == task_id
    assert client.ask("renewLease", task_id, body={"workerId": worker_id}).json()["lease"]["workerId"] == worker_id
    assert client.ask("renewLease", task_id, body={"workerId": worker_id.strip()}).status_code == 403
    assert client.ask("updateTaskStatus", task_id, body={"status": "claimed"}).status_code == 200
    assert client.ask("postResult", task_id, body=entries.OUTCOME).status_code == 200
    assert client.ask("getResult", task_id).json() == entries.OUTCOME


def test_a_long_result_is_kept_whole(client: Client, control: Control) -> None:
    control.reset()
    outcome = {"success": True, "output": {"rows": [[each, str(each)] for each in range(3000)], "log": "é" * 100_000}}
    assert client.ask("postResult", "task1", body=outcome).status_code == 200
    assert client.ask("getResult", "task1").json() == outcome


@pytest.mark.usefixtures("queue")
def test_a_new_status_says_when_it_was_set(client: Client) -> None:
    claimed = client.ask("claimTask", body={"workerId": "daemon-1"}).json()
    client.ask("updateTaskStatus", claimed["taskId"], body={"status": "claimed"})
    updated = client.ask("getTask", claimed["taskId"]).json()["updatedAt"]
    assert -1 <= seconds_between(claimed["lease"]["claimedAt"], updated) < 60
