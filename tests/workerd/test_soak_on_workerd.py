"""The short form of the soak, with a real Worker."""

from pathlib import Path

import pytest

from tests.soak.soaking import emulator
from tests.soak.verdict import left_behind, short_soak

pytestmark = pytest.mark.slow

WORKER = Path(__file__).parents[1] / "soak" / "worker.mjs"


def test_many_clients_of_every_kind_leave_nothing_behind_a_real_worker(tmp_path: Path, workerd: Path) -> None:
    with emulator(tmp_path, worker=WORKER, workerd=workerd) as running:
        soaked = short_soak(running)
    assert left_behind(soaked) == [], soaked.table()
    assert sum(soaked.answers.values()) > 120
