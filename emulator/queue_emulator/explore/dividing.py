"""What several processes have found, and which of them makes it small: each kind of failure once, by whoever is free.

Of one kind the first counts, in whatever process it is found. Which one that is is known when no process can find an
earlier one: so what comes of all of them is what one process finds.
"""

import math
from collections.abc import Iterator, Sequence

from queue_emulator.explore.failures import Sign, known_by
from queue_emulator.explore.shares import Examined


class Division:
    """What is known of so many processes."""

    def __init__(self, processes: int) -> None:
        self._upto = [0.0] * processes
        self._works_on: list[Sign | None] = [None] * processes
        self._found: dict[Sign, Examined] = {}
        self._handed_out = set[Sign]()
        self._finished: dict[Sign, Examined | None] = {}

    def found(self, process: int, failures: Sequence[Examined], upto: int | None) -> None:
        """A process has found these, up to a schedule among those of all lanes; None: it has no more to search."""
        for each in failures:
            known = self._found.get(each.sign)
            if known is None or each.at_schedule < known.at_schedule:
                self._found.pop(each.sign, None)  # those of one schedule stay in their order
                self._found[each.sign] = each
        self._upto[process] = math.inf if upto is None else upto

    def finished(self, process: int, examined: Examined | None) -> None:
        """A process has examined what it was handed; None: that broke nothing when it was run again."""
        sign = self._works_on[process]
        assert sign is not None, "it was handed something"
        self._works_on[process], self._finished[sign] = None, examined

    def hand_out(self) -> Iterator[tuple[int, Examined]]:
        """What is to be examined now, and by which process: of those that are free, the one that is furthest."""
        certain = min(self._upto)
        due = [each for sign, each in self._found.items() if sign not in self._handed_out]
        for each in sorted(due, key=lambda each: each.at_schedule):
            free = [process for process, sign in enumerate(self._works_on) if sign is None]
            if not free or each.at_schedule > certain:
                return
            if known_by(each.sign, self._handed_out):
                del self._found[each.sign]
                continue
            process = max(free, key=self._upto.__getitem__)
            self._handed_out.add(each.sign)
            self._works_on[process] = each.sign
            yield process, each

    @property
    def over(self) -> bool:
        """Whether nothing is searched any more, and all is examined."""
        return math.isinf(min(self._upto)) and len(self._finished) == len(self._found)

    @property
    def unsteady(self) -> int:
        """How much broke nothing when it was run again."""
        return sum(each is None for each in self._finished.values())

    def examined(self) -> tuple[Examined, ...]:
        """What there is to tell, in its order; what nobody has examined as it was found."""
        latest = (self._finished.get(sign, each) for sign, each in self._found.items())
        return tuple(sorted((each for each in latest if each is not None), key=lambda each: each.at_schedule))
