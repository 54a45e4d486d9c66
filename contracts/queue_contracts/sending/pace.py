"""How often a target lets requests through that limits their rate: learned at a 429 from those that it has let through.

Most limits are so many requests a minute: those of the minute that ends with the pause were all that it had.
"""

import struct
import time
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

WINDOW_S = 60
_FEW = 5  # of fewer nothing can be told: others may have used up what there was
_SLACK = 1.05
_TIME = struct.Struct("d")


class LearnedPace:
    """Shared by every process that names the same folder. Until something is learned nothing waits."""

    def __init__(
        self, folder: Path, now_s: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._now_s, self._sleep = now_s, sleep
        self._sent = folder / "let-through.bin"
        self._interval = folder / "interval-s"
        self._next = folder / "next-at"
        self._lock = FileLock(folder / "pace.lock")

    def note(self) -> None:
        """A request was let through now."""
        with self._sent.open("ab", buffering=0) as file:
            file.write(_TIME.pack(self._now_s()))

    def learn(self, pause_s: float) -> None:
        """A request was refused now, and the next is let through after a pause."""
        with self._lock:
            now_s, known_s = self._now_s(), self.interval_s()
            window_s = max(WINDOW_S, pause_s)
            sent = [at_s for at_s in self._times() if at_s > now_s + pause_s - window_s]
            learned_s = _SLACK * window_s / len(sent) if len(sent) >= _FEW else pause_s
            # Whatever was learned before was too little.
            self._interval.write_text(repr(max(learned_s, known_s * 1.25)), encoding="ascii")
            self._next.write_text(repr(now_s + pause_s), encoding="ascii")

    def wait(self) -> None:
        """Return when the next request may leave."""
        if not self._interval.exists():
            return
        with self._lock:
            at_s = max(self._now_s(), _number(self._next))
            self._next.write_text(repr(at_s + self.interval_s()), encoding="ascii")
        self._sleep(max(0.0, at_s - self._now_s()))

    def interval_s(self) -> float:
        """Seconds from one request to the next; 0 where nothing was learned."""
        return _number(self._interval)

    def _times(self) -> list[float]:
        if not self._sent.exists():
            return []
        content = self._sent.read_bytes()
        whole = len(content) - len(content) % _TIME.size
        return [at_s for (at_s,) in _TIME.iter_unpack(content[:whole])]


def learned_rate(folder: Path) -> list[str]:
    """A line about what a run has learned; none if it was never refused for its rate."""
    interval_s = LearnedPace(folder).interval_s()
    often = f"{60 / interval_s:.3g} times a minute at most" if interval_s else ""
    return [f"the target limits the rate: from its first 429 on it was asked {often}"] if often else []


def _number(path: Path) -> float:
    try:
        return float(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0.0
