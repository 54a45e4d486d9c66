"""The installed emulator as a process: with the Python Worker, or with the reference Worker on workerd."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx
import pytest

from queue_contracts.compare.steps import Deployment, Entry, KvCalls
from queue_emulator.core.javascript import ToJson
from tests.cli.emulator_process import Emulator, start
from tests.conftest import FIXTURES
from tests.scenarios.targets.sides import Redirecting

_CONTROL = "/cdn-cgi/emulator"

Options = Callable[[Deployment], Sequence[str | Path]]


def python_worker(deployment: Deployment) -> Sequence[str | Path]:
    """The options of `queue-emulator serve` that deploy the Python Worker."""
    return ("--worker-version", deployment.version)


def reference_worker(environment: Mapping[str, str]) -> Options:
    """The options that deploy the reference Worker, on the workerd that the variable WORKERD names."""
    workerd = Path(environment.get("WORKERD", "")).absolute()
    if not environment.get("WORKERD") or not workerd.exists():
        pytest.fail("WORKERD must name the workerd binary, or the node_modules folder that holds it", pytrace=False)
    worker = FIXTURES / "worker" / "worker.mjs"
    return lambda deployment: (
        *("--worker", worker, "--workerd", workerd),
        *("--var", f"WORKER_VERSION={deployment.version}"),
    )


class EmulatorProcess:
    """One process a deployment, emptied for each scenario."""

    def __init__(self, folder: Path, options: Options) -> None:
        self._folder = folder
        self._options = options
        self._deployed: Deployment | None = None
        self._running: Emulator | None = None
        self._client = httpx.Client(timeout=60, trust_env=False)
        self.transport = Redirecting(lambda: self._url)
        self._journal_position = 0

    def deploy(self, deployment: Deployment) -> None:
        if deployment != self._deployed:
            self._stop()
            self._running = self._run(deployment)
            self._deployed = deployment
        self._control("POST", "/reset")
        self._journal_position = int(self._journal(0).headers["X-Journal-Last"])

    def seed(self, entries: list[Entry]) -> None:
        self._control("POST", "/seed", entries)

    def advance(self, seconds: int) -> None:
        self._control("POST", "/clock", {"advance_s": seconds})

    def kv_calls(self) -> KvCalls | None:
        events = [json.loads(line) for line in self._journal(self._journal_position).text.splitlines()]
        return tuple((event["operation"], event["key"]) for event in events if event["route"])

    def close(self) -> None:
        self._stop()
        self._client.close()
        self.transport.close()

    def _run(self, deployment: Deployment) -> Emulator:
        arguments = ("--ephemeral", "--quiet", "--profile", "local", *self._options(deployment))
        log_file = self._folder / "log"
        return start(*arguments, folder=self._folder, log_file=log_file, environment=dict(deployment.keys))

    @property
    def _url(self) -> str:
        assert self._running is not None
        return self._running.url

    def _journal(self, after: int) -> httpx.Response:
        return self._control("GET", f"/journal?after={after}")

    def _control(self, method: str, path: str, body: ToJson = None) -> httpx.Response:
        response = self._client.request(method, f"{self._url}{_CONTROL}{path}", json=body)
        assert response.status_code == 200, response.text
        return response

    def _stop(self) -> None:
        if self._running is not None:
            self._running.stop()
            self._running.dispose()
        self._running = self._deployed = None
