"""What declared GETs alone show of a queue that is in use: nothing is written, and nobody's task is touched."""

import re
from collections.abc import Callable, Sequence

import httpx
import pytest
import requests

from queue_contracts.checks.client import Client
from queue_contracts.checks.description import GeneratedCase, load_observing_description
from queue_contracts.checks.test_authentication import WRONG_KEYS, says_unauthorized
from queue_contracts.sending.rules import PORTABLE_ID, is_readable
from queue_contracts.sending.run import Run
from queue_contracts.targets.target import Target, scope_of

pytestmark = [pytest.mark.profiles("observe", "isolated"), pytest.mark.purpose(401, 404)]
OBSERVED = ["/api/queue", "/api/queue/{id}", "/api/result/{id}", "/api/migrate/status"]
LOOKED_AT = 10

generated = load_observing_description()


@pytest.mark.requests(30)
@generated.parametrize()
def test_every_generated_get_has_a_described_answer(
    case: GeneratedCase, target: Target, session: requests.Session
) -> None:
    key = target.key(scope_of(case.operation.path))
    case.call_and_validate(base_url=target.url, session=session, headers={"X-API-Key": key})


@pytest.mark.requests(1 + LOOKED_AT)
def test_what_is_listed_can_be_read(run: Run, client: Client, excuse: Callable[[str, str], None]) -> None:
    listed = client.ask("listPendingTasks").json()
    assert listed["count"] == len(listed["pending"])
    assert listed["pending"] == sorted(listed["pending"], key=str.encode)
    statuses = {task_id: client.ask("getTask", task_id).status_code for task_id in looked_at(listed["pending"])}
    if not run.profile.terms.writes:
        excuse("getResult", "there may be no result to read: a run that only sends GETs cannot make one")
    if not statuses:
        excuse("getTask", why_none_is_read(listed["count"]))
        return
    refused = [task_id for task_id, status in statuses.items() if status == 400]
    assert not refused, (
        f"these ids are listed but refused with 400, so they can be claimed and never finished: {refused}"
    )
    # One may have ended since it was listed, or be listed still; hardly all of them.
    assert 200 in statuses.values(), f"none of {len(statuses)} listed tasks can be read: {[*statuses.values()]}"


def why_none_is_read(listed: int) -> str:
    """Why no listed task was asked for."""
    return (
        f"tasks in the queue: {listed}; this profile may request none of their ids" if listed else "the queue is empty"
    )


def looked_at(listed: Sequence[str]) -> list[str]:
    """At most ten: first up to five that the description does not have, which only webhooks can have put there.

    One that is the path of a claim, or that could lead elsewhere than to a task, is left alone.
    """
    readable = [each for each in listed if is_readable(each)]
    odd = [each for each in readable if not re.fullmatch(PORTABLE_ID, each)][: LOOKED_AT // 2]
    portable = [each for each in readable if re.fullmatch(PORTABLE_ID, each)]
    return [*odd, *portable[: LOOKED_AT - len(odd)]]


@pytest.mark.admin
@pytest.mark.requests(1)
def test_the_status_of_the_migration_agrees_with_itself(client: Client) -> None:
    answer = client.ask("getMigrationStatus").json()
    status = answer["status"]
    assert answer["needsMigration"] is status["oldFormatExists"]
    assert status["newFormatExists"] is (status["newTaskCount"] > 0)
    assert status["oldFormatExists"] or status["oldTaskCount"] == 0


@pytest.mark.requests(2)
def test_an_id_that_nobody_used_is_not_found(client: Client, own_id: Callable[[str], str]) -> None:
    assert client.ask("getTask", own_id("nobodys")).status_code == 404
    assert client.ask("getResult", own_id("nobodys")).status_code == 404


@pytest.mark.requests(1)
@pytest.mark.parametrize("why", WRONG_KEYS)
@pytest.mark.parametrize("path", OBSERVED)
def test_a_wrong_key_reads_nothing(
    path: str, why: str, target: Target, http: httpx.Client, own_id: Callable[[str], str]
) -> None:
    key = WRONG_KEYS[why](target, scope_of(path))
    headers = {} if key is None else {b"X-API-Key": key}
    response = http.get(target.url + path.replace("{id}", own_id("nobodys")), headers=headers)
    assert response.status_code == 401
    assert says_unauthorized(response, scope_of(path))
