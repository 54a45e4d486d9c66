"""The comparison itself: what it must not overlook, what it must, and that the scenarios leave no answer out."""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import pytest

from queue_emulator.worker.fetch import ROUTES
from tests.scenarios.all_scenarios import SCENARIOS
from tests.scenarios.differences import differences
from tests.scenarios.masking import mask
from tests.scenarios.playing import Answer, Transcript, play
from tests.scenarios.steps import QUEUE_KEY, Request, get, post, scenario, seed
from tests.scenarios.targets.in_process import InProcess
from tests.worker.deployed import task

LATER, EARLIER = "2030-01-01T00:05:00.000Z", "2030-01-01T00:00:00.000Z"

# Every answer that a route has. 404 beside the routes' own is an unknown path or method, which no route is.
ANSWERS = {
    "GET /api/queue": {200, 401, 500},
    "POST /api/queue/claim": {200, 400, 401, 500},
    "GET /api/queue/{id}": {200, 400, 401, 404, 500},
    "POST /api/queue/{id}/release": {200, 400, 401, 403, 500},
    "POST /api/queue/{id}/renew": {200, 400, 401, 403, 500},
    "POST /api/queue/{id}/status": {200, 400, 401, 404, 500},
    "POST /api/result/{id}": {200, 400, 401, 413, 500},
    "GET /api/result/{id}": {200, 400, 401, 404, 500},
    "GET /api/migrate/status": {200, 401, 404, 500},
    "POST /api/migrate/run": {200, 207, 401, 404},  # and 500 where KV fails at the first look
    "POST /api/migrate/rollback": {200, 401, 404},
}
SHORT = scenario(
    "a claim",
    seed({"queue:task:a": task("a")}),
    post("/api/queue/claim", {"workerId": "w"}),
    get("/api/queue/b", 404),
)


def changed(answer: Answer, old: str, new: str) -> Answer:
    assert old in answer.body
    return replace(answer, body=answer.body.replace(old, new, 1))


TAMPERINGS: dict[str, Callable[[Answer], Answer]] = {
    "another status": lambda answer: replace(answer, status=answer.status + 1),
    "another content type": lambda answer: replace(answer, content_type="application/json; charset=utf-8"),
    "another text": lambda answer: changed(answer, '"w"', '"W"'),
    "a space": lambda answer: changed(answer, ":", ": "),
    "an escape": lambda answer: changed(answer, "a", "\\u0061"),
    "another length of the lease": lambda answer: changed(answer, "300 s", "301 s"),
    "a stored time that has changed": lambda answer: changed(answer, "11:59:00.000Z", "11:59:00.001Z"),
    "no body": lambda answer: replace(answer, body=""),
}


@pytest.mark.parametrize("tamper", TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_any_change_of_an_answer_is_told(tamper: Callable[[Answer], Answer]) -> None:
    played = play(SHORT, InProcess())
    claimed, missed = played.answers
    told = differences(SHORT, played, Transcript((tamper(claimed), missed), played.kv_calls))
    assert "curl -i --path-as-is -X POST" in told
    assert "--data-binary '{\"workerId\":\"w\"}' '$URL/api/queue/claim'" in told
    assert QUEUE_KEY not in told


def test_a_kv_call_that_is_missing_or_in_another_place_is_told() -> None:
    played = play(SHORT, InProcess())
    assert played.kv_calls is not None
    first, second, *others = played.kv_calls
    for calls in ((second, *others), (second, first, *others)):
        assert "KV calls" in differences(SHORT, played, replace(played, kv_calls=calls))
    assert not differences(SHORT, played, replace(played, kv_calls=None))


def test_an_answer_is_wrong_too_if_both_targets_give_it() -> None:
    wrong = scenario("a wrong expectation", get("/api/queue/b", 200))
    played = play(wrong, InProcess())
    assert "expected a 200" in differences(wrong, played, played)


@pytest.mark.parametrize(
    ("body", "masked"),
    [
        (f'{{"queuedAt":"{EARLIER}"}}', '{"queuedAt":"<time>"}'),
        (
            f'{{"claimedAt":"{EARLIER}","expiresAt":"{LATER}"}}',
            '{"claimedAt":"<time>","expiresAt":"<time + 300 s>"}',
        ),
        (f'[{{"claimedAt":"?","expiresAt":"{LATER}"}}]', '[{"claimedAt":"?","expiresAt":"<time>"}]'),
        ('{"workerId":"worker_1795435200000"}', '{"workerId":"<worker>"}'),
        ('{"a":"2026-11-20T09:00:00.000Z","b":"worker_1"}', '{"a":"2026-11-20T09:00:00.000Z","b":"worker_1"}'),
        ("Not found", "Not found"),
    ],
)
def test_only_times_and_names_that_the_worker_made_are_masked(body: str, masked: str) -> None:
    assert mask(body, frozenset({"2026-11-20T09:00:00.000Z"})) == masked


def test_every_answer_of_every_route_is_asked_for() -> None:
    asked: dict[str, set[int]] = defaultdict(set)
    for each in SCENARIOS:
        for step in each.steps:
            if isinstance(step, Request):
                asked[_route(step)].add(step.status)
    assert {name: asked[name] for name in ANSWERS} == ANSWERS


def _route(request: Request) -> str:
    path = request.path.partition("?")[0]
    for route in ROUTES:
        if route.method == request.method and re.fullmatch(route.template.replace("{id}", "[^/]+"), path):
            return f"{route.method} {route.template}"
    return "none"
