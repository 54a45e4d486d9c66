"""A process that has loaded `queue-emulator` and waits: for each start that it is asked for it forks.

The fork is what a process of the command is once it has loaded its modules: with a folder, an environment, an output
and an error output of its own, no other open file, no signal handler and no thread. Run by forked.py, which says on a
socket what is to be started: one line of JSON, and with it where the output, the errors and the exit code go.
"""

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

_ALWAYS = (
    "queue_emulator.cli",
    "queue_emulator.compose.serve",
    "queue_emulator.transfer.bulk_files",
    "queue_emulator.web.control_app",
    "queue_emulator.web.rest.app",
)
_WITH_A_WORKER = ("queue_emulator.workerd.running", "queue_emulator.workerd.versions")


@dataclass(frozen=True, slots=True)
class Asked:
    """One start."""

    arguments: list[str]
    folder: str
    environment: dict[str, str]


@dataclass(slots=True)
class Template:
    """The descriptors that it holds, and who gets to know of the end of which process."""

    asking: socket.socket
    woken: int
    waking: int
    ends: dict[int, int] = field(default_factory=dict)

    def next_start(self) -> Callable[[], None] | None:
        """In each fork: makes it the process that was asked for. Here: None, once nobody asks any more."""
        poll = select.poll()
        poll.register(self.asking, select.POLLIN)
        poll.register(self.woken, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self.woken in ready:
                os.read(self.woken, 4096)
                self._tell_ends()
            if self.asking.fileno() in ready:
                line, descriptors = _request(self.asking)
                if not line:
                    return None
                asked = Asked(**json.loads(line))
                _load(_WITH_A_WORKER if "--worker" in asked.arguments else ())
                out, errors, end = descriptors
                if (pid := os.fork()) == 0:
                    self._let_go(end)
                    return lambda: _become(asked, out, errors)
                self.ends[pid] = end
                os.close(out)
                os.close(errors)
                self.asking.sendall(b"%d\n" % pid)

    def _tell_ends(self) -> None:
        while self.ends:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            end = self.ends.pop(pid)
            os.write(end, b"%d" % os.waitstatus_to_exitcode(status))
            os.close(end)

    def _let_go(self, *more: int) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.asking.close()
        for descriptor in (self.woken, self.waking, *self.ends.values(), *more):
            os.close(descriptor)


def main() -> int:
    """Its only argument is the descriptor of the socket."""
    _load(_ALWAYS)
    woken, waking = os.pipe()
    os.set_blocking(waking, False)
    template = Template(socket.socket(fileno=int(sys.argv[1])), woken, waking)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(waking)
    gc.freeze()  # what is here is not looked at again, so that its pages stay shared
    become = template.next_start()
    if become is None:
        return 0
    become()
    from queue_emulator.cli import main as command

    return command()


def _request(asking: socket.socket) -> tuple[bytes, list[int]]:
    line, descriptors, _, _ = socket.recv_fds(asking, 65_536, 3)
    while line and not line.endswith(b"\n"):
        line += asking.recv(65_536)
    return line, descriptors


def _become(asked: Asked, out: int, errors: int) -> None:
    for descriptor, instead in ((out, 1), (errors, 2)):
        os.dup2(descriptor, instead)
        os.close(descriptor)
    os.chdir(asked.folder)
    os.environ.clear()
    os.environ.update(asked.environment)
    sys.argv[:] = asked.arguments


def _load(names: tuple[str, ...]) -> None:
    for name in names:
        importlib.import_module(name)


if __name__ == "__main__":
    sys.exit(main())
