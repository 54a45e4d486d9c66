"""One request is bounded as a whole: a server that drips would keep every limit of a single read."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, get_ident
from typing import Any

import httpx
import pytest
import requests

from queue_contracts.profiles import Profile
from queue_contracts.sending.guard import Guard
from queue_contracts.sending.limiter import SharedLimiter
from queue_contracts.sending.preflight import objection
from queue_contracts.sending.recorder import Recorder
from queue_contracts.sending.rules import Rules
from queue_contracts.sending.wire import install, remove
from queue_contracts.targets.target import Target
from queue_contracts.untrusted.deadline import BoundedTransport, within
from tests.contracts.deployment import ADMIN_KEY, QUEUE_KEY, Deployment, deployed

GIVEN_S = 0.1
KEY = {"X-API-Key": QUEUE_KEY}
STARTS = [pytest.param(b"HTTP", id="the head"), pytest.param(b"{", id="the body")]


@pytest.fixture(params=STARTS)
def dripping(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    with deployed(Deployment(drip_s=0.02, drips_from=request.param)) as running:
        yield running


@pytest.fixture
def guarded(dripping: Deployment, tmp_path: Path) -> Iterator[None]:
    target = Target(dripping.url, QUEUE_KEY, ADMIN_KEY)
    rules, limiter = Rules(target, Profile.OBSERVE, "ct-"), SharedLimiter(tmp_path, None)
    guard = Guard(rules, limiter, Recorder(tmp_path, target), tmp_path, request_s_max=GIVEN_S)
    install(guard)
    yield
    remove(guard)


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize(
    ("get", "error"), [(httpx.get, httpx.ReadTimeout), (requests.get, requests.ReadTimeout)], ids=["httpx", "requests"]
)
def test_an_answer_that_drips_is_given_up_and_the_request_named(
    get: Callable[..., Any], error: type[Exception], dripping: Deployment
) -> None:
    with pytest.raises(error, match=rf"^GET {dripping.url}/api/queue was not answered completely within 0\.1 s"):
        get(f"{dripping.url}/api/queue", headers=KEY)


def test_the_first_look_at_a_target_that_drips_says_so(dripping: Deployment) -> None:
    target = Target(dripping.url, QUEUE_KEY, ADMIN_KEY)
    with httpx.Client(transport=BoundedTransport(GIVEN_S)) as http:
        said = objection(target, http)
    assert said == (
        f"{dripping.url} does not answer: GET {dripping.url}/api/queue was not answered completely within 0.1 s"
    )


def test_what_is_raised_while_a_request_is_sent_is_raised_to_whoever_sent_it() -> None:
    def send() -> None:
        raise KeyError("this one")

    with pytest.raises(KeyError, match="this one"):
        within(5, "GET it", send)


def test_one_request_after_another_is_sent_by_the_same_thread() -> None:
    assert within(5, "GET it", get_ident) == within(5, "GET it", get_ident) != get_ident()


def test_a_request_that_is_given_up_keeps_none_waiting_that_comes_after_it() -> None:
    answered = Event()
    with pytest.raises(httpx.ReadTimeout):
        within(0.001, "GET it", answered.wait)
    assert within(5, "GET another", lambda: "an answer") == "an answer"
    answered.set()
