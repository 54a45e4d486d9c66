"""No process is left: what the command started, and what still runs of it when the command or the emulator is gone.

Whoever is killed has no time to end its own children: wrangler killed leaves workerd behind. So every process below
`run` carries a mark in its environment, by which it is found. A process that made a session of its own, such as a
browser that the tool opened, means to outlive the tool, and stays.

As a program, with nothing but the standard library, this is the guard of the emulator itself:
`python leftovers.py MARK SESSION` waits on its standard input; where that ends without a word, the emulator was
killed, and the guard ends what is left. Processes are looked up in /proc; without one, as on macOS, only the command
itself is ended.
"""

import os
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event

MARK = "QUEUE_EMULATOR_RUN"  # its value is the folder of one run, and so the mark
PROCESSES = Path("/proc")
_LOOKS = 40
_LOOK_S = 0.05


def marked(folder: str, session: int) -> list[int]:
    """The processes of this run and of this session that still live."""
    mark = f"{MARK}={folder}".encode()
    return [pid for pid in _pids() if _session(pid) == session and mark in _environment(pid)]


def send(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to those that are still there."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def end(folder: str, session: int) -> None:
    """Ask what is left to end, and kill what does not within two seconds."""
    send(marked(folder, session), signal.SIGTERM)
    for _ in range(_LOOKS):
        if not marked(folder, session):
            return
        Event().wait(_LOOK_S)
    while left := marked(folder, session):  # again, for one may start another while it is looked
        send(left, signal.SIGKILL)
        Event().wait(_LOOK_S)


def _pids() -> list[int]:
    with suppress(OSError):
        return [int(each.name) for each in PROCESSES.iterdir() if each.name.isdigit()]
    return []


def _session(pid: int) -> int | None:
    with suppress(OSError):
        return os.getsid(pid)
    return None


def _environment(pid: int) -> list[bytes]:
    """As it was at its start; empty of a process that is dead or of another user."""
    with suppress(OSError):
        return (PROCESSES / str(pid) / "environ").read_bytes().split(b"\0")
    return []


def _guard(folder: str, session: int) -> None:
    if not sys.stdin.buffer.read(1):
        end(folder, session)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _guard(sys.argv[1], int(sys.argv[2]))
