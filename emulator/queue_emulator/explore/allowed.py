"""How long a search may take: to find something, and to make small what it has found."""

from queue_emulator.core.clock import Stopwatch

_MORE = 0.25  # of the search's time, to make small what was found last
_MORE_S_MIN, _MORE_S_MAX = 1.0, 5.0


class Allowed:
    """So many seconds from now on; None: as long as it takes."""

    def __init__(self, seconds: float | None) -> None:
        self._watch = Stopwatch()
        self._search_s = seconds
        more_s = 0 if seconds is None else min(max(_MORE * seconds, _MORE_S_MIN), _MORE_S_MAX)
        self._small_s = None if seconds is None else seconds + more_s

    def searched(self) -> bool:
        """Whether no more is searched."""
        return self._search_s is not None and self._watch.elapsed_s() >= self._search_s

    def small_enough(self) -> bool:
        """Whether nothing is made smaller any more."""
        return self._small_s is not None and self._watch.elapsed_s() >= self._small_s
