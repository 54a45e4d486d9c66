"""One set of requests, put to the Python Worker and to real runtimes: every answer is the same, word for word."""

import functools

import pytest

from tests.scenarios.all_scenarios import SCENARIOS
from tests.scenarios.differences import differences
from tests.scenarios.playing import Transcript, play
from tests.scenarios.steps import Scenario
from tests.scenarios.targets.emulator_process import EmulatorProcess
from tests.scenarios.targets.in_process import InProcess
from tests.scenarios.targets.miniflare_process import MiniflareProcess

pytestmark = pytest.mark.slow

AT_ANY_TIME = [scenario for scenario in SCENARIOS if not scenario.moves_time]


def by_name(scenarios: list[Scenario]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", scenarios, ids=lambda scenario: scenario.name)


@functools.cache
def expected(scenario: Scenario) -> Transcript:
    """What the Python Worker answers in this process."""
    return play(scenario, InProcess())


def assert_same(scenario: Scenario, found: Transcript) -> None:
    told = differences(scenario, expected(scenario), found)
    if told:
        pytest.fail(told, pytrace=False)


@by_name(SCENARIOS)
def test_the_python_worker_answers_with_the_expected_statuses(scenario: Scenario) -> None:
    assert_same(scenario, expected(scenario))


@by_name(SCENARIOS)
def test_the_installed_emulator_answers_the_same(scenario: Scenario, emulator_process: EmulatorProcess) -> None:
    assert_same(scenario, play(scenario, emulator_process))


@pytest.mark.runtime
@by_name(AT_ANY_TIME)
def test_the_reference_worker_on_miniflare_answers_the_same(
    scenario: Scenario, miniflare_process: MiniflareProcess
) -> None:
    assert_same(scenario, play(scenario, miniflare_process))


@pytest.mark.runtime
@by_name(SCENARIOS)
def test_the_reference_worker_on_workerd_over_this_kv_answers_the_same(
    scenario: Scenario, workerd_process: EmulatorProcess
) -> None:
    assert_same(scenario, play(scenario, workerd_process))
