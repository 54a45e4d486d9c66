"""Processes of the installed command, each gone when its test is over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.emulator_process import Emulator, StartEmulator, start


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The working directory of the processes: empty."""
    made = tmp_path / "work"
    made.mkdir()
    return made


@pytest.fixture
def start_emulator(folder: Path, tmp_path: Path) -> Iterator[StartEmulator]:
    """`start_emulator("--state", file, environment={...})` starts one in `folder`, on a free port."""
    started: list[Emulator] = []

    def starter(*arguments: str | Path, environment: dict[str, str] | None = None) -> Emulator:
        log_file = tmp_path / f"log-{len(started)}"
        started.append(start(*arguments, folder=folder, log_file=log_file, environment=environment))
        return started[-1]

    yield starter
    for emulator in started:
        emulator.dispose()


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator for a whole module, its data in memory; tests must leave the data as it is."""
    folder = tmp_path_factory.mktemp("work")
    log_file = tmp_path_factory.mktemp("log") / "stderr"
    running = start("--ephemeral", folder=folder, log_file=log_file)
    yield running
    running.dispose()
