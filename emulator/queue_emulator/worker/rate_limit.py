"""A deployment's rate limit: at most N requests a key in each minute of the clock."""

from queue_emulator.core.clock import Clock, iso_8601
from queue_emulator.worker.answers import Answer, error_answer

_WINDOW_MS = 60_000


class RateLimit:
    """Fixed windows of one minute; `per_minute` None is unlimited."""

    def __init__(self, per_minute: int | None, clock: Clock) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._window = -1
        self._counts: dict[bytes, int] = {}

    def refuse(self, key: bytes) -> Answer | None:
        """Count a request of this key; a 429 with Retry-After in seconds if it is one too many."""
        if self._per_minute is None:
            return None
        now_ms = self._clock.now_ms()
        window = now_ms // _WINDOW_MS
        if window != self._window:
            self._window, self._counts = window, {}
        self._counts[key] = self._counts.get(key, 0) + 1
        if self._counts[key] <= self._per_minute:
            return None
        reset_ms = (window + 1) * _WINDOW_MS
        retry_after_s = -(-(reset_ms - now_ms) // 1000)
        answer = error_answer(429, "Rate limit exceeded", retryAfter=retry_after_s, resetAt=iso_8601(reset_ms))
        answer.headers["Retry-After"] = str(retry_after_s)
        return answer

    def told(self, refusal: Answer) -> str:
        """Why, for the log."""
        wait_s = refusal.headers["Retry-After"]
        return f"more than {self._per_minute} requests a minute with one key; retry after {wait_s} s"
