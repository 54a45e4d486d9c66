"""What Schemathesis sends to see whether a key is needed: as the suite sends everything else."""

from collections.abc import Iterator

import pytest
from schemathesis.checks import CheckFunction
from schemathesis.core.failures import FailureGroup
from schemathesis.transport import requests as transport

from queue_contracts.checks.description import load_description
from queue_contracts.checks.probes import key_needed, probing
from tests.contracts.deployment import QUEUE_KEY, Deployment, deployed


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


def get_the_queue(deployment: Deployment, check: CheckFunction) -> None:
    case = load_description()["/api/queue"]["GET"].Case()
    case.call_and_validate(base_url=deployment.url, headers={"X-API-Key": QUEUE_KEY}, additional_checks=[check])


def test_it_is_asked_once_whether_an_operation_needs_a_key(deployment: Deployment) -> None:
    check = key_needed()
    for _ in range(3):
        get_the_queue(deployment, check)
    without_key_and_with_a_wrong_one = 2
    assert len(deployment.asked) == 3 + without_key_and_with_a_wrong_one


def test_an_operation_that_needs_no_key_fails_each_time(deployment: Deployment) -> None:
    check, deployment.locked = key_needed(), False
    for _ in range(2):
        with pytest.raises(FailureGroup, match="accepts requests without authentication"):
            get_the_queue(deployment, check)


def test_what_was_found_in_one_test_is_not_believed_in_another(deployment: Deployment) -> None:
    get_the_queue(deployment, key_needed())
    deployment.locked = False
    with pytest.raises(FailureGroup, match="accepts requests without authentication"):
        get_the_queue(deployment, key_needed())
