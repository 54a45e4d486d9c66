"""A search in several processes, each with lanes of its own, and with a workerd of its own if it needs one."""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from queue import Empty
from typing import NamedTuple

import msgspec

from queue_emulator.core.clock import Stopwatch
from queue_emulator.core.errors import EmulatorError, SettingsError
from queue_emulator.explore.deployed import answering
from queue_emulator.explore.explorer import Explorer
from queue_emulator.explore.scenario_file import scenarios_named
from queue_emulator.explore.scenarios import with_machines
from queue_emulator.explore.shares import Part, Share, share_of
from queue_emulator.workerd.bindings import WorkerFlags

_TOLD_EVERY_MS = 500.0
_HEARD_EVERY_S = 0.2
_STOP_S_MAX = 5.0  # what ends no schedule by then is killed: its Worker may spin


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


class Progress(NamedTuple):
    """How far a process is: schedules, and guarantees that are broken, with how many findings."""

    schedules: int
    findings: int
    broken: tuple[str, ...]


def progress_of(explorer: Explorer) -> Progress:
    broken = tuple(dict.fromkeys(finding.target.guarantee for finding in explorer.findings))
    return Progress(explorer.schedules, len(explorer.findings), broken)


def collect_seldom() -> None:
    """Look for garbage less often: a schedule makes thousands of objects, nearly all of them for a moment."""
    gc.set_threshold(100_000, 20, 100)


class _Message(NamedTuple):
    process: int
    progress: Progress | None
    share: bytes
    failed: str


class Searched(NamedTuple):
    """What processes have examined; whether Ctrl-C came, which keeps that; how many were killed with what they had."""

    shares: list[Share]
    interrupted: bool
    lost: int


def search(asked: Search, workers: int, told: Callable[[Sequence[Progress]], None]) -> Searched:
    """Search in so many processes; raises SettingsError. `told` is told now and then how far all of them are.

    Ctrl-C has them stop after the schedule that they are in. They are not waited for longer than 5 s, nor once Ctrl-C
    comes again.
    """
    context = multiprocessing.get_context("spawn")
    queue: Queue[_Message] = context.Queue()
    stop = context.Event()
    parts = [replace(asked, lanes=tuple(asked.lanes[number::workers])) for number in range(workers)]
    processes = [
        context.Process(target=_work, args=(number, part, queue, stop), daemon=True)
        for number, part in enumerate(parts)
    ]
    for process in processes:
        process.start()
    hearing, stopping = _Hearing(len(processes), told), _Stopping(stop)
    try:
        while hearing.missing and not stopping.over:
            try:
                hearing.hear(queue)
                if not all(processes[number].is_alive() for number in hearing.missing):
                    hearing.hear(queue)  # its last word may have come since
                    dead = [number for number in hearing.missing if not processes[number].is_alive()]
                    if dead:
                        raise EmulatorError("a process of the search has ended without a word: it was killed")
            except KeyboardInterrupt:
                stopping.asked()
    finally:
        stop.set()
        _end(processes, 0 if stopping.over else _STOP_S_MAX)
    nothing = Share(replace(asked, lanes=()).part, 0, 0, 0, ())
    return Searched([nothing, *hearing.shares.values()], stopping.interrupted, len(hearing.missing))


def _end(processes: Sequence[BaseProcess], by_s: float) -> None:
    """Whoever has not ended by then is killed."""
    watch = Stopwatch()
    try:
        for process in processes:
            process.join(max(0.0, by_s - watch.elapsed_s()))
    finally:  # also at Ctrl-C
        for process in processes:
            process.kill()


class _Stopping:
    """Whether they were asked to stop, and whether that is long enough ago."""

    def __init__(self, stop: Event) -> None:
        self._stop = stop
        self._since: Stopwatch | None = None
        self._again = False

    def asked(self) -> None:
        """By Ctrl-C."""
        self._again = self.interrupted
        self._since = self._since or Stopwatch()
        self._stop.set()

    @property
    def interrupted(self) -> bool:
        return self._since is not None

    @property
    def over(self) -> bool:
        return self._again or (self._since is not None and self._since.elapsed_s() >= _STOP_S_MAX)


class _Hearing:
    """What was heard of the processes so far."""

    def __init__(self, count: int, told: Callable[[Sequence[Progress]], None]) -> None:
        self.missing = set(range(count))
        self.shares: dict[int, Share] = {}
        self._progress: dict[int, Progress] = {}
        self._told = told

    def hear(self, queue: "Queue[_Message]") -> None:
        """What comes in a moment, and all that is there by then."""
        watch = Stopwatch()
        try:
            while True:
                each = queue.get(timeout=max(0.0, _HEARD_EVERY_S - watch.elapsed_s()))
                if each.failed:
                    raise SettingsError(each.failed)
                if each.progress is not None:
                    self._progress[each.process] = each.progress
                    self._told(list(self._progress.values()))
                else:
                    self.shares[each.process] = msgspec.json.decode(each.share, type=Share)
                    self.missing.discard(each.process)
        except Empty:
            pass


def _work(number: int, asked: Search, queue: "Queue[_Message]", stop: Event) -> None:
    """One process. It ends when the one that started it is gone, even in a schedule; with it its workerd."""
    threading.Thread(target=_end_without, args=(multiprocessing.parent_process(),), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C comes to all of them: the first tells the others to stop
    collect_seldom()
    try:
        queue.put(_Message(number, None, msgspec.json.encode(_searched(number, asked, queue, stop)), ""))
    except (EmulatorError, OSError) as error:
        queue.put(_Message(number, None, b"", str(error)))


def _end_without(parent: BaseProcess | None) -> None:
    assert parent is not None
    parent.join()
    os._exit(1)


def _searched(number: int, asked: Search, queue: "Queue[_Message]", stop: Event) -> Share:
    scenarios = scenarios_named(asked.scenarios)
    with answering(scenarios, asked.flags, workerd=asked.workerd) as answers:
        answered = with_machines(answers, asked.machines)
        explorer = Explorer(scenarios, asked.seed, swarm=not asked.scenarios, answered=answered, lanes=asked.lanes)
        watch, told_ms = Stopwatch(), 0.0

        def enough() -> bool:
            nonlocal told_ms
            now_ms = watch.elapsed_ms()
            if now_ms - told_ms >= _TOLD_EVERY_MS:
                told_ms = now_ms
                queue.put(_Message(number, progress_of(explorer), b"", ""))
            return stop.is_set() or (asked.schedules is None and now_ms >= asked.seconds * 1000)

        for _ in explorer.run(enough, asked.schedules):
            pass
    return share_of(explorer, asked.part)
