"""The targets of the scenarios, each started once and ended with the module's last test."""

import os
from collections.abc import Iterator

import pytest

from queue_contracts.compare.executor import Player
from tests.scenarios.all_scenarios import DEPLOYMENTS
from tests.scenarios.comparing import player
from tests.scenarios.targets.emulator_process import EmulatorProcess, python_worker, reference_worker
from tests.scenarios.targets.miniflare_process import MiniflareProcess


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "runtime: needs a real runtime beside the emulator: MINIFLARE_DIR, WORKERD")


@pytest.fixture(scope="module")
def emulator_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    """The Python Worker, installed."""
    target = EmulatorProcess(tmp_path_factory.mktemp("emulator"), python_worker)
    yield player("the installed emulator", target)
    target.close()


@pytest.fixture(scope="module")
def workerd_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    """The reference Worker on workerd over the emulator's KV, with the binary that WORKERD names."""
    target = EmulatorProcess(tmp_path_factory.mktemp("workerd"), reference_worker(os.environ))
    yield player("the reference Worker on workerd", target)
    target.close()


@pytest.fixture(scope="module")
def miniflare_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    """The reference Worker over miniflare's KV, from the folder that MINIFLARE_DIR names."""
    target = MiniflareProcess(tmp_path_factory.mktemp("miniflare"), os.environ, DEPLOYMENTS)
    yield player("the reference Worker on miniflare", target)
    target.close()
