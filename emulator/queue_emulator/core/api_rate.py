"""How many requests Cloudflare's API answers: one too many in five minutes, and none is answered for the next five.

https://developers.cloudflare.com/fundamentals/api/reference/limits/ ; the headers, as of 2025-09-03:
https://developers.cloudflare.com/changelog/2025-09-03-rate-limiting-improvement
"""

from dataclasses import dataclass

from queue_emulator.core.limits import API_REQUESTS_MS


@dataclass(slots=True)
class ApiRate:
    """Counts the requests of one user; `requests_max` None counts nothing."""

    requests_max: int | None
    _began_ms: int = -API_REQUESTS_MS
    _used: int = 0
    _blocked: bool = False

    def take(self, now_ms: int) -> bool:
        """One more request; False if it is not answered."""
        if self.requests_max is None:
            return True
        if not 0 <= now_ms - self._began_ms < API_REQUESTS_MS:
            self._began_ms, self._used, self._blocked = now_ms, 0, False
        self._used += 1
        if self._used > self.requests_max and not self._blocked:
            self._began_ms, self._blocked = now_ms, True
        return not self._blocked

    def headers(self, now_ms: int) -> dict[str, str]:
        """What every answer says of it, and a refusal besides."""
        if self.requests_max is None:
            return {}
        left = 0 if self._blocked else self.requests_max - self._used
        wait_s = -(-(self._began_ms + API_REQUESTS_MS - now_ms) // 1000)
        said = {
            "Ratelimit": f'"default";r={left};t={wait_s}',
            "Ratelimit-Policy": f'"default";q={self.requests_max};w={API_REQUESTS_MS // 1000}',
        }
        return said | ({"Retry-After": str(wait_s)} if self._blocked else {})
