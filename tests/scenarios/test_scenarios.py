"""One set of requests, put to the Python Worker and to real runtimes: every answer is the same, word for word."""

import pytest

from queue_contracts.compare.executor import Player
from tests.scenarios.all_scenarios import SCENARIOS
from tests.scenarios.comparing import assert_same, expected
from tests.scenarios.steps import Scenario, moves_time

pytestmark = pytest.mark.slow

# A thousand tasks take as long as all other files together. In a process, and on miniflare, which both have the Worker
# and the KV of another target, they are migrated and listed; what else there is of them is asked of the other two.
WITHOUT_MOST_OF_A_THOUSAND = [
    scenario for scenario in SCENARIOS if not scenario.name.startswith("thousand.json") or "again" in scenario.name
]
AT_ANY_TIME = [scenario for scenario in WITHOUT_MOST_OF_A_THOUSAND if not moves_time(scenario)]


def by_name(scenarios: list[Scenario]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", scenarios, ids=lambda scenario: scenario.name)


@by_name(SCENARIOS)
def test_the_python_worker_answers_with_the_expected_statuses(scenario: Scenario) -> None:
    assert_same(scenario, expected(scenario))


@by_name(WITHOUT_MOST_OF_A_THOUSAND)
def test_the_installed_emulator_answers_the_same(scenario: Scenario, emulator_process: Player) -> None:
    assert_same(scenario, emulator_process.play(scenario))


@pytest.mark.runtime
@by_name(AT_ANY_TIME)
def test_the_reference_worker_on_miniflare_answers_the_same(scenario: Scenario, miniflare_process: Player) -> None:
    assert_same(scenario, miniflare_process.play(scenario))


@pytest.mark.runtime
@by_name(SCENARIOS)
def test_the_reference_worker_on_workerd_over_this_kv_answers_the_same(
    scenario: Scenario, workerd_process: Player
) -> None:
    assert_same(scenario, workerd_process.play(scenario))
