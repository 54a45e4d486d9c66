"""Start the installed `queue-emulator` as a process of its own, and end exactly that process."""

import ctypes
import os
import queue
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from queue_contracts.targets.target import LOCAL, Target
from queue_contracts.untrusted.bounded import Unreadable
from queue_contracts.untrusted.keys import Keys

COMMAND = "queue-emulator"
QUEUE_API_KEY, ASSISTANT_API_KEY, ADMIN_API_KEY = "QUEUE_API_KEY", "ASSISTANT_API_KEY", "ADMIN_API_KEY"
START_S_MAX = 60
STOP_S_MAX = 15
# The addresses that were ever given out here: what listens there is nobody else's while this process runs.
STARTED: set[str] = set()
LISTENING = re.compile(r"http://127\.0\.0\.1:\d+")


class StartError(Exception):
    """A local target did not start; the message has the last lines that it printed."""


@dataclass(frozen=True)
class Serving:
    """How to start one: `worker` runs on workerd instead of the Python one, by this binary or one that is found.

    `keys` are all that the Worker has, by their names in its environment; None has one made for each scope.
    """

    name: str = "emulator"
    worker: Path | None = None
    workerd: Path | None = None
    locations: tuple[str, ...] = ()
    options: tuple[str, ...] = ("--profile", "local")
    keys: Mapping[str, str] | None = field(default=None, repr=False)


@contextmanager
def running_emulator(directory: Path, serving: Serving = Serving()) -> Iterator[Target]:
    """Serve an empty queue on a free port while the block runs.

    `directory` becomes the working directory: a `.dev.vars` of the caller's must not lend the emulator its keys.
    The environment is closed for the same reason. StartError if it never listens.
    """
    keys = serving.keys
    if keys is None:
        keys = {name: secrets.token_urlsafe(24) for name in (QUEUE_API_KEY, ADMIN_API_KEY)}
    process = subprocess.Popen(
        [installed_command(), "serve", "--port", "0", "--ephemeral", "--quiet", *_arguments(serving)],
        cwd=directory,
        env={"PATH": os.environ.get("PATH", os.defpath), **keys},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        preexec_fn=_end_with_this_process,
    )
    output = _Output(process, Keys({key: f"${name}" for name, key in keys.items() if key}))
    try:
        url = output.wait_for_url()
        STARTED.add(url)
        queue_key = keys.get(QUEUE_API_KEY) or keys.get(ASSISTANT_API_KEY, "")
        yield Target(url, queue_key, keys.get(ADMIN_API_KEY, ""), LOCAL, serving.name, serving.locations)
    finally:
        _stop(process)
        output.close()


_PRCTL, _ON_PARENTS_DEATH = getattr(ctypes.CDLL(None), "prctl", None), 1


def _end_with_this_process() -> None:
    """On Linux: pytest-xdist kills processes that do not end fast enough, and what they started would stay behind.

    https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html (2026-11-30)
    """
    if _PRCTL is not None:
        _PRCTL(_ON_PARENTS_DEATH, signal.SIGTERM)


def _arguments(serving: Serving) -> list[str]:
    worker = [] if serving.worker is None else ["--worker", str(serving.worker.absolute())]
    workerd = [] if serving.workerd is None else ["--workerd", str(serving.workerd.absolute())]
    locations = [each for code in serving.locations for each in ("--location", code)]
    return [*worker, *workerd, *locations, *serving.options]


def installed_command() -> str:
    """The command beside this interpreter, else the one on the path."""
    beside = Path(sys.executable).with_name(COMMAND)
    found = str(beside) if beside.exists() else shutil.which(COMMAND)
    if found is None:
        raise StartError(f"{COMMAND} was not found beside {sys.executable} or on the PATH: install queue-emulator")
    return found


class _Output:
    """What the process prints, read to its end in a thread: a full pipe would stall it."""

    def __init__(self, process: subprocess.Popen[str], keys: Keys) -> None:
        self._process = process
        self._keys = keys
        self._found: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._last_lines: deque[str] = deque(maxlen=40)
        self._thread = threading.Thread(target=self._drain, daemon=True, name=f"{COMMAND} output")
        self._thread.start()

    def wait_for_url(self) -> str:
        """The address in the first line that has one."""
        try:
            url = self._found.get(timeout=START_S_MAX)
        except queue.Empty:
            raise StartError(f"{COMMAND} did not listen within {START_S_MAX} s:\n{self._tail()}") from None
        if url is None:
            raise StartError(f"{COMMAND} did not start:\n{self._tail()}")
        return url

    def close(self) -> None:
        """Wait until the last line is read."""
        self._thread.join()

    def _drain(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._last_lines.append(line)
                if match := LISTENING.search(line):
                    self._found.put(match[0])
        self._found.put(None)

    def _tail(self) -> str:
        """Without the keys, which the Worker may have printed."""
        try:
            return self._keys.mask("".join(self._last_lines))
        except Unreadable as why:
            return f"(not shown: {why})"


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(timeout=STOP_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise TimeoutError(f"{COMMAND} was still running {STOP_S_MAX} s after SIGTERM") from None
