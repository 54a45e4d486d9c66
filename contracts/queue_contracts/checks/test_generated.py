"""Requests generated from `openapi.yaml`, valid and invalid: whatever is sent, the answer is a described one."""

from collections.abc import Iterator

import pytest
import requests
from schemathesis.checks import CheckFunction

from queue_contracts.checks.description import GeneratedCase, load_description
from queue_contracts.checks.probes import key_needed
from queue_contracts.checks.steering import populated, steer
from queue_contracts.session.request_counts import PROPERTY, Tally
from queue_contracts.targets.control import Control
from queue_contracts.targets.target import Target, scope_of

pytestmark = [pytest.mark.slow, pytest.mark.requests(400)]

generated = load_description()
steer(generated)


@pytest.fixture(scope="module")
def current() -> dict[str, Tally]:
    """Where the test finds the tally of the operation it is running for.

    Hypothesis refuses fixtures of a single test as arguments, since one test is many requests.
    """
    return {}


@pytest.fixture(scope="module")
def further() -> list[CheckFunction]:
    """What is checked beside what the description says."""
    return [key_needed()]


@pytest.fixture(autouse=True)
def tallied(request: pytest.FixtureRequest, control: Control, current: dict[str, Tally]) -> Iterator[None]:
    control.start_with(populated())
    current["tally"] = tally = Tally(request.node.operation_label)
    yield
    request.node.user_properties.append((PROPERTY, tally.account()))


@generated.parametrize()
def test_every_generated_request_gets_a_described_answer(
    case: GeneratedCase,
    target: Target,
    session: requests.Session,
    current: dict[str, Tally],
    further: list[CheckFunction],
) -> None:
    key = target.key(scope_of(case.operation.path))
    response = case.call_and_validate(
        base_url=target.url, session=session, headers={"X-API-Key": key}, additional_checks=further
    )
    current["tally"].note(response)
