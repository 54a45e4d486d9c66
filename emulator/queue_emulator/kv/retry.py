"""How long a call to a service is tried: backoff with jitter, and what the service itself asks for."""

from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from queue_emulator.core.dice import Dice


@dataclass(frozen=True, slots=True)
class Patience:
    """All in milliseconds.

    silence_ms       how long one attempt waits for the next bytes
    connect_ms       how long one attempt waits for a connection
    unreachable_ms   for all attempts to reach a service that has not answered yet: it may never do
    deadline_ms      for all attempts of a call, with the waits between them
    wait_first_ms    about how long the first wait is, if the service asks for nothing; each further one is twice that
    wait_longest_ms  and at most this
    """

    silence_ms: int = 30_000
    connect_ms: int = 10_000
    unreachable_ms: int = 15_000
    deadline_ms: int = 360_000  # longer than Cloudflare's API counts requests: five minutes
    wait_first_ms: int = 400
    wait_longest_ms: int = 10_000

    def wait_ms(self, attempt: int, asked_ms: int | None, dice: Dice, call: int) -> int:
        """How long to wait after the `attempt`th failure of the `call`th call.

        What the service asks for is obeyed, and a little added, so that those it sent away do not come back together.
        """
        if asked_ms is not None:
            return asked_ms + dice.below(self.wait_first_ms, "after", call, attempt)
        whole_ms = min(self.wait_first_ms * (1 << min(attempt - 1, 20)), self.wait_longest_ms)
        return whole_ms // 2 + dice.below(whole_ms - whole_ms // 2 + 1, "backoff", call, attempt)


PATIENCE_DEFAULT = Patience()


def retry_after_ms(text: str | None, now_ms: int) -> int | None:
    """What a Retry-After header asks for: seconds, or an HTTP date; None if there is none that can be read.

    https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
    """
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return int(text.strip()[:9]) * 1000
    at_ms = http_date_ms(text)
    return None if at_ms is None else max(0, at_ms - now_ms)


def http_date_ms(text: str | None) -> int | None:
    """Milliseconds since the UNIX epoch; None for what is not a date."""
    if text is None:
        return None
    try:
        return round(parsedate_to_datetime(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
