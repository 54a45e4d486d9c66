"""Long work in a thread beside the event loop."""

import threading

_PAUSE_S = 0.000_05
_never = threading.Event()


def give_way() -> None:
    """Let the event loop go on, if this is not its own thread. To be called every millisecond or so of long work.

    Python takes the interpreter from a thread only after 5 ms, and one request needs it about twenty times. A pause
    gives it away at once; one of no time at all mostly gets it back before anybody else has woken.
    https://docs.python.org/3/library/sys.html#sys.setswitchinterval (2026-11-30)
    """
    if threading.current_thread() is not threading.main_thread():
        _never.wait(_PAUSE_S)
