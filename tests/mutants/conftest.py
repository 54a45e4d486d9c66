"""What hunts need: workerd, and a process of its own, because a hunt is a run of pytest and this is one too.

In that process one runtime stands that has every mutant in it.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from queue_contracts.mutants.catalogue import Mutant, load_mutants
from queue_contracts.mutants.hunt import Bench, Verdict
from queue_contracts.mutants.shared_server import Standing
from queue_contracts.packaged import reference_worker


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "runtime: needs a real runtime beside the emulator: MINIFLARE_DIR, WORKERD")


@pytest.fixture(scope="session")
def bench() -> Bench:
    """The reference Worker, and the workerd that WORKERD names. Without one the test fails."""
    named = os.environ.get("WORKERD")
    if not named or not Path(named).exists():
        pytest.fail("WORKERD must name the workerd binary, or the node_modules folder that holds it", pytrace=False)
    return Bench(reference_worker(), Path(named).absolute())


@pytest.fixture(scope="session")
def hunter() -> Iterator[ProcessPoolExecutor]:
    """One process, which stays: its second hunt takes a quarter of the time of its first."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


@pytest.fixture(scope="session")
def hunt_standing(bench: Bench, hunter: ProcessPoolExecutor) -> Iterator[Callable[[Mutant], Verdict]]:
    """Whether the check that is named for a mutant of the catalogue catches it."""
    hunter.submit(_stand_up, bench).result()
    yield lambda mutant: hunter.submit(_hunt, mutant).result()
    hunter.submit(_lie_down).result()


_standing: list[Standing] = []  # in the process that hunts


def _stand_up(bench: Bench) -> None:
    _standing.append(Standing(load_mutants(), bench).__enter__())


def _hunt(mutant: Mutant) -> Verdict:
    return _standing[0].hunt(mutant)


def _lie_down() -> None:
    _standing.pop().__exit__()
