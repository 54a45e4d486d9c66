"""What a process and those below it hold: descriptors, tasks, threads, processes, memory."""

import json
import os
import signal
import time
from dataclasses import astuple, dataclass, fields
from pathlib import Path

_TOLD_S_MAX = 30
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Holding:
    """`descriptors` and `memory_kib` are of the emulator alone, `runtime_descriptors` of the workerd below it."""

    descriptors: int
    tasks: int
    threads: int
    processes: int
    runtime_descriptors: int
    memory_kib: int

    def row(self) -> str:
        """The numbers, in columns."""
        return " ".join(f"{value:>19,}" for value in astuple(self))

    @staticmethod
    def head() -> str:
        """The names of the columns."""
        return " ".join(f"{field.name:>19}" for field in fields(Holding))


def holding(pid: int, told: Path) -> Holding:
    """What the emulator with this process id holds now; `told` is its HELD file."""
    told.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR1)
    ends_s = time.monotonic() + _TOLD_S_MAX
    while not told.exists():
        assert time.monotonic() < ends_s, "the emulator does not answer SIGUSR1"
        time.sleep(_LOOK_S)
    held = json.loads(told.read_text())
    below = _below(pid)
    return Holding(
        descriptors=_descriptors(pid),
        tasks=held["tasks"],
        threads=held["threads"],
        processes=1 + len(below),
        runtime_descriptors=sum(map(_descriptors, below)),
        memory_kib=_memory_kib(pid),
    )


def _descriptors(pid: int) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0


def _memory_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


def _below(pid: int) -> list[int]:
    children = [int(each) for task in Path(f"/proc/{pid}/task").iterdir() for each in _children(task)]
    return [*children, *(each for child in children for each in _below(child))]


def _children(task: Path) -> list[str]:
    try:
        return (task / "children").read_text().split()
    except OSError:
        return []
