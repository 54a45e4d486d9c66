"""Operations belong to a run only while nothing else can have made them."""

import pytest

from queue_emulator.core.errors import OperationBudgetError
from queue_emulator.kv.operation import Invocation
from queue_emulator.workerd.invocations import OUTSIDE, SEVERAL, WAIT_UNTIL_MS_MAX, Invocations
from queue_emulator.workerd.routes import route_of


def begun(invocations: Invocations, name: str, *, location: str = "SJC") -> Invocation:
    """A run that has just begun."""
    invocation = Invocation(name=name, route=f"GET /{name}")
    invocations.begin(location, invocation)
    return invocation


def asked_by(invocations: Invocations, location: str = "SJC") -> tuple[str, str]:
    """Who makes an operation, which counts as one of its own."""
    caller = invocations.caller(location)
    caller.spend()
    return caller.name, caller.route


def test_a_run_alone_is_counted_until_its_end_is_reported() -> None:
    invocations = Invocations()
    run = begun(invocations, "a")
    assert asked_by(invocations) == ("a", "GET /a")
    assert asked_by(invocations, "NRT") == ("", OUTSIDE)
    invocations.end("SJC", "a")
    assert (asked_by(invocations), run.counted) == (("", OUTSIDE), 1)


def test_runs_that_overlap_are_not_told_apart_and_not_counted() -> None:
    invocations = Invocations()
    first, second = begun(invocations, "a"), begun(invocations, "b")
    assert asked_by(invocations) == ("", SEVERAL)
    invocations.end("SJC", "a")
    assert asked_by(invocations) == ("b", "GET /b")
    assert (first.counted, second.counted) == (None, None)


def test_whoever_asks_is_of_the_version_whose_runs_these_are() -> None:
    invocations = Invocations(version="old")
    assert invocations.caller("SJC").worker_version == "old"
    run = begun(invocations, "a")
    assert invocations.caller("SJC") is run
    assert run.worker_version == "old"


def test_what_nobody_can_be_told_to_have_asked_has_no_budget_to_spend() -> None:
    invocations = Invocations()
    for _ in range(2_000):
        asked_by(invocations)


def test_locations_do_not_disturb_each_other() -> None:
    invocations = Invocations()
    begun(invocations, "a")
    begun(invocations, "b", location="NRT")
    assert [asked_by(invocations, each)[0] for each in ("SJC", "NRT")] == ["a", "b"]


def test_a_run_that_is_never_reported_ends_when_nothing_of_it_can_go_on() -> None:
    passed_ms = [0.0]
    invocations = Invocations(elapsed_ms=lambda: passed_ms[0])
    begun(invocations, "never-reported")
    begun(invocations, "with-a-client-that-stays")
    begun(invocations, "elsewhere", location="NRT")
    invocations.disconnected("SJC", "never-reported")
    passed_ms[0] += WAIT_UNTIL_MS_MAX
    assert asked_by(invocations) == ("", SEVERAL)
    passed_ms[0] += 1
    assert asked_by(invocations) == ("with-a-client-that-stays", "GET /with-a-client-that-stays")
    assert asked_by(invocations, "NRT") == ("elsewhere", "GET /elsewhere")
    invocations.end("SJC", "with-a-client-that-stays")
    following = begun(invocations, "next")
    assert not following.mixed
    following.operations = 1_000
    with pytest.raises(OperationBudgetError):
        asked_by(invocations)


def test_a_run_that_was_reported_before_its_connection_ended_is_not_kept() -> None:
    invocations = Invocations()
    begun(invocations, "a")
    invocations.end("SJC", "a")
    invocations.disconnected("SJC", "a")
    assert not begun(invocations, "b").mixed


def test_a_runtime_that_died_leaves_no_run_behind() -> None:
    invocations = Invocations()
    begun(invocations, "a")
    invocations.clear()
    assert not begun(invocations, "b").mixed


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
        ("GET", b"/123", "GET /{id}"),
        ("GET", b"/0b5c8f0e-7a1d-4c3b-9e55-1f2d3c4b5a69/x", "GET /{id}/…"),
        ("GET", b"/2024-in-review", "GET /2024-in-review"),
        ("GET", b"/" + b"x" * 100, "GET /" + "x" * 40),
    ],
)
def test_a_request_is_counted_under_a_route_of_which_there_are_few(method: str, path: bytes, route: str) -> None:
    assert route_of(method, path) == route
