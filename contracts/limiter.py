"""One rate for all processes of a run, and one pause for all of them when the target asks for it."""

import time
from collections.abc import Callable
from pathlib import Path

from pyrate_limiter import Duration, Limiter, Rate, SQLiteBucket

RETRIES_MAX = 4
PAUSE_S_MAX = 90


class SharedLimiter:
    """`per_minute` requests, evenly spaced, over every process that names the same folder; None is no limit."""

    def __init__(self, folder: Path, per_minute: int | None) -> None:
        self._pause = folder / "not-before"
        self._limiter = None
        if per_minute is not None:
            # One each so many milliseconds: N in a minute would let all N go at once, and then two minutes' worth.
            rate = Rate(1, -(-int(Duration.MINUTE) // per_minute))
            bucket = SQLiteBucket.init_from_file([rate], db_path=str(folder / "rate.sqlite"), use_file_lock=True)
            self._limiter = Limiter(bucket)

    def wait(self) -> None:
        """Return when the next request may leave."""
        while (left_s := self._paused_until() - time.time()) > 0:
            time.sleep(min(left_s, PAUSE_S_MAX))
        if self._limiter is not None:
            self._limiter.try_acquire("target")

    def pause(self, seconds: float) -> None:
        """Let no process send anything for so long."""
        until = max(self._paused_until(), time.time() + seconds)
        self._pause.write_text(repr(until), encoding="ascii")

    def close(self) -> None:
        """End the limiter's thread, which would look into a folder that may be gone by then."""
        if self._limiter is not None:
            self._limiter.close()

    def _paused_until(self) -> float:
        try:
            return float(self._pause.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0.0


def seconds_of(retry_after: str | None) -> float | None:
    """What `Retry-After` says in seconds; None where it says no number, or more than the suite would wait."""
    if retry_after is None or not retry_after.isascii() or not retry_after.isdigit():
        return None
    return None if int(retry_after) > PAUSE_S_MAX else float(retry_after)


def sent_again(send: Callable[[], tuple[int, str | None]], limiter: SharedLimiter) -> None:
    """Send, and again after the pause that a 429 asks for: nothing was done, the same request may come again."""
    for _ in range(1 + RETRIES_MAX):
        limiter.wait()
        status, retry_after = send()
        pause_s = seconds_of(retry_after)
        if status != 429 or pause_s is None:
            return
        # The second that is under way when the answer is written may be counted in it or not.
        limiter.pause(pause_s + 0.05)
