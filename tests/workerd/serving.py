"""`queue-emulator serve --worker` as a process, and the workerd that it started."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.emulator_process import Emulator, starting
from tests.cli.in_process import run_here

ON_LINUX = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
ServeWorker = Callable[..., Emulator]


@pytest.fixture
def serve_worker(tmp_path: Path, workerd: Path) -> Iterator[ServeWorker]:
    """`serve_worker(source, "--location", "SJC", environment={…})` runs a Worker; gone when the test is over."""
    with starting(tmp_path, tmp_path) as started:

        def serve(
            source: str, *arguments: str | Path, ephemeral: bool = True, environment: dict[str, str] | None = None
        ) -> Emulator:
            (tmp_path / "worker.mjs").write_text(source)
            state = ("--ephemeral",) if ephemeral else ()
            command = (*state, "--worker", "worker.mjs", "--workerd", workerd, *arguments)
            return started(*command, environment=environment)

        yield serve


@pytest.fixture
def refuse_worker(tmp_path: Path, workerd: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """As `serve_worker`, of one that cannot be served: what the command said, and its code."""

    def refuse(source: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "worker.mjs").write_text(source)
        command = ("serve", "--port", "0", "--ephemeral", "--worker", "worker.mjs", "--workerd", workerd, *arguments)
        return run_here(*command, folder=tmp_path)

    return refuse


def workerd_of(emulator: Emulator) -> int:
    """The process id of the workerd that this emulator runs."""
    (child,) = children(emulator.process.pid)
    return child


def workerds_of(emulator: Emulator) -> list[int]:
    """The process ids of all workerds that this emulator runs."""
    return children(emulator.process.pid)


def below(pid: int) -> list[int]:
    """A process and everything that it started, directly or not."""
    return [pid, *(each for child in children(pid) for each in below(child))]


def alive(pids: list[int]) -> list[int]:
    """Those that still run; one that nobody has waited for yet is dead all the same."""
    return [pid for pid in pids if _state(pid) not in (None, "Z", "X")]


def kill(pid: int) -> None:
    """SIGKILL, to exactly this process."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def children(pid: int) -> list[int]:
    running = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
    return [stat[0] for stat in map(_stat, running) if stat and stat[2] == pid]


def _state(pid: int) -> str | None:
    stat = _stat(pid)
    return None if stat is None else stat[1]


def _stat(pid: int) -> tuple[int, str, int] | None:
    with suppress(OSError):
        _, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")
        state, parent, *_ = rest.split()
        return pid, state, int(parent)
    return None
