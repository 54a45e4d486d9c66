"""Asynchronous work that never waits, run to its end where it is asked for."""

import threading
from collections.abc import Coroutine
from typing import TypeVar

from queue_emulator.core.errors import EmulatorError

Result = TypeVar("Result")

ONE_AT_A_TIME = threading.RLock()


def run_now(work: Coroutine[object, None, Result]) -> Result:
    """Run to its end what waits for no turn; calls from several threads go one after the other.

    What lets others go first, as `asyncio.sleep(0)` does, goes on at once: here are no others.
    """
    with ONE_AT_A_TIME:
        try:
            while work.send(None) is None:
                pass
        except StopIteration as ended:
            result: Result = ended.value
            return result
        work.close()
    raise EmulatorError("the emulator would have to wait, which is not possible inside a test")
