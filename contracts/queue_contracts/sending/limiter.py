"""One rate for all processes of a run, and one pause for all of them when the target asks for it."""

import time
from collections.abc import Callable
from pathlib import Path

from pyrate_limiter import Duration, Rate, RateItem, SQLiteBucket

from queue_contracts.described.answers import Answer

LIMITED = 429
RETRIES_MAX = 4
PAUSE_S_MAX = 90


class SharedLimiter:
    """`per_minute` requests, evenly spaced, over every process that names the same folder; None is no limit."""

    def __init__(self, folder: Path, per_minute: int | None) -> None:
        self._pause = folder / "not-before"
        self._bucket = None
        if per_minute is not None:
            # One each so many milliseconds: N in a minute would let all N go at once, and then two minutes' worth.
            rate = Rate(1, -(-int(Duration.MINUTE) // per_minute))
            # The bucket alone: a Limiter has a thread, which would look into a folder that may be gone by then.
            self._bucket = SQLiteBucket.init_from_file([rate], db_path=str(folder / "rate.sqlite"), use_file_lock=True)

    def wait(self) -> None:
        """Return when the next request may leave."""
        while (left_s := self._paused_until() - time.time()) > 0:
            time.sleep(min(left_s, PAUSE_S_MAX))
        while self._bucket is not None and not self._bucket.put(asked := RateItem("target", _now_ms())):
            wait_ms = self._bucket.waiting(asked)
            assert isinstance(wait_ms, int)  # of a bucket that is not asynchronous
            time.sleep(max(wait_ms, 1) / 1000)
            self._bucket.leak(_now_ms())

    def pause(self, seconds: float) -> None:
        """Let no process send anything for so long."""
        until = max(self._paused_until(), time.time() + seconds)
        self._pause.write_text(repr(until), encoding="ascii")

    def close(self) -> None:
        """Let go of the file."""
        if self._bucket is not None:
            self._bucket.close()  # type: ignore[no-untyped-call]

    def _paused_until(self) -> float:
        try:
            return float(self._pause.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0.0


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000  # of the machine: its processes agree on it


def seconds_of(retry_after: str | None) -> float | None:
    """What `Retry-After` says in seconds; None where it says no number."""
    if retry_after is None or not retry_after.isascii() or not retry_after.isdigit():
        return None
    return float(retry_after)


def sent_again(send: Callable[[], Answer], limiter: SharedLimiter) -> str | None:
    """Send, and again after the pause that a 429 asks for: nothing was done, the same request may come again.

    None if it was let through; else why it is not sent any more.
    """
    for _ in range(1 + RETRIES_MAX):
        limiter.wait()
        answer = send()
        if answer.status != LIMITED:
            return None
        pause_s = seconds_of(answer.header("retry-after"))
        if pause_s is None:
            return f"the target answers {LIMITED} without a number of seconds in Retry-After"
        if pause_s > PAUSE_S_MAX:
            return (
                f"the target answers {LIMITED} and asks for {pause_s:.0f} s; queue-contracts waits at most "
                f"{PAUSE_S_MAX} s"
            )
        # The second that is under way when the answer is written may be counted in it or not.
        limiter.pause(pause_s + 0.05)
    return f"the target has answered {LIMITED} {1 + RETRIES_MAX} times in a row, although its Retry-After was obeyed"
