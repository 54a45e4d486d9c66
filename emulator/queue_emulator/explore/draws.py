"""A row of draws from one seed, each of which is made once."""

from collections.abc import Sequence
from typing import TypeVar

from queue_emulator.core.dice import Dice

_BLOCK = 8  # as many are drawn at once

Thing = TypeVar("Thing")


class Draws:
    """The next draw is a function of the seed, of what is drawn for, and of how many there were before."""

    def __init__(self, seed: int, purpose: str) -> None:
        self._dice = Dice(seed)
        self._purpose = purpose
        self._made = 0
        self._words: tuple[int, ...] = ()

    def below(self, limit: int) -> int:
        """A whole number in 0 <= n < limit."""
        block, place = divmod(self._made, _BLOCK)
        if place == 0:
            self._words = self._dice.words(self._purpose, block)
        self._made += 1
        return self._words[place] * limit >> 64

    def one_of(self, things: Sequence[Thing]) -> Thing:
        return things[self.below(len(things))]

    def percent(self, chance: int) -> bool:
        """Whether what happens in so many of 100 cases does."""
        return self.below(100) < chance

    def shuffle(self, things: list[Thing]) -> None:
        for last in range(len(things) - 1, 0, -1):
            other = self.below(last + 1)
            things[last], things[other] = things[other], things[last]
