"""Starts of `queue-emulator` for tests that do not look at the start itself: forks of a process that has loaded it.

One such process for each process of pytest. A fork takes a small part of the processor time of a start, which loads 400
modules; starts that only a new interpreter can make are no forks: see `can_fork`.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO

_TEMPLATE = Path(__file__).with_name("template.py")
_READ_BY_THE_INTERPRETER = ("PYTHON", "LANG", "LC_")
_FROM_FORKS = threading.Lock()


class Forked:
    """A process that is the template's child, and no child of this one; what tests use of `subprocess.Popen`."""

    def __init__(self, pid: int, stdout: IO[str] | None, end: int) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._end = end

    def poll(self) -> int | None:
        return self._ended_within(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended_within(None if timeout is None else int(timeout * 1000))
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended, and the word of it is on its way
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ended_within(self, wait_ms: int | None) -> int | None:
        if self.returncode is None:
            poll = select.poll()
            poll.register(self._end, select.POLLIN)
            if not poll.poll(wait_ms):
                return None
            self.returncode = int(os.read(self._end, 16))
            os.close(self._end)
        return self.returncode


def can_fork(environment: Mapping[str, str]) -> bool:
    """Whether no variable is among it that an interpreter reads when it begins."""
    return not any(name.startswith(_READ_BY_THE_INTERPRETER) for name in environment)


def fork(command: Sequence[str], *, folder: Path, environment: Mapping[str, str], errors: IO[str]) -> Forked:
    """Its standard input is empty; its standard output is a pipe."""
    asked = {"arguments": list(command), "folder": str(folder), "environment": dict(environment)}
    output, out = os.pipe()
    end, ending = os.pipe()
    with _FROM_FORKS:
        asking = _template()
        socket.send_fds(asking, [json.dumps(asked).encode() + b"\n"], [out, errors.fileno(), ending])
        said = asking.recv(32)
        while said and not said.endswith(b"\n"):
            said += asking.recv(32)
    os.close(out)
    os.close(ending)
    assert said, "the process that forks has ended"
    return Forked(int(said), os.fdopen(output, encoding="utf-8"), end)


@cache
def _template() -> socket.socket:
    """The socket to it; it ends with this process."""
    ours, its = socket.socketpair()
    with its:
        process = subprocess.Popen(
            [sys.executable, "-P", str(_TEMPLATE), str(its.fileno())],
            pass_fds=[its.fileno()],
            env={"PATH": os.environ.get("PATH", os.defpath)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # as each fork's: Python remembers whether one can seek in it
        )

    def end() -> None:
        ours.close()
        process.communicate()

    atexit.register(end)
    return ours
