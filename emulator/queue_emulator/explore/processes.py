"""A search in several processes: each searches lanes of its own, and what they find is divided among them."""

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from types import FrameType
from typing import NamedTuple

from queue_emulator.core.clock import Stopwatch
from queue_emulator.core.errors import SettingsError
from queue_emulator.explore.dividing import Division
from queue_emulator.explore.searching import Finished, Found, Said, Search, Stop, work
from queue_emulator.explore.shares import Examined, Share

_HEARD_EVERY_S = 0.2
_STOP_S_MAX = 5.0  # what ends no schedule by then is killed: its Worker may spin
_KILLED = "a process of the search has ended without a word: it was killed"


class Progress(NamedTuple):
    """How far a search is: schedules, findings, and the guarantees that are broken."""

    schedules: int
    findings: int
    broken: tuple[str, ...]


class Searched(NamedTuple):
    """What processes have found.

    interrupted  whether Ctrl-C came, or one of them failed
    failed       why one of them could not go on, "" if all could
    lost         how many were killed in the midst of a schedule
    """

    share: Share
    interrupted: bool
    failed: str
    lost: int


def search(asked: Search, workers: int, told: Callable[[Progress], None]) -> Searched:
    """Search in so many processes; raises SettingsError. `told` is told now and then how far all of them are.

    Ctrl-C has them stop after the schedule that they are in. They are not waited for longer than 5 s, nor once Ctrl-C
    comes again. What they have told by then is kept.
    """
    context = multiprocessing.get_context("spawn")
    stop = Stop(context)
    crew = [_Member(context, replace(asked, lanes=tuple(asked.lanes[of::workers])), stop) for of in range(workers)]
    hearing, stopping = _Hearing(crew, told), _Stopping(stop)
    try:
        with stopping.by_ctrl_c():
            while not hearing.division.over and not hearing.failed and not stopping.over:
                hearing.hear()
    finally:
        stop.set()
        for each in crew:
            each.handed.put(None)
        lost = _end(crew, 0 if stopping.over else _STOP_S_MAX)
    return Searched(hearing.share(asked), stopping.interrupted or bool(hearing.failed), hearing.failed, lost)


class _Member:
    """A process, with what it is handed and what it tells."""

    def __init__(self, context: multiprocessing.context.SpawnContext, asked: Search, stop: Stop) -> None:
        self.handed: Queue[Examined | None] = context.Queue()
        self.tells: Connection[None, Said]
        self.tells, told = context.Pipe(duplex=False)
        self.process: BaseProcess = context.Process(target=work, args=(asked, self.handed, told, stop), daemon=True)
        self.process.start()
        told.close()  # so that its end is heard


def _end(crew: Sequence[_Member], by_s: float) -> int:
    """Whoever has not ended by then is killed; how many that were."""
    watch = Stopwatch()
    try:
        for each in crew:
            each.process.join(max(0.0, by_s - watch.elapsed_s()))
        return sum(each.process.is_alive() for each in crew)
    finally:  # also at Ctrl-C
        for each in crew:
            each.process.kill()
            each.handed.cancel_join_thread()


class _Stopping:
    """Whether they were asked to stop, and whether that is long enough ago."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._since: Stopwatch | None = None
        self._again = False

    @contextmanager
    def by_ctrl_c(self) -> Iterator[None]:
        """Meanwhile Ctrl-C does so, and nothing else: it comes in the midst of whatever is done."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._asked)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _asked(self, number: int, frame: FrameType | None) -> None:
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
    """What was heard of the processes so far. `failed`: why one of them has ended before it was over."""

    def __init__(self, crew: Sequence[_Member], told: Callable[[Progress], None]) -> None:
        self.division = Division(len(crew))
        self.failed = ""
        self._crew = crew
        self._told = told
        self._schedules = [0] * len(crew)
        self._operations = [0] * len(crew)

    def hear(self) -> None:
        """What comes in a moment; and hand out what is to be examined. Raises SettingsError."""
        told = wait([each.tells for each in self._crew], _HEARD_EVERY_S)
        for process, each in enumerate(self._crew):
            if each.tells in told:
                try:
                    self._take(process, each.tells.recv())
                except (EOFError, OSError):
                    self.failed = self.failed or _KILLED
        for process, found in self.division.hand_out():
            self._crew[process].handed.put(found)
        self._told(self.progress())

    def _take(self, process: int, said: Said) -> None:
        if isinstance(said, Found):
            self.division.found(process, said.failures, said.upto)
            self._schedules[process], self._operations[process] = said.schedules, said.operations
        elif isinstance(said, Finished):
            self.division.finished(process, said.examined)
        elif said.ended:
            self.failed = said.why
        else:
            raise SettingsError(said.why)

    def progress(self) -> Progress:
        examined = self.division.examined()
        kinds = {(each.guarantee, each.how, each.causes) for each in examined}
        return Progress(sum(self._schedules), len(kinds), tuple(dict.fromkeys(each.guarantee for each in examined)))

    def share(self, asked: Search) -> Share:
        return Share(
            asked.part,
            sum(self._schedules),
            sum(self._operations),
            self.division.unsteady,
            self.division.examined(),
        )
