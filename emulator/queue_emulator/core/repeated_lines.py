"""Log lines that would repeat without end are written at most once a minute."""

from collections.abc import Callable

_AGAIN_S = 60.0
_LINES_MAX = 100  # remembered lines; then all are forgotten


class RepeatedLines:
    """Writes a line at once, and the same line again at most once a minute, with the number of lines left out."""

    def __init__(self, log: Callable[[str], None], now_s: Callable[[], float]) -> None:
        self._log = log
        self._now_s = now_s
        self._written: dict[str, tuple[float, int]] = {}

    def __call__(self, line: str) -> None:
        written_s, left_out = self._written.get(line, (None, 0))
        now_s = self._now_s()
        if written_s is not None and now_s - written_s < _AGAIN_S:
            self._written[line] = written_s, left_out + 1
            return
        if len(self._written) >= _LINES_MAX:
            self._written.clear()
        self._written[line] = now_s, 0
        self._log(f"{line} (and {left_out:,} more times that were not logged)" if left_out else line)
