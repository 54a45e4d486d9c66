"""The short form of the soak: what `python -m tests.soak --minutes N` does for longer."""

from pathlib import Path

import pytest

from tests.soak.soaking import emulator
from tests.soak.verdict import left_behind, short_soak

pytestmark = pytest.mark.slow


def test_many_clients_of_every_kind_leave_nothing_behind(tmp_path: Path) -> None:
    with emulator(tmp_path) as running:
        soaked = short_soak(running)
    assert left_behind(soaked) == [], soaked.table()
    assert sum(soaked.answers.values()) > 120
