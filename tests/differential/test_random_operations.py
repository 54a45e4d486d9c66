"""Two thousand random operations get the same answers and error texts from the vendor's local runtime and here.

DIFFERENTIAL_OPERATIONS sets how many there are at least, in each of the two tests. `python -m tests.differential`
goes on for as long as one wants.
"""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.differential.comparison import Comparison, Tally
from tests.differential.generated import scripts_on_the_real_clock, scripts_with_a_moving_clock
from tests.differential.operations import Script

OPERATIONS = int(os.environ.get("DIFFERENTIAL_OPERATIONS", "1000"))
SEED = "0"  # the same scripts every time

pytestmark = [pytest.mark.runtime, pytest.mark.slow]

Record = Callable[[str, object], None]


def test_random_operations_are_answered_alike_up_to_the_real_limits(
    comparison: Comparison, record_property: Record
) -> None:
    compare(comparison, scripts_on_the_real_clock(SEED), record_property)


def test_random_operations_are_answered_alike_while_the_clock_moves(
    comparison: Comparison, record_property: Record
) -> None:
    compare(comparison, scripts_with_a_moving_clock(SEED), record_property)


def compare(comparison: Comparison, scripts: Iterator[Script], record: Record) -> None:
    """The first script that is answered otherwise is made small and shown."""
    comparison.tally = Tally()
    for disagreement in comparison.disagreements(scripts, OPERATIONS):
        raise comparison.shrunk(disagreement)
    record("differential", comparison.tally.text())
    assert comparison.tally.operations >= OPERATIONS
