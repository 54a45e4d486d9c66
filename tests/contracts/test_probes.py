"""What Schemathesis sends to see whether a key is needed: as the suite sends everything else."""

from collections.abc import Iterator

import pytest
from schemathesis.transport import requests as transport

from queue_contracts.checks.probes import probing
from tests.contracts.deployment import Deployment, deployed


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    with deployed(Deployment()) as running:
        yield running


def test_the_probes_of_a_run_share_a_connection_and_no_cookie_and_no_environment(deployment: Deployment) -> None:
    with probing():
        for _ in range(2):
            with transport.SameHostRedirectsSession() as session:
                assert not session.trust_env
                assert not session.cookies
                assert session.get(f"{deployment.url}/api/queue", timeout=5).status_code == 401
                session.cookies.set("session", "a value")
    assert len(deployment.asked) == 2
    assert len(deployment.clients) == 1


def test_after_a_run_sessions_are_what_they_were() -> None:
    before = transport.SameHostRedirectsSession
    with probing():
        assert transport.SameHostRedirectsSession is not before
    assert transport.SameHostRedirectsSession is before
