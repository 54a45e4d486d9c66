"""What the comparison must notice, what it must call it, and what it must leave alone."""

import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from queue_contracts.compare.comparing import Comparison
from queue_contracts.compare.parser import packaged_sequences
from queue_contracts.compare.steps import Key, Request, Seed, Sequence
from queue_contracts.compare.verdicts import Verdict
from queue_contracts.targets.entries import new_task
from tests.differences_of_targets.conftest import Compare
from tests.differences_of_targets.proxy import Asked, Change, Told

CLAIM = Request("POST", "/api/queue/claim", (200,), "claimTask", body={"workerId": "w"})
LIST = Request("GET", "/api/queue", (200,), "listPendingTasks")
READ = Request("GET", "/api/queue/{a}", (200,), "getTask")
RESULT = Request("POST", "/api/result/{a}", (200,), "postResult", body={"success": False, "error": "no such branch"})
READ_RESULT = Request("GET", "/api/result/{a}", (200,), "getResult")
REFUSED = Request("POST", "/api/queue/claim", (400,), "claimTask", body={"leaseDurationSec": 1})
LONG = Request("POST", "/api/queue/claim", (200, 400), "claimTask", body={"leaseDurationSec": 900})
OPERATOR = Request("GET", "/api/migrate/status", (401,), "getMigrationStatus", key=Key.WRONG)
OTHER_METHOD = Request("PUT", "/api/queue", (404, 405))
TASKS = Seed(tuple({**new_task(f"{{{name}}}")} for name in "abc"))


def sequence(*requests: Request) -> Sequence:
    return Sequence("made up", (TASKS, *requests))


def unchanged(asked: Asked, told: Told) -> Told:
    return told


def body(change: Callable[[Any], Any], path: str = "/api/queue/claim") -> Change:
    """Change the JSON of the answers at a path; the ids of both sides end alike."""

    def changed(asked: Asked, told: Told) -> Told:
        if asked.path.startswith(path) and told.content.startswith((b"{", b"[")):
            told.content = json.dumps(change(json.loads(told.content))).encode()
        return told

    return changed


def with_member(*path: str | int, value: Any) -> Callable[[Any], Any]:
    def changed(given: Any) -> Any:
        inner = given
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value(inner[path[-1]]) if callable(value) else value
        return given

    return changed


def status(number: int, path: str = "/api/queue/claim") -> Change:
    def changed(asked: Asked, told: Told) -> Told:
        if asked.path.startswith(path):
            told.status = number
        return told

    return changed


def refused(asked: Asked, told: Told) -> Told:
    if asked.path != "/api/queue/claim":
        return told
    refusal = {"error": "Validation failed", "details": ["leaseDurationSec: must be at most 600"]}
    return Told(400, told.headers, json.dumps(refusal).encode())


def header(name: str, value: str) -> Change:
    def changed(asked: Asked, told: Told) -> Told:
        kept = {each: text for each, text in told.headers.items() if each.lower() != name}
        return Told(told.status, {**kept, name: value}, told.content)

    return changed


def found(comparison: Comparison) -> list[tuple[Verdict, str]]:
    return [(finding.parting.verdict, finding.parting.field) for finding in comparison.findings]


@pytest.mark.slow
def test_the_emulator_differs_from_itself_in_nothing(compared: Compare) -> None:
    comparison = compared(None, *packaged_sequences())
    assert not comparison.findings
    assert not comparison.skipped
    assert len(comparison.steps) == sum(len(each.requests) for each in packaged_sequences())


BREAKS: Mapping[str, tuple[Request, Change, str]] = {
    "another status": (CLAIM, status(201), "status"),
    "a server error": (CLAIM, status(500), "status"),
    "a missing task where there is one": (READ, status(404, "/api/queue/ct"), "status"),
    "a member that is null": (CLAIM, body(with_member("lease", "workerId", value=None)), "body.lease.workerId"),
    "a number where a time was": (CLAIM, body(with_member("lease", "claimedAt", value=5)), "body.lease.claimedAt"),
    "a time in another form": (
        CLAIM,
        body(with_member("lease", "claimedAt", value=lambda time: time.replace("T", " "))),
        "body.lease.claimedAt",
    ),
    "a lease of another length": (
        CLAIM,
        body(with_member("lease", "expiresAt", value=lambda time: "2099" + time[4:])),
        "body.lease.expiresAt",
    ),
    "a stored time that has changed": (
        CLAIM,
        body(with_member("task", "queuedAt", value="2026-11-20T09:00:00.119Z")),
        "body.task.queuedAt",
    ),
    "a text where a number was": (LIST, body(with_member("count", value=str), "/api/queue"), "body.count"),
    "true where one was": (
        READ,
        body(with_member("metadata", "labels", value=[True]), "/api/queue/ct"),
        "body.metadata.labels[0]",
    ),
    "another order": (LIST, body(with_member("pending", value=lambda ids: ids[::-1]), "/api/queue"), "body.pending[0]"),
    "a task less": (LIST, body(with_member("pending", value=lambda ids: ids[1:]), "/api/queue"), "body.pending"),
    "another task": (
        CLAIM,
        body(with_member("taskId", value=lambda task_id: task_id[:-1] + "b")),
        "body.taskId",
    ),
    "an undescribed member": (CLAIM, body(lambda given: {**given, "extra": 1}), "body"),
    "a changed error in a result, which is data": (
        READ_RESULT,
        body(with_member("error", value="another"), "/api/result"),
        "body.error",
    ),
    "HTML": (CLAIM, header("content-type", "text/html"), "content-type"),
    "JSON that is none": (CLAIM, lambda asked, told: Told(told.status, told.headers, b"{" + told.content), "body"),
    "an empty body": (LIST, lambda asked, told: Told(told.status, told.headers, b""), "body"),
    "a refusal of another kind": (REFUSED, body(lambda given: {"reason": "no"}), "body"),
}


@pytest.mark.parametrize(("request_", "change", "field"), BREAKS.values(), ids=BREAKS.keys())
def test_a_breach_of_the_contract_is_found(request_: Request, change: Change, field: str, compared: Compare) -> None:
    before = (RESULT,) if request_ is READ_RESULT else ()
    comparison = compared(change, sequence(*before, request_))
    assert (Verdict.BREAK, field) in found(comparison)
    assert all(finding.fails for finding in comparison.findings if finding.parting.verdict is Verdict.BREAK)


OTHERS: Mapping[str, tuple[Request, Change, Verdict, str]] = {
    "other words in a refusal": (REFUSED, body(with_member("error", value="No")), Verdict.TEXT, "body.error"),
    "other details": (REFUSED, body(with_member("details", value=["x", "y"])), Verdict.TEXT, "body.details"),
    "no details": (REFUSED, body(lambda given: {"error": given["error"]}), Verdict.TEXT, "body.details"),
    "a charset": (LIST, header("content-type", "application/json; charset=utf-8"), Verdict.TEXT, "content-type"),
    "other words for an unknown request": (
        OTHER_METHOD,
        lambda asked, told: Told(told.status, told.headers, b'{"error":"?"}'),
        Verdict.TEXT,
        "body.error",
    ),
    "405 for another method": (OTHER_METHOD, status(405, "/api"), Verdict.VARIANT, "status"),
    "a long lease that is refused": (LONG, refused, Verdict.VARIANT, "status"),
    "a nonce in the lease": (CLAIM, body(with_member("lease", value=lambda lease: {**lease, "claimNonce": "n"})),
                             Verdict.VARIANT, "body.lease.claimNonce"),
    "JSON for a refused operator": (
        OPERATOR,
        lambda asked, told: Told(told.status, {"content-type": "application/json"}, b'{"error":"Unauthorized"}'),
        Verdict.VARIANT,
        "content-type",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("request_", "change", "verdict", "field"), OTHERS.values(), ids=OTHERS.keys())
def test_what_the_contract_leaves_open_is_no_breach(
    request_: Request, change: Change, verdict: Verdict, field: str, compared: Compare
) -> None:
    assert found(compared(change, sequence(request_))) == [(verdict, field)]


def test_headers_of_the_way_there_and_the_spacing_of_json_are_nothing(compared: Compare) -> None:
    def travelled(asked: Asked, told: Told) -> Told:
        headers = {**told.headers, "cf-ray": f"{id(told)}-NRT", "nel": "{}", "server": "cloudflare"}
        return Told(told.status, headers, json.dumps(json.loads(told.content), indent=1, sort_keys=True).encode())

    assert not compared(travelled, sequence(LIST, CLAIM, READ)).findings


def test_an_allow_header_is_a_set(compared: Compare) -> None:
    answers = itertools.cycle(["GET, HEAD", "HEAD,GET", "GET, POST"])
    seen: list[Told] = []

    def allowing(asked: Asked, told: Told) -> Told:
        told = Told(405, {"Allow": next(answers), "content-type": "text/plain"}, b"no")
        seen.append(told)
        return told

    step = Request("PUT", "/api/queue", (404, 405))
    comparison = compared(allowing, sequence(step))
    assert found(comparison) == [(Verdict.VARIANT, "status")]
    assert len(seen) == 1


def test_an_answer_that_is_wrong_on_both_sides_is_a_breach_on_both(compared: Compare) -> None:
    wrong = Request("GET", "/api/queue/{none}", (200,), "getTask")
    (finding,) = compared(unchanged, sequence(wrong)).findings
    assert finding.parting.verdict is Verdict.BREAK
    assert "emulator: 404 but the contract says 200; changed: 404" in finding.parting.why


def test_what_differs_between_two_runs_on_one_target_is_noise(compared: Compare) -> None:
    counter = itertools.count()
    flapping = body(
        with_member("metadata", "repository", value=lambda text: f"{text} {next(counter)}"), "/api/queue/ct"
    )
    comparison = compared(flapping, sequence(LIST, READ))
    assert found(comparison) == [(Verdict.NOISE, "body.metadata.repository")]
    assert not any(finding.fails for finding in comparison.findings)


def test_noise_hides_no_breach_and_no_change_of_type(compared: Compare) -> None:
    counter = itertools.count()
    more = body(with_member("metadata", value=lambda given: {**given, "seen": next(counter)}), "/api/queue/ct")
    assert found(compared(more, sequence(READ))) == [(Verdict.BREAK, "body.metadata.seen")]

    as_number = body(with_member("metadata", "repository", value=lambda text: next(counter)), "/api/queue/ct")
    assert found(compared(as_number, sequence(READ))) == [(Verdict.BREAK, "body.metadata.repository")]

    def failing_now_and_then(asked: Asked, told: Told) -> Told:
        return Told(500, told.headers, told.content) if next(counter) % 2 else told

    comparison = compared(failing_now_and_then, sequence(LIST, LIST))
    assert (Verdict.BREAK, "status") in found(comparison)
    assert (Verdict.NOISE, "status") not in found(comparison)


def test_a_difference_that_is_always_there_is_no_noise(compared: Compare) -> None:
    comparison = compared(body(with_member("content", value="other"), "/api/queue/ct"), sequence(READ))
    assert found(comparison) == [(Verdict.BREAK, "body.content")]


def test_after_a_write_that_only_one_of_them_did_nothing_more_is_compared(compared: Compare) -> None:
    comparison = compared(refused, sequence(LIST, LONG, LIST, READ))
    assert found(comparison) == [(Verdict.VARIANT, "status")]
    (skipped,) = comparison.skipped
    assert skipped.operations == ("listPendingTasks", "getTask")
    assert "already differed in step 2, claimTask" in skipped.why
    assert len(comparison.steps) == 2


def test_a_sequence_ends_where_there_is_nothing_to_capture(compared: Compare) -> None:
    claim = Request("POST", "/api/queue/claim", (200,), "claimTask", body={}, capture=(("holder", "lease.workerId"),))
    renew = Request("POST", "/api/queue/{a}/renew", (200,), "renewLease", body={"workerId": "{holder}"})
    assert not compared(unchanged, sequence(claim, renew)).findings
    comparison = compared(body(with_member("lease", "workerId", value=7)), sequence(claim, renew))
    assert (Verdict.BREAK, "body.lease.workerId") in found(comparison)
    (skipped,) = comparison.skipped
    assert skipped.why == "changed: the answer does not have 'holder', which a later step needs"


def test_a_target_that_limits_the_rate_is_waited_for_as_it_says(compared: Compare) -> None:
    limited = itertools.count()

    def limiting(asked: Asked, told: Told) -> Told:
        if next(limited) % 2:
            return told
        refusal = {"error": "Too many requests", "retryAfter": 0, "resetAt": "2026-11-20T09:06:00.000Z"}
        return Told(429, {"content-type": "application/json", "Retry-After": "0"}, json.dumps(refusal).encode())

    comparison = compared(limiting, sequence(LIST, READ, LIST))
    assert not comparison.findings
    assert len(comparison.steps) == 3


def test_a_target_that_never_lets_a_request_through_is_not_compared(compared: Compare) -> None:
    refusal = Told(429, {"content-type": "application/json", "Retry-After": "3600"}, b"{}")
    comparison = compared(lambda asked, told: refusal, sequence(LIST, READ))
    (skipped,) = comparison.skipped
    assert "its rate limit" in skipped.why
    assert skipped.operations == ("listPendingTasks", "getTask")
