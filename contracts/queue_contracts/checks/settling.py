"""Wait until a write is seen: by moving the target's clock where that can be done, by polling where it cannot.

Reads after a write answer the old value, or that there is none, until the write has reached the reader. Anything else
is wrong whenever it comes. Never read a key before it is written, if only to see that it is absent: the miss is kept
like a value, and then the write itself is seen late.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from queue_contracts.targets.control import Control

T = TypeVar("T")

# How long a location may go on answering from its own copy: https://developers.cloudflare.com/kv/concepts/how-kv-works/
WINDOW_S = 60
# The page says "60 seconds or more": half as long again is given before a target is said not to keep its word.
DEADLINE_S = 90


class NeverSettled(AssertionError):
    """Only what was there before the write was seen, until the deadline and beyond the window."""


class WrongValue(AssertionError):
    """Neither what was there before the write nor what was written."""


@dataclass(frozen=True)
class Passing:
    """How time passes at a target: `seconds` counts it, `wait` lets some go by."""

    seconds: Callable[[], float]
    wait: Callable[[float], None]
    first_wait_s: float
    wait_s_max: float
    moved: bool


@dataclass(frozen=True)
class Settled(Generic[T]):
    """What was seen in the end, how many seconds after the first look (0 if at once), and by how many reads."""

    value: T
    after_s: float
    reads: int


def settle(
    read: Callable[[], T],
    *,
    seen: Callable[[T], bool],
    before: Callable[[T], bool],
    passing: Passing,
    deadline_s: float = DEADLINE_S,
) -> Settled[T]:
    """Read until `seen`; until then each value must be one that `before` allows.

    Raises WrongValue at the first other value, NeverSettled when `deadline_s` have passed.
    """
    started, wait_s, reads = passing.seconds(), passing.first_wait_s, 0
    while True:
        asked_s = passing.seconds() - started
        value, reads = read(), reads + 1
        if seen(value):
            return Settled(value, asked_s if reads > 1 else 0.0, reads)
        if not before(value):
            raise WrongValue(
                f"after {asked_s:.1f} s and {reads} reads: {value!r}, neither the old value nor the new one"
            )
        if asked_s >= deadline_s:
            raise NeverSettled(
                f"the write was not seen within {asked_s:.0f} s and {reads} reads; the value is still {value!r}"
            )
        passing.wait(min(wait_s, max(deadline_s - asked_s, 0.01)))
        wait_s = min(wait_s * 2, passing.wait_s_max)


def real_time() -> Passing:
    """Waits."""
    return Passing(time.monotonic, time.sleep, first_wait_s=0.1, wait_s_max=2, moved=False)


def moved_time(control: Control) -> Passing:
    """Moves the target's clock, which takes no time: seconds counts the moves and what passed by itself."""
    moved_s = 0.0

    def wait(seconds: float) -> None:
        nonlocal moved_s
        control.advance(seconds)
        moved_s += seconds

    return Passing(lambda: time.monotonic() + moved_s, wait, first_wait_s=1, wait_s_max=15, moved=True)


def pass_window(passing: Passing) -> None:
    """Let so much time go by that every location sees what has been written until now."""
    passing.wait(WINDOW_S + 1)
