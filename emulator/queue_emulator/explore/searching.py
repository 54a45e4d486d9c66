"""One process of a search: it searches lanes of its own, and examines what it is handed, by a workerd of its own."""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import NamedTuple

from queue_emulator.core.clock import Stopwatch
from queue_emulator.core.errors import EmulatorError
from queue_emulator.explore.allowed import Allowed
from queue_emulator.explore.deployed import answering
from queue_emulator.explore.explorer import as_found
from queue_emulator.explore.failures import Failures
from queue_emulator.explore.scenario_file import scenarios_named
from queue_emulator.explore.scenarios import with_machines
from queue_emulator.explore.shares import Examined, Part, examined, made_small
from queue_emulator.workerd.bindings import WorkerFlags
from queue_emulator.workerd.stopped import WorkerStopped

_TOLD_EVERY_MS = 100.0


class Stop:
    """Whether all of them are to stop: one byte that they share. A process that is killed may keep an Event's lock."""

    def __init__(self, context: BaseContext) -> None:
        self._byte = context.RawValue("b", 0)

    def set(self) -> None:
        """They are."""
        self._byte.value = 1

    def is_set(self) -> bool:
        """Whether they are."""
        return bool(self._byte.value)


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched: names of scenarios or their files, none for the built-in ones, and for how long."""

    scenarios: tuple[str, ...]
    seed: int
    lanes: Sequence[int]
    seconds: float
    schedules: int | None
    machines: int = 1
    flags: WorkerFlags | None = None
    workerd: Path | None = None

    @property
    def part(self) -> Part:
        """Of the whole search."""
        return Part(self.seed, self.scenarios, self.machines, tuple(self.lanes))

    @property
    def allowed(self) -> Allowed:
        """How long it may take from now on."""
        return Allowed(self.seconds if self.schedules is None else None)


class Found(NamedTuple):
    """How far a process is, and what it has found since it told last. `upto` None: it has no more to search."""

    failures: Sequence[Examined]
    upto: int | None
    schedules: int
    operations: int


class Finished(NamedTuple):
    """What has come of what it was handed; None: that broke nothing when it was run again."""

    examined: Examined | None


class Failed(NamedTuple):
    """Why it ends early. `ended`: its runtime is gone; else what was asked for cannot be."""

    why: str
    ended: bool


Said = Found | Finished | Failed


def collect_seldom() -> None:
    """Look for garbage less often: a schedule makes thousands of objects, nearly all of them for a moment."""
    gc.set_threshold(100_000, 20, 100)


def work(asked: Search, handed: "Queue[Examined | None]", told: "Connection[Said, None]", stop: Stop) -> None:
    """The process. It ends when the one that started it is gone, even in a schedule; with it its workerd."""
    threading.Thread(target=_end_without, args=(multiprocessing.parent_process(),), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C comes to all of them: the first tells the others to stop
    collect_seldom()
    try:
        _search(asked, handed, told, stop)
    except (EmulatorError, OSError) as error:
        with suppress(OSError):
            told.send(Failed(str(error), ended=isinstance(error, WorkerStopped)))


def _end_without(parent: BaseProcess | None) -> None:
    assert parent is not None
    parent.join()
    os._exit(1)


def _search(asked: Search, handed: "Queue[Examined | None]", told: "Connection[Said, None]", stop: Stop) -> None:
    scenarios = scenarios_named(asked.scenarios)
    of = {each.name: each for each in scenarios}
    with answering(scenarios, asked.flags, workerd=asked.workerd) as answers:
        answered, allowed = with_machines(answers, asked.machines), asked.allowed
        failures = Failures(scenarios, asked.seed, swarm=not asked.scenarios, answered=answered, lanes=asked.lanes)

        def examine(each: Examined) -> None:
            small = made_small(each, answered, of, lambda: stop.is_set() or allowed.small_enough())
            told.send(Finished(small))

        watch, told_ms = Stopwatch(), 0.0
        for each in failures.run(lambda: stop.is_set() or allowed.searched(), asked.schedules):
            now_ms = watch.elapsed_ms()
            if each or now_ms - told_ms >= _TOLD_EVERY_MS:
                told_ms, new = now_ms, [examined(failure.sign, as_found(failure)) for failure in each]
                told.send(Found(new, failures.upto, failures.schedules, failures.operations))
            with suppress(Empty):
                examine(handed.get_nowait())  # type: ignore[arg-type]  # nothing ends it before it has told
        told.send(Found((), None, failures.schedules, failures.operations))
        while (mine := handed.get()) is not None:
            examine(mine)
