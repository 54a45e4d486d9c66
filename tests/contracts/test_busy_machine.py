"""What the suite says of a target does not depend on how busy the machine is."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck

from queue_contracts.checks.description import Description, load_description, load_observing_description
from queue_contracts.untrusted.deadline import READ_S_MAX


@pytest.mark.parametrize("load", [load_description, load_observing_description])
def test_requests_that_are_made_slowly_fail_no_check(load: Callable[[], Description]) -> None:
    settings = load().config.get_hypothesis_settings()
    assert settings.deadline is None
    assert HealthCheck.too_slow in settings.suppress_health_check


@pytest.mark.parametrize("load", [load_description, load_observing_description])
def test_generated_requests_are_waited_for_as_long_as_others(load: Callable[[], Description]) -> None:
    description = load()
    operation = description.find_operation_by_id("getTask")
    assert description.config.request_timeout_for(operation=operation) == READ_S_MAX
