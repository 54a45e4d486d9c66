"""Wrangler in a folder of its own, and a second process of its that holds the local state."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.wrangler import Wrangler, installed_wrangler

_HOLDING = Path(__file__).with_name("holding.mjs")


class Holding:
    """Wrangler's own platform over the local state in `folder`, which it has open from the first value on."""

    def __init__(self, folder: Path, namespace: str) -> None:
        node, script = installed_wrangler(os.environ)
        modules = Path(script).parents[2]
        config = folder.parent / "holding.json"
        config.write_text(
            json.dumps(
                {
                    "name": "holding",
                    "compatibility_date": "2026-01-01",
                    "kv_namespaces": [{"binding": "CACHE", "id": namespace}],
                }
            )
        )
        command = [node, str(_HOLDING), str(modules), str(config), str(folder)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", cwd=folder.parent
        )
        assert self._line() == "ready"

    def put(self, key: str, value: str) -> None:
        """Through a Worker's binding."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([key, value]) + "\n")
        self._process.stdin.flush()
        assert self._line() == "put"

    def end(self) -> None:
        """Let go of the state."""
        self._process.communicate(timeout=60)

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@pytest.fixture
def wrangler(folder: Path) -> Wrangler:
    return Wrangler(installed_wrangler(os.environ), folder, {"CI": "1"})


@pytest.fixture
def holding(folder: Path) -> Iterator[Holding]:
    """Holds the namespace "abc" of the local state in `state`."""
    (folder / "state").mkdir(exist_ok=True)
    made = Holding(folder / "state", "abc")
    yield made
    made.end()
