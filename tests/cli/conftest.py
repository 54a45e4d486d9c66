"""A process of the installed command."""

import pytest

from tests.cli.emulator_process import Emulator, StartEmulator


@pytest.fixture(scope="module")
def emulator(start_for_module: StartEmulator) -> Emulator:
    """One emulator for a whole module, its data in memory; tests must leave the data as it is."""
    return start_for_module("--ephemeral")
