"""The comparison itself: what it must not overlook, what it must, and that the scenarios leave no answer out."""

import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from queue_contracts.compare.executor import Transcript
from queue_contracts.described.answers import Answer
from queue_emulator.worker.fetch import ROUTES
from tests.scenarios.all_scenarios import SCENARIOS
from tests.scenarios.comparing import differences, player
from tests.scenarios.steps import QUEUE_KEY, Request, Scenario, get, post, scenario, seed
from tests.scenarios.targets.in_process import InProcess
from tests.worker.deployed import task

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


def played(each: Scenario) -> Transcript:
    return player("the Python Worker", InProcess()).play(each)


def with_first(transcript: Transcript, answer: Answer) -> Transcript:
    first, *others = transcript.exchanges
    return replace(transcript, exchanges=(replace(first, answer=answer), *others))


def changed(answer: Answer, old: str, new: str) -> Answer:
    assert old in answer.text()
    return replace(answer, content=answer.text().replace(old, new, 1).encode())


def later_end(answer: Answer) -> Answer:
    lease = json.loads(answer.content)["lease"]
    end = datetime.fromisoformat(lease["expiresAt"]) + timedelta(seconds=1)
    return changed(answer, lease["expiresAt"], end.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


TAMPERINGS: dict[str, Callable[[Answer], Answer]] = {
    "another status": lambda answer: replace(answer, status=answer.status + 1),
    "another content type": lambda answer: replace(
        answer, headers=(("content-type", "application/json; charset=utf-8"),)
    ),
    "another text": lambda answer: changed(answer, '"w"', '"W"'),
    "a space": lambda answer: changed(answer, ":", ": "),
    "an escape": lambda answer: changed(answer, "a", "\\u0061"),
    "another length of the lease": later_end,
    "a stored time that has changed": lambda answer: changed(answer, "11:59:00.000Z", "11:59:00.001Z"),
    "no body": lambda answer: replace(answer, content=b""),
}


@pytest.mark.parametrize("tamper", TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_any_change_of_an_answer_is_told(tamper: Callable[[Answer], Answer]) -> None:
    transcript = played(SHORT)
    assert not differences(SHORT, transcript, transcript)
    told = differences(SHORT, transcript, with_first(transcript, tamper(transcript.exchanges[0].answer)))
    assert "curl -i " in told
    assert '--data-raw \'{"workerId":"w"}\' http://worker.test/api/queue/claim' in told
    assert QUEUE_KEY not in told


def test_a_kv_call_that_is_missing_or_in_another_place_is_told() -> None:
    transcript = played(SHORT)
    assert transcript.kv_calls is not None
    first, second, *others = transcript.kv_calls
    for calls in ((second, *others), (second, first, *others)):
        assert "KV calls" in differences(SHORT, transcript, replace(transcript, kv_calls=calls))
    assert not differences(SHORT, transcript, replace(transcript, kv_calls=None))


def test_an_answer_is_wrong_too_if_both_targets_give_it() -> None:
    wrong = scenario("a wrong expectation", get("/api/queue/b", 200))
    transcript = played(wrong)
    assert "404 but the contract says 200" in differences(wrong, transcript, transcript)


def test_a_text_that_would_stand_for_an_id_is_no_part_of_a_scenario() -> None:
    with pytest.raises(AssertionError, match="'b' would stand for something else"):
        scenario("a name", get("/api/queue/{b}"))


def test_every_answer_of_every_route_is_asked_for() -> None:
    asked: dict[str, set[int]] = defaultdict(set)
    for each in SCENARIOS:
        for step in each.steps:
            if isinstance(step, Request):
                asked[_route(step)].update(step.statuses)
    assert {name: asked[name] for name in ANSWERS} == ANSWERS


def _route(request: Request) -> str:
    path = request.path.partition("?")[0]
    for route in ROUTES:
        if route.method == request.method and re.fullmatch(route.template.replace("{id}", "[^/]+"), path):
            return f"{route.method} {route.template}"
    return "none"
