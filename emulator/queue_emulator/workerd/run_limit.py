"""Limits how many runs of the Worker there are at once: as many as the runtime has file descriptors for.

workerd ends when it cannot open a file for a connection that it accepts (an uncaught exception, as of 2026-11). A run
needs one on each side of its request, and one for each KV operation that it makes at once. Cloudflare lets a run make
six: https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections
"""

import asyncio
from collections.abc import Callable

_OPERATIONS_AT_ONCE = 6
_TWICE = 2  # the connections of a run that has just ended are still being closed
_OF_THE_RUNTIME = 32  # what it holds beside its runs, with some to spare
_LOOK_AGAIN_S = 0.05
_WAIT_S_MAX = 30.0


class TooManyRuns(Exception):
    """Other runs have used all descriptors for half a minute."""


class RunLimit:
    """Runs wait in their order of arrival. `limit` is the limit of open files, for this process and for the runtime.

    `asking` counts the connections for KV operations that are open now, those that wait to be accepted left out:
    `crowded` tells whether there are any.
    """

    def __init__(self, limit: int, *, asking: Callable[[], int], crowded: Callable[[], bool]) -> None:
        self._free = max(limit - _OF_THE_RUNTIME, 2)
        self._runs = asyncio.Semaphore(max(self._free // ((_OPERATIONS_AT_ONCE + 1) * _TWICE), 1))
        self._under_way = 0
        self._asking = asking
        self._crowded = crowded

    @property
    def wanted(self) -> bool:
        """Whether all of it is taken, so that a run that is not needed keeps another one out."""
        return self._runs.locked() or self._is_full()

    async def take(self) -> None:
        """Wait until one more run may start; `free` ends it. Raises TooManyRuns after half a minute."""
        if self._runs.locked():
            await self._wait_for_an_end()
        else:
            await self._runs.acquire()
        if self._under_way and self._is_full():
            await self._wait_while_full()
        self._under_way += 1

    def free(self) -> None:
        """A run is over."""
        self._under_way -= 1
        self._runs.release()

    async def _wait_for_an_end(self) -> None:
        try:
            async with asyncio.timeout(_WAIT_S_MAX):
                await self._runs.acquire()
        except TimeoutError:
            raise TooManyRuns from None

    async def _wait_while_full(self) -> None:
        """A run may make more operations at once than Cloudflare lets it."""
        waited_s = 0.0
        try:
            while self._under_way and self._is_full():
                if waited_s >= _WAIT_S_MAX:
                    raise TooManyRuns
                await asyncio.sleep(_LOOK_AGAIN_S)
                waited_s += _LOOK_AGAIN_S
        except BaseException:
            self._runs.release()
            raise

    def _is_full(self) -> bool:
        return self._crowded() or self._under_way + self._asking() >= self._free
