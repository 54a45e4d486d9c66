"""The installed `queue-emulator` as a process: started or forked, listened to, and stopped by its own id."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.cli.forked import Forked, can_fork, fork

COMMAND = str(Path(sys.executable).with_name("queue-emulator"))
FIXTURES = Path(__file__).parents[2] / "fixtures"
BASIC = FIXTURES / "old-format" / "basic.json"
BASIC_KEYS = 8
QUEUE = {"X-API-Key": "dev-queue-key"}
ADMIN = {"X-API-Key": "dev-admin-key"}
WAIT_S_MAX = 180  # far beyond what anything here takes, on a busy machine too: reached only by what would hang

_LISTENING = re.compile(r"  listening   (http://.+:(\d+))")
_LAST_LINE = "Press Ctrl-C to stop."

StartEmulator = Callable[..., "Emulator"]


@dataclass(slots=True)
class Emulator:
    """A process that listens. `banner` is what it printed before that; its log goes to `log_file`."""

    process: subprocess.Popen[str] | Forked
    banner: list[str]
    log_file: Path

    @property
    def url(self) -> str:
        return self._listening()[1]

    @property
    def port(self) -> int:
        return int(self._listening()[2])

    def client(self) -> httpx.Client:
        """Speaks to it; the caller closes the client."""
        # no certificates to load, no proxy to ask
        return httpx.Client(base_url=self.url, timeout=WAIT_S_MAX, verify=False, trust_env=False)

    def ask(self, method: str, path: str, **options: object) -> httpx.Response:
        """One request on a connection of its own."""
        with self.client() as client:
            return client.request(method, path, **options)  # type: ignore[arg-type]

    def keys(self) -> int:
        """How many keys live in KV, as the control surface counts them."""
        answer = self.ask("GET", "/cdn-cgi/emulator/status")
        return int(answer.json()["keys"])

    def log(self) -> str:
        """What it wrote to standard error so far."""
        return self.log_file.read_text("utf-8")

    def ended(self) -> int:
        """Wait for its end; the exit code."""
        return self.process.wait(WAIT_S_MAX)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.ended()

    def dispose(self) -> None:
        """Make sure that it is gone."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT_S_MAX)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _listening(self) -> re.Match[str]:
        (found,) = filter(None, map(_LISTENING.fullmatch, self.banner))
        return found


def start(
    *arguments: str | Path,
    folder: Path,
    log_file: Path,
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] = (COMMAND,),
    forked: bool = False,
) -> Emulator:
    """`queue-emulator serve` on a free port, with only the given environment, once it listens.

    `forked`: as a fork of a process that has loaded the command, where that makes no difference.
    """
    words, variables = [*command, "serve", "--port", "0", *map(str, arguments)], closed_environment(environment)
    process: subprocess.Popen[str] | Forked
    with log_file.open("w", encoding="utf-8") as log:
        if forked and can_fork(variables):
            process = fork(words, folder=folder, environment=variables, errors=log)
        else:
            process = subprocess.Popen(
                words,
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                encoding="utf-8",
            )
    return _listening(Emulator(process, [], log_file))


def _listening(emulator: Emulator) -> Emulator:
    """With its banner, once that is whole."""
    watchdog = threading.Timer(WAIT_S_MAX, emulator.process.kill)
    watchdog.start()
    try:
        assert emulator.process.stdout is not None
        for line in emulator.process.stdout:
            emulator.banner.append(line.rstrip("\n"))
            if emulator.banner[-1] == _LAST_LINE:
                return emulator
    finally:
        watchdog.cancel()
        watchdog.join()
    emulator.dispose()
    code = emulator.process.returncode
    raise AssertionError(f"it ended with code {code} before it listened: {emulator.log()}")


@contextmanager
def starting(folder: Path, logs: Path, *, forked: bool = True) -> Iterator[StartEmulator]:
    """`start_emulator("--state", file, environment={...})` starts one in `folder`; all are gone after the block."""
    started: list[Emulator] = []

    def starter(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> Emulator:
        log_file = logs / f"log-{len(started)}"
        started.append(start(*arguments, folder=folder, log_file=log_file, environment=environment, forked=forked))
        return started[-1]

    try:
        yield starter
    finally:
        for emulator in started:
            emulator.dispose()


def run(
    *arguments: str | Path, folder: Path, environment: Mapping[str, str] | None = None, command: str = COMMAND
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [command, *map(str, arguments)],
        cwd=folder,
        env=closed_environment(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_S_MAX,
        check=False,
    )


def wait_for(holds: Callable[[], bool]) -> None:
    """What happens in other processes happens in its own time."""
    for _ in range(1000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def closed_environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Nothing of the caller's environment but the search path: its keys must not reach the emulator."""
    return {"PATH": os.environ.get("PATH", os.defpath), **(given or {})}


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its content: equal before and after means that nothing was touched."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
