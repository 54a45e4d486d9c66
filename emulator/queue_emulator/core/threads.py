"""Long work in a thread beside the event loop: how the loop gets the interpreter meanwhile.

Python takes the interpreter from a thread only after 5 ms, and a write into a state file asks for it about twenty
times: beside a long work it would wait 100 ms.
https://docs.python.org/3/library/sys.html#sys.setswitchinterval (2026-11-30)
"""

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

SHORT_TURN_S = 0.000_5
_PAUSE_S = 0.000_05
_never = threading.Event()

Result = TypeVar("Result")


class _Turns:
    """How many long works there are, and how long a turn was before the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._works = 0
        self._before_s = 0.0

    def begin(self) -> None:
        with self._lock:
            if self._works == 0:
                self._before_s = sys.getswitchinterval()
                _set_turn(min(SHORT_TURN_S, self._before_s))
            self._works += 1

    def end(self) -> None:
        with self._lock:
            self._works -= 1
            if self._works == 0:
                _set_turn(self._before_s)


def _set_turn(turn_s: float) -> None:
    """Python keeps whole microseconds and drops the rest: of what it said itself that may be one too few."""
    sys.setswitchinterval(turn_s + 1e-9)


_turns = _Turns()


def in_short_turns(work: Callable[[], Result]) -> Result:
    """Do `work`; meanwhile no thread of the process keeps the interpreter for longer than 0.5 ms when another waits.

    Not always: where there is only short work, to hand over more often costs more than it brings.
    """
    _turns.begin()
    try:
        return work()
    finally:
        _turns.end()


def give_way() -> None:
    """Let the event loop go on, if this is not its own thread. To be called every millisecond or so of long work.

    A pause gives the interpreter away at once; one of no time at all mostly gets it back before anybody has woken.
    """
    if threading.current_thread() is not threading.main_thread():
        _never.wait(_PAUSE_S)
