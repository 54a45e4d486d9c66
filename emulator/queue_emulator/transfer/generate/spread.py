"""Drawing some of many without remembering them: one from each of as many stretches of equal length."""

from queue_emulator.core.dice import Dice


class Spread:
    """`count` of the numbers below `total`, decided by the dice and a name; count <= total."""

    def __init__(self, name: str, total: int, count: int, dice: Dice) -> None:
        self._name = name
        self._total = total
        self._count = count
        self._dice = dice
        self._last = (-1, -1)  # a rank and its number: the next question is most often about the same

    def rank(self, number: int) -> int | None:
        """Which of the drawn ones a number is, from 0; None for one that was not drawn."""
        if not self._count:
            return None
        rank = number * self._count // self._total
        if rank != self._last[0]:
            first, after = (-(-each * self._total // self._count) for each in (rank, rank + 1))
            self._last = (rank, first + self._dice.below(after - first, self._name, rank))
        return rank if number == self._last[1] else None
