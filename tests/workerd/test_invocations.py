"""Operations belong to a run only while nothing else can have made them."""

import pytest

from queue_emulator.core.errors import OperationBudgetError
from queue_emulator.kv.gate import Caller
from queue_emulator.workerd.invocations import OUTSIDE, SEVERAL, WAIT_UNTIL_MS_MAX, Invocations
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


def test_a_run_that_is_never_reported_ends_when_nothing_of_it_can_go_on() -> None:
    passed_ms = [0.0]
    invocations = Invocations(1, elapsed_ms=lambda: passed_ms[0])
    invocations.begin("SJC", "never reported", "GET /a")
    invocations.begin("SJC", "with a client that stays", "GET /b")
    invocations.begin("NRT", "elsewhere", "GET /c")
    invocations.disconnected("SJC", "never reported")
    passed_ms[0] += WAIT_UNTIL_MS_MAX
    assert invocations.count("SJC") == Caller("", SEVERAL)
    passed_ms[0] += 1
    assert invocations.count("SJC") == Caller("with a client that stays", "GET /b")
    assert invocations.count("NRT") == Caller("elsewhere", "GET /c")
    invocations.end("SJC", "with a client that stays")
    assert invocations.begin("SJC", "next", "GET /d").alone
    invocations.count("SJC")
    with pytest.raises(OperationBudgetError):
        invocations.count("SJC")


def test_a_run_that_was_reported_before_its_connection_ended_is_not_kept() -> None:
    invocations = Invocations(None)
    invocations.begin("SJC", "a", "GET /")
    invocations.end("SJC", "a")
    invocations.disconnected("SJC", "a")
    assert invocations.begin("SJC", "b", "GET /").alone


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
