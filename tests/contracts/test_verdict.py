"""A run that proves nothing fails, and one that left its profile fails whatever else it found."""

from pathlib import Path

import pytest

from queue_contracts.codes import Code
from queue_contracts.described.operations import packaged_description
from queue_contracts.profiles import Profile
from queue_contracts.report.summary import summary
from queue_contracts.report.verdict import Evidence, Verdict, judge
from queue_contracts.sending.guard import BREACH
from queue_contracts.sending.recorder import Exchange

OPERATIONS = packaged_description().operations


def answered(operation: str, status: int, times: int = 1, *, test: str = "t", key: str = "") -> list[Exchange]:
    described = OPERATIONS[operation]
    url = "https://queue.example.com" + described.template.replace("{id}", "task1")
    own = "$CONTRACT_ADMIN_KEY" if described.template.startswith("/api/migrate") else "$CONTRACT_QUEUE_KEY"
    return [Exchange(described.method, url, {"X-API-Key": key or own}, "", status, {}, "", test, 0.0, 1)] * times


def judged(folder: Path, exchanges: list[Exchange], *, complete: bool = True) -> Verdict:
    return judge(Evidence(folder, exchanges, Profile.DISPOSABLE, {"about 404": {404}}, admin=True, complete=complete))


ALL = [each for operation in OPERATIONS for each in answered(operation, 200, 20)]


def test_a_run_in_which_every_operation_succeeded_proves_something(tmp_path: Path) -> None:
    assert judged(tmp_path, ALL).code(failed=False) is Code.HOLDS
    assert judged(tmp_path, ALL).code(failed=True) is Code.BROKEN


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_that_never_succeeded_is_named(operation: str, tmp_path: Path) -> None:
    others = [each for name in OPERATIONS if name != operation for each in answered(name, 200)]
    verdict = judged(tmp_path, others)
    assert verdict.vacuous == [f"{OPERATIONS[operation].label}: not one request succeeded"]
    assert verdict.code(failed=False) is Code.NOTHING_PROVED
    assert judged(tmp_path, others, complete=False).code(failed=False) is Code.HOLDS


@pytest.mark.parametrize(("status", "times"), [(429, 2), (401, 2), (404, 200)])
def test_too_many_answers_of_a_kind_that_proves_nothing_are_counted_by_operation(
    status: int, times: int, tmp_path: Path
) -> None:
    verdict = judged(tmp_path, ALL + answered("getTask", status, times))
    assert verdict.vacuous == [f"GET /api/queue/{{id}}: {times} of {20 + times} answers were {status}"]


def test_refusals_of_the_other_scopes_key_are_no_sign_of_vacuity(tmp_path: Path) -> None:
    provoked = answered("getTask", 401, 200, key="$CONTRACT_ADMIN_KEY")
    provoked += answered("getMigrationStatus", 401, 200, key="$CONTRACT_QUEUE_KEY")
    assert judged(tmp_path, ALL + provoked).vacuous == []


def test_answers_that_a_check_is_about_are_no_sign_of_vacuity(tmp_path: Path) -> None:
    about = answered("getTask", 404, 200, test="about 404") + answered("getTask", 401, 200, key="[another key]")
    assert judged(tmp_path, ALL + about).vacuous == []


def test_a_breach_fails_the_run_whoever_swallowed_it(tmp_path: Path) -> None:
    (tmp_path / BREACH).write_text("test_x: POST https://elsewhere\n", encoding="utf-8")
    verdict = judged(tmp_path, ALL)
    assert verdict.breaches == ["test_x: POST https://elsewhere"]
    assert verdict.code(failed=False) is verdict.code(failed=True) is Code.NOTHING_PROVED
    assert "STOPPED BY THE GUARD: test_x: POST https://elsewhere" in [*summary([], verdict, [], 1)]


def test_an_operation_that_the_run_excused_is_told_as_not_checked_and_is_no_failure() -> None:
    verdict = Verdict([], [], [], ["GET /api/result/{id}"])
    assert verdict.code(failed=False) is Code.HOLDS
    assert next(summary([], verdict, [], 1)) == (
        "not checked: GET /api/result/{id}: no request to it succeeded, and this run does not require one"
    )


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", "/api/queue", "listPendingTasks"),
        ("POST", "/api/queue/claim", "claimTask"),
        ("GET", "/api/queue/claim", "getTask"),
        ("POST", "/api/queue/claim/renew", "renewLease"),
        ("GET", "/api/queue/", None),
        ("PUT", "/api/queue", None),
    ],
)
def test_a_request_belongs_to_the_operation_that_it_is(method: str, path: str, operation: str | None) -> None:
    found = packaged_description().find(method, path)
    assert (found.id if found else None) == operation
