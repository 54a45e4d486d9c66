"""What every deployment turns down, and that it leaves no trace.

A table, because a generator of invalid requests cannot serve here: deployments may take more than the portable range.
"""

import re
from collections.abc import Container
from dataclasses import dataclass

import httpx
import pytest

from queue_contracts.checks.client import Client
from queue_contracts.checks.test_description import ROUTES
from queue_contracts.described.operations import packaged_description
from queue_contracts.sending.parts import Parts
from queue_contracts.targets import entries
from queue_contracts.targets.control import Control
from queue_contracts.targets.target import Target, scope_of

pytestmark = pytest.mark.purpose(404)
HOLDER, FREE, HELD = "holder", "b-free", "a-held"
HELD_FOR_S = 300


@dataclass(frozen=True)
class Refusal:
    """A body no deployment takes. `why` completes "... is refused because"."""

    operation_id: str
    why: str
    content: bytes

    def __str__(self) -> str:
        return f"{self.operation_id}: {self.why}"


NOT_AN_OBJECT = {
    "there is no body": b"",
    "it is not JSON": b"workerId=holder",
    "it is cut off": b'{"workerId": "holder"',
    "something follows the object": b'{"workerId": "holder"} {}',
    "it uses single quotes": b"{'workerId': 'holder'}",
    "it ends in a comma": b'{"workerId": "holder",}',
    "NaN is not JSON": b'{"workerId": "holder", "extendSec": NaN, "leaseDurationSec": NaN, "output": NaN}',
    "Infinity is not JSON": b'{"success": true, "status": "failed", "output": Infinity}',
    "it is an array": b'[{"workerId": "holder"}]',
    "it is a string": b'"holder"',
    "it is a number": b"300",
    "it is true": b"true",
    "it is null": b"null",
}
WRONG_FIELDS = {
    "claimTask": {
        "workerId is a number": b'{"workerId": 7}',
        "workerId is an object": b'{"workerId": {"name": "holder"}}',
        "leaseDurationSec is text": b'{"workerId": "holder", "leaseDurationSec": "300"}',
        "leaseDurationSec is true": b'{"workerId": "holder", "leaseDurationSec": true}',
        "leaseDurationSec is an array": b'{"workerId": "holder", "leaseDurationSec": [300]}',
        "leaseDurationSec is not whole": b'{"workerId": "holder", "leaseDurationSec": 90.5}',
        "KV keeps no lease of 59 seconds": b'{"workerId": "holder", "leaseDurationSec": 59}',
        "KV keeps no lease of a second": b'{"workerId": "holder", "leaseDurationSec": 1}',
        "leaseDurationSec is negative": b'{"workerId": "holder", "leaseDurationSec": -300}',
    },
    "releaseLease": {
        "workerId is a number": b'{"workerId": 7}',
        "workerId is an array": b'{"workerId": ["holder"]}',
        "reason is an object": b'{"workerId": "holder", "reason": {}}',
    },
    "renewLease": {
        "workerId is missing": b"{}",
        "workerId is empty": b'{"workerId": ""}',
        "workerId is null": b'{"workerId": null}',
        "workerId is an array": b'{"workerId": ["holder"]}',
        "extendSec is text": b'{"workerId": "holder", "extendSec": "300"}',
        "extendSec is not whole": b'{"workerId": "holder", "extendSec": 90.5}',
        "KV keeps no lease of 59 seconds": b'{"workerId": "holder", "extendSec": 59}',
        "KV keeps no lease of a second": b'{"workerId": "holder", "extendSec": 1}',
        "extendSec is negative": b'{"workerId": "holder", "extendSec": -1}',
    },
    "updateTaskStatus": {
        "status is missing": b"{}",
        "status is empty": b'{"status": ""}',
        "status is a number": b'{"status": 1}',
        "status is null": b'{"status": null}',
        "status is an array": b'{"status": ["failed"]}',
    },
    # Results of another shape than the portable one are taken by some deployments, as long as they are objects.
    "postResult": {},
}
REFUSALS = [
    Refusal(operation_id, why, content)
    for operation_id, fields in WRONG_FIELDS.items()
    for why, content in [*NOT_AN_OBJECT.items(), *fields.items()]
]


@pytest.fixture
def stocked(control: Control) -> None:
    """A task under a lease that ends in five minutes, and a free one behind it."""
    control.start_with(
        [
            entries.new_task(HELD),
            entries.new_lease(HELD, HOLDER, HELD_FOR_S),
            entries.new_task(FREE),
        ]
    )


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_body_that_is_not_understood_is_refused_and_leaves_no_trace(
    refusal: Refusal, client: Client, control: Control
) -> None:
    response = client.ask(refusal.operation_id, HELD, content=refusal.content)

    assert response.status_code == 400
    assert_nothing_was_written(client, control)


def assert_nothing_was_written(client: Client, control: Control) -> None:
    """Tasks and results show themselves; a lease shows in who can claim what, and when."""
    assert client.ask("listPendingTasks").json()["pending"] == [HELD, FREE]
    assert client.ask("getTask", HELD).json() == entries.task(HELD)
    assert client.ask("getResult", HELD).status_code == 404
    assert client.ask("claimTask", body={"workerId": "next", "leaseDurationSec": 600}).json().get("taskId") == FREE
    control.advance(HELD_FOR_S + 1)
    assert client.ask("claimTask", body={"workerId": "next"}).json().get("taskId") == HELD


def test_a_lease_asked_for_beyond_ten_minutes_is_shortened_or_refused(client: Client, control: Control) -> None:
    control.start_with([entries.new_task(FREE)])
    response = client.ask("claimTask", body={"workerId": HOLDER, "leaseDurationSec": 86_400})
    if response.status_code == 400:
        assert client.ask("claimTask", body={"workerId": "next"}).json()["success"] is True
    else:
        assert response.status_code == 200
        control.advance(601)
        assert client.ask("claimTask", body={"workerId": "next"}).json()["success"] is True


METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
PATHS = sorted({route.split(" ")[1].replace("{id}", "task1") for route in ROUTES})


def methods_of(path: str, missing: Container[str] = ()) -> set[str]:
    """The methods described for a path, but of operations that are missing; one path can fit several templates."""
    return {
        each.method
        for each in packaged_description().operations.values()
        if each.id not in missing and re.fullmatch(each.template.replace("{id}", "[^/]+"), path)
    }


UNDESCRIBED = [(method, path) for path in PATHS for method in METHODS if method not in methods_of(path)]


@pytest.mark.parametrize(("method", "path"), UNDESCRIBED)
def test_a_known_path_with_another_method_is_not_found_or_says_which_it_takes(
    method: str, path: str, target: Target, http: httpx.Client, parts: Parts
) -> None:
    response = with_key(http, target, method, path)
    if response.status_code == 405:
        allowed = {name.strip() for name in response.headers["Allow"].split(",")}
        assert methods_of(path, parts.missing) <= allowed
        assert method not in allowed
    else:
        assert response.status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/api/queue/",
        "/api/queue/task1/",
        "/api/queue/task1/unknown",
        "/api/queue/task1/renew/now",
        "/api/result",
        "/api/result/task1/output",
        "/api/migrate",
        "/api/migrate/status/now",
        "/api/nothing",
        "/api",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_not_found(method: str, path: str, target: Target, http: httpx.Client) -> None:
    assert with_key(http, target, method, path).status_code == 404


def with_key(http: httpx.Client, target: Target, method: str, path: str) -> httpx.Response:
    return http.request(method, target.url + path, headers={"X-API-Key": target.key(scope_of(path))})
