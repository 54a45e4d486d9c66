"""Runs a suite against a running emulator, case by case, each in an account that has forgotten everything."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.emulator_process import WAIT_S_MAX, Emulator, closed_environment
from tests.differential.runtime import node
from tests.peers.table import Outcomes

HERE = Path(__file__).parent
SUITES = HERE / "suites"


@dataclass(frozen=True, slots=True)
class Peer:
    """The emulator, and what its clients are told of it."""

    emulator: Emulator
    packages: Path
    account_id: str
    namespace_id: str
    token: str

    @property
    def api_url(self) -> str:
        return f"{self.emulator.url}/client/v4"

    def in_worker(self, suite: str) -> Outcomes:
        """A suite of in_worker.mjs."""
        outcomes: dict[str, str | None] = {}
        with self.emulator.client() as client:
            for case in client.get("/", params={"suite": suite}).json():
                client.post("/cdn-cgi/emulator/reset").raise_for_status()
                outcomes[case] = client.get("/", params={"suite": suite, "case": case}).json()["why"]
        return outcomes

    def in_node(self, suite: str) -> Outcomes:
        """A suite of in_node.mjs."""
        settings = {
            "url": self.emulator.url,
            "apiUrl": self.api_url,
            "accountId": self.account_id,
            "namespaceId": self.namespace_id,
            "token": self.token,
        }
        command = [node(), self.packages / "suites" / "in_node.mjs", suite, json.dumps(settings)]
        lines = _output(command, self.packages).splitlines()
        return dict(json.loads(line) for line in lines)

    def in_pytest(self, sources: Path, cases: str) -> Outcomes:
        """The tests of the SDK's source distribution, in a pytest of their own."""
        report = self.packages / "report.jsonl"
        options = ["-p", "forgetting", "-p", "no:queue_emulator", "-p", "no:queue_contracts", "-p", "no:cacheprovider"]
        command = [sys.executable, "-m", "pytest", *options, "-o", "addopts=", "-q", "--tb=no", cases]
        told = {
            "PYTHONPATH": str(HERE / "plugins"),
            "TEST_API_BASE_URL": self.api_url,
            "PEERS_URL": self.emulator.url,
            "PEERS_REPORT": str(report),
            "PEERS_NAMESPACE": f"/client/v4/accounts/{self.account_id}/storage/kv/namespaces/{self.namespace_id}",
            "PEERS_TOKEN": self.token,
        }
        _output(command, sources, told, codes=(0, 1))
        return dict(json.loads(line) for line in report.read_text("utf-8").splitlines())


def _output(command: list[Any], folder: Path, told: dict[str, str] | None = None, codes: tuple[int, ...] = (0,)) -> str:
    ended = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=closed_environment({"NO_PROXY": "127.0.0.1", "HOME": os.environ.get("HOME", ""), **(told or {})}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_S_MAX,
        check=False,
    )
    assert ended.returncode in codes, ended.stdout + ended.stderr
    return ended.stdout
