"""Choices: who does the next operation, how much time passes before it, and what goes wrong with it."""

from itertools import pairwise
from typing import NamedTuple

TICK_MS = 1_000  # passes when another request begins or another actor goes on, as it does between any two people
USUAL_MS = -1
EXPIRY_MS = -2
AT_ONCE_MS = 0
MINUTE_MS = 60_000

_PAUSES = {USUAL_MS: "", EXPIRY_MS: "~expiry", AT_ONCE_MS: "="}


class Choice(NamedTuple):
    """The next operation is `actor`'s.

    pause_ms  how long nothing happens before it: so many milliseconds, or USUAL_MS, or EXPIRY_MS: until something ends
    fault     what is done to it, "" for nothing
    machine   of its location, from 1, that serves the request which begins with it
    going     which of the operations that its request waits for at once is done: the first that was asked for is 1
    """

    actor: str
    pause_ms: int = USUAL_MS
    fault: str = ""
    machine: int = 1
    going: int = 1

    @property
    def waits(self) -> bool:
        """Whether more time passes before it than a scheduler takes by itself."""
        return self.pause_ms > AT_ONCE_MS or self.pause_ms == EXPIRY_MS

    def __str__(self) -> str:
        pause = _PAUSES.get(self.pause_ms, f"~{self.pause_ms // 1000}s")
        served = f"@{self.machine}" if self.machine != 1 else ""
        place = f"#{self.going}" if self.going != 1 else ""
        return self.actor + pause + (f"!{self.fault}" if self.fault else "") + served + place


class Made(NamedTuple):
    """A choice as it was made, and which of its actor's requests it was part of, from 1."""

    choice: Choice
    number: int


def switches(choices: list[Choice]) -> int:
    """How often another actor goes on."""
    return sum(before.actor != after.actor for before, after in pairwise(choices))
