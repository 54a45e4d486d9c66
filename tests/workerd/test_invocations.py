"""Operations belong to a run only while nothing else can have made them."""

import pytest

from queue_emulator.core.errors import OperationBudgetError
from queue_emulator.kv.gate import Caller
from queue_emulator.workerd.invocations import OUTSIDE, SEVERAL, Invocations
from queue_emulator.workerd.routes import route_of


def test_a_run_alone_is_counted_until_its_end_is_reported() -> None:
    invocations = Invocations(None)
    run = invocations.begin("SJC", "a", "GET /")
    assert invocations.count("SJC") == Caller("a", "GET /")
    assert invocations.count("NRT") == Caller("", OUTSIDE)
    invocations.end("SJC", "a")
    assert (invocations.count("SJC"), run.counted) == (Caller("", OUTSIDE), 1)


def test_runs_that_overlap_are_not_told_apart_and_not_counted() -> None:
    invocations = Invocations(1)
    first = invocations.begin("SJC", "a", "GET /a")
    second = invocations.begin("SJC", "b", "GET /b")
    assert invocations.count("SJC") == Caller("", SEVERAL)
    invocations.end("SJC", "a")
    assert invocations.count("SJC") == Caller("b", "GET /b")
    assert (first.counted, second.counted) == (None, None)


def test_locations_do_not_disturb_each_other() -> None:
    invocations = Invocations(None)
    invocations.begin("SJC", "a", "GET /a")
    invocations.begin("NRT", "b", "GET /b")
    assert [invocations.count(each).invocation for each in ("SJC", "NRT")] == ["a", "b"]


def test_the_operation_past_the_budget_is_refused_and_not_counted() -> None:
    invocations = Invocations(2)
    run = invocations.begin("SJC", "a", "GET /")
    invocations.count("SJC")
    invocations.count("SJC")
    with pytest.raises(OperationBudgetError):
        invocations.count("SJC")
    assert run.counted == 2


def test_a_runtime_that_died_leaves_no_run_behind() -> None:
    invocations = Invocations(None)
    invocations.begin("SJC", "a", "GET /")
    invocations.clear()
    assert invocations.begin("SJC", "b", "GET /").alone


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", b"/api/queue", "GET /api/queue"),
        ("GET", b"/api/queue/task-1", "GET /api/queue/{id}"),
        ("POST", b"/api/queue/claim", "POST /api/queue/claim"),
        ("GET", b"/api/x/../queue", "GET /api/queue"),
        ("PUT", b"/api/queue/task-1", "PUT /api/…"),
        ("GET", b"/", "GET /"),
        ("GET", b"/users/123", "GET /users/…"),
        ("GET", b"/" + b"x" * 100, "GET /" + "x" * 40),
    ],
)
def test_a_request_is_counted_under_a_route_of_which_there_are_few(method: str, path: bytes, route: str) -> None:
    assert route_of(method, path) == route
