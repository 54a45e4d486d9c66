"""Processes that hunt side by side, and end what they are at when the first one is told to end."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import ParamSpec, TypeVar

from queue_contracts.session.runs import current_run

Told = ParamSpec("Told")
Found = TypeVar("Found")

_AGAIN_AFTER_S = 0.1
_told_to_end: list[bool] = []  # this process, if it is one that hunts


@contextmanager
def hunters(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """A pool for `in_turn`. What ends the block early, and be it an interrupt, ends the hunts that are under way."""
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_listen)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for hunter in active_children():
            hunter.terminate()
        raise
    finally:
        pool.shutdown()


def in_turn(hunt: Callable[Told, Found], *arguments: Told.args, **options: Told.kwargs) -> Found:
    """Run one hunt in a process of the pool, which has taken the next ones already: those are not begun any more."""
    if _told_to_end:
        raise KeyboardInterrupt
    return hunt(*arguments, **options)


def _listen() -> None:
    """Only to the first process: a terminal interrupts all, and a hunt that is interrupted twice leaves its Worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGALRM, _end)


def _end(number: int, frame: object) -> None:
    """Interrupt pytest, which tidies up after it; not what makes and removes files around it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _told_to_end.append(True)
    if current_run() is None:
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_AFTER_S)
    else:
        raise KeyboardInterrupt
