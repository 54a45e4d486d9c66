"""A running emulator whose Worker holds the suites that take a binding, and whose API the others ask."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.emulator_process import WAIT_S_MAX, Emulator, start
from tests.differential.runtime import node
from tests.peers.running import SUITES, Peer

# The ids and the key that the SDK's tests have in them.
ACCOUNT_ID = "023e105f4ecef8ad9ca31a8372d0c353"
NAMESPACE_ID = "0f2ac74b498b48028cb68387c421e279"
API_KEY = "144c9defac04969c7bfad8efaa8ea194"

CONFIG = {
    "name": "peers",
    "main": "worker.mjs",
    "compatibility_date": "2026-07-30",
    "compatibility_flags": ["nodejs_compat"],
    "kv_namespaces": [{"binding": "PEERS", "id": NAMESPACE_ID}],
}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "runtime: needs workerd, wrangler and PEERS_DIR beside the emulator")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with our suites, and the packages that package.json pins where they look for them."""
    installed = Path(os.environ.get("PEERS_DIR", "")) / "node_modules"
    assert (installed / "unstorage").is_dir(), "PEERS_DIR must name what `tox -e peers` fills"
    folder = tmp_path_factory.mktemp("packages")
    shutil.copytree(SUITES, folder / "suites")
    (folder / "node_modules").symlink_to(installed.resolve())
    return folder


@pytest.fixture(scope="module")
def peer(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """One for a module: each case begins with a reset."""
    folder = tmp_path_factory.mktemp("peers")
    bundle = [node(), packages / "suites" / "bundle.mjs", os.environ["WRANGLER_DIR"], folder / "worker.mjs"]
    subprocess.run(list(map(str, bundle)), check=True, timeout=WAIT_S_MAX)
    (folder / "wrangler.json").write_text(json.dumps(CONFIG))
    running: Emulator = start(
        *("--ephemeral", "--without", "write-rate", "--without", "api-rate"),
        *("--worker", folder, "--workerd", os.environ["WORKERD"]),
        folder=folder,
        log_file=tmp_path_factory.mktemp("log") / "stderr",
        environment={"EMULATOR_API_TOKEN": API_KEY},
    )
    yield Peer(running, packages, account_id=ACCOUNT_ID, namespace_id=NAMESPACE_ID, token=API_KEY)
    running.dispose()
