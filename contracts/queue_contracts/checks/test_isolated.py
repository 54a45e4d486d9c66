"""What can be held of a queue that others use, by tasks and leases of the run's own, put there past the Worker."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from queue_contracts.checks.client import Client
from queue_contracts.checks.settling import Passing, real_time, settle
from queue_contracts.targets import entries
from queue_contracts.targets.storage import Storage

pytestmark = [pytest.mark.profiles("isolated"), pytest.mark.requests(60), pytest.mark.purpose(400, 404)]
# KV takes one write a second to one key: https://developers.cloudflare.com/kv/platform/limits/
BETWEEN_WRITES_S = 1.2
HOLDER = "ct-holder"
NOT_UNDERSTOOD = {"not JSON": b"{not json", "no object": b"[]", "cut off": b'{"workerId": "'}


@dataclass(frozen=True)
class Held:
    """A task of this run under a lease of ten minutes."""

    task_id: str
    passing: Passing

    def between_writes(self) -> None:
        self.passing.wait(BETWEEN_WRITES_S)

    def reads(self, client: Client, operation_id: str, status: int, *, before: int) -> None:
        """Until a GET of it answers this status; the one of before may last a while."""
        settle(
            lambda: client.ask(operation_id, self.task_id).status_code,
            seen=lambda seen: seen == status,
            before=lambda seen: seen == before,
            passing=self.passing,
        )


@pytest.fixture
def held(client: Client, storage: Storage, own_id: Callable[[str], str]) -> Held:
    held = Held(own_id("held"), real_time())
    storage.seed([entries.new_task(held.task_id), entries.new_lease(held.task_id, HOLDER, 600)])
    held.reads(client, "getTask", 200, before=404)
    return held


def test_only_its_holder_renews_and_releases_a_lease(held: Held, client: Client) -> None:
    renewed = client.ask("renewLease", held.task_id, body={"workerId": HOLDER, "extendSec": 300})
    assert renewed.status_code == 200
    assert renewed.json()["lease"]["workerId"] == HOLDER
    assert client.ask("renewLease", held.task_id, body={"workerId": "ct-other"}).status_code == 403
    assert client.ask("releaseLease", held.task_id, body={"workerId": "ct-other"}).status_code == 403
    held.between_writes()
    assert client.ask("releaseLease", held.task_id, body={"workerId": HOLDER}).json()["success"] is True


def test_a_task_is_read_marked_and_ended_by_its_result(held: Held, client: Client) -> None:
    assert client.ask("getTask", held.task_id).json() == entries.task(held.task_id)
    assert client.ask("updateTaskStatus", held.task_id, body={"status": "failed"}).status_code == 200
    settle(
        lambda: client.ask("getTask", held.task_id).json().get("status"),
        seen=lambda status: status == "failed",
        before=lambda status: status == "pending",
        passing=held.passing,
    )
    held.between_writes()
    outcome = {"success": False, "error": "gave up"}
    assert client.ask("postResult", held.task_id, body=outcome).status_code == 200
    held.reads(client, "getResult", 200, before=404)
    assert client.ask("getResult", held.task_id).json() == outcome
    held.reads(client, "getTask", 404, before=200)


@pytest.mark.parametrize("operation_id", ["releaseLease", "renewLease", "updateTaskStatus", "postResult"])
@pytest.mark.parametrize("why", NOT_UNDERSTOOD)
def test_a_body_that_is_not_understood_is_refused(operation_id: str, why: str, held: Held, client: Client) -> None:
    assert client.ask(operation_id, held.task_id, content=NOT_UNDERSTOOD[why]).status_code == 400
    assert client.ask("getTask", held.task_id).json() == entries.task(held.task_id)


def test_a_claim_takes_a_task_of_this_run_and_its_lease_holds(held: Held, client: Client) -> None:
    """Only where the queue holds nothing else: a claim takes whatever is first."""
    client.ask("releaseLease", held.task_id, body={"workerId": HOLDER})

    def claim() -> str | None:
        answer = client.ask("claimTask", body={"workerId": HOLDER, "leaseDurationSec": 60}).json()
        return answer.get("taskId") if answer["success"] else None

    claimed = settle(claim, seen=lambda each: each is not None, before=lambda each: each is None, passing=held.passing)
    held.between_writes()
    assert claimed.value is not None
    assert client.ask("releaseLease", claimed.value, body={"workerId": HOLDER}).status_code == 200
