"""Two thousand random operations get the same answers and error texts from the vendor's local runtime and here.

DIFFERENTIAL_OPERATIONS sets how many there are at least, in each of the two tests.
"""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from tests.differential.comparison import Comparison, Disagreement, Tally
from tests.differential.generated import scripts_on_the_real_clock, scripts_with_a_moving_clock
from tests.differential.operations import Script

OPERATIONS = int(os.environ.get("DIFFERENTIAL_OPERATIONS", "1000"))
_OPERATIONS_A_SCRIPT = 8  # far fewer than on average, as scripts are drawn

pytestmark = [pytest.mark.runtime, pytest.mark.slow]

Record = Callable[[str, object], None]


def test_random_operations_are_answered_alike_up_to_the_real_limits(
    comparison: Comparison, record_property: Record
) -> None:
    compare(comparison, scripts_on_the_real_clock(), record_property)


def test_random_operations_are_answered_alike_while_the_clock_moves(
    comparison: Comparison, record_property: Record
) -> None:
    compare(comparison, scripts_with_a_moving_clock(), record_property)


def compare(comparison: Comparison, scripts: SearchStrategy[Script], record: Record) -> None:
    """The same scripts every time; the first that is answered otherwise is made small and shown."""
    comparison.tally = Tally()
    found: list[Disagreement] = []

    @settings(
        max_examples=max(OPERATIONS // _OPERATIONS_A_SCRIPT, 1),
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],  # what is found is shrunk by ourselves: Hypothesis would try for minutes
        suppress_health_check=list(HealthCheck),
    )
    @given(script=scripts)
    def look(script: Script) -> None:
        try:
            if not found and comparison.tally.operations < OPERATIONS:
                comparison.check(script)
        except Disagreement as disagreement:
            found.append(disagreement)

    look()
    if found:
        raise comparison.shrunk(found[0])
    record("differential", comparison.tally.text())
    assert comparison.tally.operations >= OPERATIONS
