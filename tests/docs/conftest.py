"""An emulator as a README block starts it."""

from pathlib import Path

import pytest

from tests.cli.emulator_process import StartEmulator
from tests.docs.readme import REPOSITORY, StartedFor


@pytest.fixture
def started_for(start_emulator: StartEmulator, folder: Path) -> StartedFor:
    """`started_for(block)`: the emulator that the block needs, in a folder where the fixtures are, on a free port."""
    (folder / "fixtures").symlink_to(REPOSITORY / "fixtures")
    return lambda block: start_emulator(*block.serve)
