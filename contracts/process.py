"""Start the installed `queue-emulator` as a process of its own, and end exactly that process."""

import os
import queue
import re
import secrets
import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.target import Ability, Target

COMMAND = "queue-emulator"
START_S_MAX = 60
STOP_S_MAX = 15
LISTENING = re.compile(r"http://127\.0\.0\.1:\d+")


@contextmanager
def running_emulator(directory: Path) -> Iterator[Target]:
    """Serve an empty queue on a free port while the block runs.

    `directory` becomes the working directory: a `.dev.vars` of the caller's must not lend the emulator its keys.
    The environment is closed for the same reason.
    """
    queue_key, admin_key = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    process = subprocess.Popen(
        [installed_command(), "serve", "--port", "0", "--ephemeral", "--profile", "local"],
        cwd=directory,
        env={"PATH": os.defpath, "QUEUE_API_KEY": queue_key, "ADMIN_API_KEY": admin_key},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    output = _Output(process)
    try:
        yield Target(output.wait_for_url(), queue_key, admin_key, frozenset({Ability.CONTROL}))
    finally:
        _stop(process)
        output.close()


def installed_command() -> str:
    """The command beside this interpreter, else the one on the path."""
    beside = Path(sys.executable).with_name(COMMAND)
    found = str(beside) if beside.exists() else shutil.which(COMMAND)
    if found is None:
        raise FileNotFoundError(f"{COMMAND} is neither beside {sys.executable} nor on the path; install the package")
    return found


class _Output:
    """What the process prints, read to its end in a thread: a full pipe would stall it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._found: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._last_lines: deque[str] = deque(maxlen=40)
        self._thread = threading.Thread(target=self._drain, daemon=True, name=f"{COMMAND} output")
        self._thread.start()

    def wait_for_url(self) -> str:
        """The address in the first line that has one."""
        try:
            url = self._found.get(timeout=START_S_MAX)
        except queue.Empty:
            raise TimeoutError(f"{COMMAND} did not listen within {START_S_MAX} s:\n{self._tail()}") from None
        if url is None:
            raise RuntimeError(f"{COMMAND} ended with code {self._process.wait()} and never listened:\n{self._tail()}")
        return url

    def close(self) -> None:
        """Wait for the end of the output, which comes with the end of the process."""
        self._thread.join(STOP_S_MAX)

    def _drain(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._last_lines.append(line)
                if match := LISTENING.search(line):
                    self._found.put(match[0])
        self._found.put(None)

    def _tail(self) -> str:
        return "".join(self._last_lines)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(timeout=STOP_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise TimeoutError(f"{COMMAND} was still running {STOP_S_MAX} s after SIGTERM") from None
