"""Every mutant is caught by the check that is named for it.

That the unbroken Worker passes the same checks is what `queue-contracts workerd` shows: it runs them all on it.
"""

from collections.abc import Callable

import pytest

from queue_contracts.mutants.catalogue import Mutant, load_mutants
from queue_contracts.mutants.hunt import Outcome, Verdict

pytestmark = [pytest.mark.runtime, pytest.mark.slow]

MUTANTS = load_mutants()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_worker_is_caught_by_the_check_named_for_it(
    mutant: Mutant, hunt_standing: Callable[[Mutant], Verdict]
) -> None:
    verdict = hunt_standing(mutant)
    assert verdict.outcome is Outcome.CAUGHT, f"{mutant.caught_by}: {verdict.why or 'nothing failed'}"
