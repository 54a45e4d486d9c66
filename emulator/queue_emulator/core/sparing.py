"""A log that does not say the same thing without end."""

from collections.abc import Callable

_AGAIN_S = 60.0
_KINDS_MAX = 100  # of lines remembered: more are begun anew


class Sparing:
    """Writes a line at once, and the same line again once a minute at the most, then with how often it was due."""

    def __init__(self, log: Callable[[str], None], now_s: Callable[[], float]) -> None:
        self._log = log
        self._now_s = now_s
        self._said: dict[str, tuple[float, int]] = {}

    def __call__(self, line: str) -> None:
        said_s, left_out = self._said.get(line, (None, 0))
        now_s = self._now_s()
        if said_s is not None and now_s - said_s < _AGAIN_S:
            self._said[line] = said_s, left_out + 1
            return
        if len(self._said) >= _KINDS_MAX:
            self._said.clear()
        self._said[line] = now_s, 0
        self._log(f"{line} ({left_out:,} times since the last such line)" if left_out else line)
