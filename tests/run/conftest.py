"""`queue-emulator run` as a process, gone with all that it started when its test is over."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.cli.emulator_process import WAIT_S_MAX
from tests.run.tool import Running, StartRun, start


@pytest.fixture
def start_run(tmp_path: Path) -> Iterator[StartRun]:
    """`start_run([command, …], "--location", "SJC", folder=…, NODE_OPTIONS=…)`: its data is in memory."""
    started: list[Running] = []

    def starter(
        command: Sequence[str | Path],
        *options: str | Path,
        folder: Path = tmp_path,
        kept: bool = False,
        **variables: str,
    ) -> Running:
        state = () if kept else ("--ephemeral",)
        started.append(start((*state, *options), command, folder, variables))
        return started[-1]

    yield starter
    for each in started:
        if each.process.poll() is None:
            each.process.terminate()  # it ends what it started
        each.process.wait(WAIT_S_MAX)
