"""A migration of whole queues, looked at in KV itself: what is counted, moved, kept and lost, and how long it lives."""

import json
import time
from collections.abc import Mapping

import httpx
import msgspec
import pytest
from schemathesis import checks

from queue_contracts.checks.client import CONFORMANCE, Client
from queue_contracts.checks.made_data import old_queue
from queue_contracts.checks.migrating import Counts, Held, Namespace, held, migrated, rolled_back, status
from queue_contracts.packaged import old_format
from queue_contracts.targets import entries
from queue_contracts.targets.control import Control
from queue_contracts.targets.entries import NEW_LEASE, NEW_TASK
from queue_contracts.targets.key_names import is_of_the_queue
from queue_contracts.targets.storage import Entry
from queue_contracts.targets.target import Scope

pytestmark = [pytest.mark.disposable, pytest.mark.slow]

FILES = sorted(old_format().glob("*.json"))
MADE = range(12)
# KV counts in whole seconds, and so does the Worker.
TOLERANCE_S = 2
DESCRIBED = [check for check in CONFORMANCE if check is not checks.not_a_server_error]


CUT_OFF = [
    entries.entry(entries.OLD_PENDING, '["task1", "ta'),
    entries.old_task("task1"),
    entries.old_lease("task1", "daemon-1"),
]


STOCKS: Mapping[str, list[Entry]] = {
    **{path.name: json.loads(path.read_text("utf-8")) for path in FILES},
    **{f"made-{number}": old_queue(number) for number in MADE},
    "list-cut-off": CUT_OFF,
}
every_stock = pytest.mark.parametrize("stock", list(STOCKS.values()), ids=list(STOCKS))


class Part(msgspec.Struct):
    """What a run reports of one kind."""

    migrated: int
    failed: int
    errors: list[object] = []


class Report(msgspec.Struct, rename="camel"):
    """What a run reports; only some deployments sum it up."""

    tasks: Part
    leases: Part
    total_migrated: int | None = None
    total_failed: int | None = None
    errors: list[object] = []


@every_stock
def test_the_status_counts_what_is_there(stock: list[Entry], client: Client, control: Control) -> None:
    control.start_with(stock)
    shown_as_counted(client, held(control.dump()))


@every_stock
def test_a_run_moves_what_can_be_moved_and_reports_the_truth(
    stock: list[Entry], client: Client, control: Control
) -> None:
    control.start_with(stock)
    before, began_s = held(control.dump()), time.time()
    expected = migrated(before, began_s)

    response = ask(client, "runMigration")

    assert response.status_code == expected.status
    same(held(control.dump()), expected.after, took_s=time.time() - began_s)
    reported(response, expected.tasks, expected.leases)
    shown_as_counted(client, held(control.dump()))


@every_stock
def test_a_second_run_moves_nothing_that_the_first_has_left(
    stock: list[Entry], client: Client, control: Control
) -> None:
    control.start_with(stock)
    ask(client, "runMigration")
    left, began_s = held(control.dump()), time.time()
    expected = migrated(left, began_s)

    response = ask(client, "runMigration")

    assert response.status_code == expected.status
    same(held(control.dump()), expected.after, took_s=time.time() - began_s)
    if not expected.needed:
        reported(response, Counts(), Counts())
        same(expected.after, left)


@every_stock
def test_a_rollback_deletes_what_is_new_and_brings_nothing_back(
    stock: list[Entry], client: Client, control: Control
) -> None:
    control.start_with(stock)
    ask(client, "runMigration")
    before = held(control.dump())
    left = rolled_back(before)

    answer = client.ask("rollbackMigration").json()

    assert answer["deleted"] == len(before) - len(left)
    same(held(control.dump()), left)
    shown_as_counted(client, left)


def test_a_rollback_before_the_migration_leaves_everything_to_migrate(client: Client, control: Control) -> None:
    control.start_with(old_queue(1))
    before = held(control.dump())
    client.ask("rollbackMigration")
    assert held(control.dump(NEW_TASK)) == held(control.dump(NEW_LEASE)) == {}
    same(held(control.dump()), rolled_back(before))


def ask(client: Client, operation_id: str) -> httpx.Response:
    """As `client.ask`, of a status that may not be told: its 500 is a described answer like any other."""
    operation = client.description.find_operation_by_id(operation_id)
    headers = {"X-API-Key": client.target.key(Scope.ADMIN)}
    response = client.http.request(operation.method.upper(), client.target.url + operation.path, headers=headers)
    operation.Case().validate_response(response, checks=DESCRIBED)
    return response


def shown_as_counted(client: Client, namespace: Mapping[str, Held]) -> None:
    """The status says what is in KV, or that it cannot be said."""
    counted = status(namespace)
    response = ask(client, "getMigrationStatus")
    if counted is None:
        assert response.status_code == 500
        return
    assert response.status_code == 200
    assert response.json()["status"] == counted
    assert response.json()["needsMigration"] is counted["oldFormatExists"]


def reported(response: httpx.Response, tasks: Counts, leases: Counts) -> None:
    """The counts of a run; a line for each failure and for what ended a kind, in its own report and in the whole."""
    report = msgspec.convert(response.json(), Report)
    for kind, part, counts in (("tasks", report.tasks, tasks), ("leases", report.leases, leases)):
        assert (part.migrated, part.failed) == (counts.migrated, counts.failed), kind
        assert len(part.errors) == counts.lines, kind
    if report.total_migrated is not None:
        assert report.total_migrated == tasks.migrated + leases.migrated
        assert report.total_failed == tasks.failed + leases.failed
        assert report.errors == [*report.tasks.errors, *report.leases.errors]


def same(found: Namespace, expected: Mapping[str, Held], *, took_s: float = 0) -> None:
    """The same keys with the same contents, each for as long as it should live, or `took_s` longer.

    Whatever else lies beside the queue's keys is the Worker's own business, but none of what was put in may change.
    """
    assert {key for key in found if key in expected or is_of_the_queue(key)} == set(expected)
    for key, should in expected.items():
        assert found[key].says == should.says, key
        ends_s = found[key].until_s
        assert _ends(ends_s, should.until_s, took_s), f"{key} ends at {ends_s}, not at {should.until_s}"


def _ends(found_s: float | None, expected_s: float | None, took_s: float) -> bool:
    if found_s is None or expected_s is None:
        return found_s is expected_s
    return -TOLERANCE_S <= found_s - expected_s <= took_s + TOLERANCE_S
