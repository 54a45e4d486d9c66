"""The machine of tests/machine, with Workers on the real runtime in half of its rounds."""

import asyncio
import random
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.machine.__main__ import report
from tests.machine.requests import Face
from tests.machine.running import Machine

pytestmark = pytest.mark.slow

ROUNDS_MIN, ROUNDS_MAX = 4, 20
RUNS_MIN = 10  # of the Worker: which rounds have one is drawn


def test_what_a_worker_on_the_runtime_wrote_is_there_after_a_kill_or_an_end(workerd: Path) -> None:
    with TemporaryDirectory(prefix="machine-") as folder:
        machine = Machine(Path(folder), random.Random(1), workerd, now_ms=int(time.time() * 1000))
        asyncio.run(machine.run(ROUNDS_MIN))
        while machine.counts.requests[Face.RUNTIME] < RUNS_MIN and machine.rounds < ROUNDS_MAX:
            asyncio.run(machine.run(1))
        assert machine.counts.requests[Face.RUNTIME] >= RUNS_MIN
        assert not machine.faults, report(machine)
