"""Wrangler in a folder of its own, and a second process of its that holds the local state."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.clients.wrangler import Wrangler, installed_wrangler

_HOLDING = Path(__file__).with_name("holding.mjs")


class Holding:
    """Wrangler's own platform over namespaces of the local state in `folder`, which it has open from its first call on.

    A Worker's binding of each has the name that the namespace has.
    """

    def __init__(self, folder: Path, namespaces: Sequence[str]) -> None:
        node, script = installed_wrangler(os.environ)
        modules = Path(script).parents[2]
        config = folder.parent / "holding.json"
        config.write_text(
            json.dumps(
                {
                    "name": "holding",
                    "compatibility_date": "2026-01-01",
                    "kv_namespaces": [{"binding": each, "id": each} for each in namespaces],
                }
            )
        )
        command = [node, str(_HOLDING), str(modules), str(config), str(folder)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", cwd=folder.parent
        )
        assert self._line() == "ready"

    def call(self, namespace: str, method: str, *arguments: Any) -> Any:
        """One operation, and its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([namespace, method, *arguments]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._line())

    def put(self, key: str, value: str) -> None:
        """Into the namespace "abc"."""
        assert self.call("abc", "put", key, value) is None

    def end(self) -> None:
        """Let go of the state."""
        self._process.communicate(timeout=60)

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


Hold = Callable[..., Holding]


@pytest.fixture
def wrangler(folder: Path) -> Wrangler:
    return Wrangler(installed_wrangler(os.environ), folder, {"CI": "1"})


@pytest.fixture
def hold(folder: Path) -> Iterator[Hold]:
    """`hold("abc", "def")`: holds namespaces of the local state in `state`."""
    with ExitStack() as stack:

        def held(*namespaces: str) -> Holding:
            (folder / "state").mkdir(exist_ok=True)
            made = Holding(folder / "state", namespaces)
            stack.callback(made.end)
            return made

        yield held


@pytest.fixture
def holding(hold: Hold) -> Holding:
    return hold("abc")
