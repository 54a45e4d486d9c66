"""An emulator as a README block starts it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.emulator_process import Emulator, start
from tests.docs.readme import REPOSITORY, Block, StartedFor


@pytest.fixture
def started_for(tmp_path: Path) -> Iterator[StartedFor]:
    """`started_for(block)`: the emulator that the block needs, in a folder where the fixtures are, on a free port."""
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "fixtures").symlink_to(REPOSITORY / "fixtures")
    started: list[Emulator] = []

    def starter(block: Block) -> Emulator:
        started.append(start(*block.serve, folder=folder, log_file=tmp_path / f"log-{len(started)}"))
        return started[-1]

    yield starter
    for emulator in started:
        emulator.dispose()
