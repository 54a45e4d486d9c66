"""The reference Worker on miniflare, the vendor's local runtime, over miniflare's own KV."""

import json
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from queue_contracts.compare.steps import Deployment, Entry, KvCalls
from queue_emulator.core.javascript import Json, ToJson
from tests.conftest import FIXTURES
from tests.scenarios.targets.sides import Redirecting

WORKER = FIXTURES / "worker" / "worker.mjs"
_DRIVER = Path(__file__).parent / "miniflare" / "driver.mjs"
_MEMORY = Path("/dev/shm")
_WAIT_S_MAX = 60


class MiniflareProcess:
    """One process for all deployments, its KV empty at the start of each scenario."""

    def __init__(self, folder: Path, environment: Mapping[str, str], deployments: Sequence[Deployment]) -> None:
        self._process = _start(_miniflare_folder(environment), _node(environment), folder / "log", environment)
        self._tell({"workers": [_variables(each) for each in deployments]})
        self._url = ""
        self.transport = Redirecting(lambda: self._url)

    def deploy(self, deployment: Deployment) -> None:
        self._url = str(self._tell({"start": _variables(deployment)})["url"])

    def seed(self, entries: list[Entry]) -> None:
        self._tell({"seed": entries})

    def advance(self, seconds: int) -> None:
        raise AssertionError("miniflare's time is the machine's: it plays no scenario that moves time")

    def kv_calls(self) -> KvCalls | None:
        return None

    def close(self) -> None:
        """End of input ends the driver, which ends its runtime."""
        self.transport.close()
        try:
            self._process.communicate(timeout=_WAIT_S_MAX)
        finally:
            self._process.kill()

    def _tell(self, message: ToJson) -> dict[str, Json]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watchdog = threading.Timer(_WAIT_S_MAX, self._process.kill)
        watchdog.start()
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
            watchdog.join()
        answer: dict[str, Json] = json.loads(line or '{"error": "the driver ended"}')
        assert "error" not in answer, answer["error"]
        return answer


def _variables(deployment: Deployment) -> dict[str, ToJson]:
    return {"WORKER_VERSION": deployment.version, **dict(deployment.keys)}


def _start(miniflare: Path, node: str, log_file: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    # It keeps its KV in files under the temporary folder, and on a disk waits for each write.
    memory = {"TMPDIR": str(_MEMORY)} if _MEMORY.is_dir() else {}
    with log_file.open("w", encoding="utf-8") as log:
        return subprocess.Popen(
            [node, _DRIVER, WORKER, miniflare],
            cwd=log_file.parent,
            env={**environment, **memory},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            encoding="utf-8",
        )


def _miniflare_folder(environment: Mapping[str, str]) -> Path:
    folder = Path(environment.get("MINIFLARE_DIR", "")).absolute()
    if not environment.get("MINIFLARE_DIR") or not (folder / "node_modules" / "miniflare").is_dir():
        pytest.fail(
            f"MINIFLARE_DIR must name a folder in which `npm install` was run with {_DRIVER.parent.name}/package.json",
            pytrace=False,
        )
    return folder


def _node(environment: Mapping[str, str]) -> str:
    node = shutil.which("node", path=environment.get("PATH"))
    if node is None:
        pytest.fail("Node is not on the PATH: miniflare needs it", pytrace=False)
    return node
