"""No check of the suite is there that nothing can fail: each is named by a mutant, or asks no Worker at all."""

from concurrent.futures import ProcessPoolExecutor

import pytest

from queue_contracts.mutants.catalogue import load_mutants
from queue_contracts.mutants.hunt import collected

# Checks without a target, which no Worker can fail, and what they hold instead. Their own tests are in tests/contracts.
ASK_NO_WORKER = {
    "test_description.py": "openapi.yaml",
    "test_tally.py": "the tally of generated requests",
    "test_guarantees.py::test_every_guarantee_is_tested_once": "the list of guarantees",
}


@pytest.fixture(scope="module")
def checks(hunter: ProcessPoolExecutor) -> dict[str, bool]:
    """The suite's checks by name, and whether each asks a target."""
    return hunter.submit(collected).result()


def test_every_check_is_named_by_a_mutant(checks: dict[str, bool]) -> None:
    named = {mutant.caught_by.partition("[")[0] for mutant in load_mutants()}
    assert {name for name, asks in checks.items() if asks} == named


def test_checks_that_ask_no_worker_are_known_and_why(checks: dict[str, bool]) -> None:
    without = {name for name, asks in checks.items() if not asks}
    excused = {name for name in checks for excuse in ASK_NO_WORKER if name == excuse or name.startswith(f"{excuse}::")}
    assert without == excused
    assert all(any(name.startswith(excuse) for name in without) for excuse in ASK_NO_WORKER)
