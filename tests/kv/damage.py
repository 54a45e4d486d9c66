"""How a file is damaged in tests, and how often."""

from collections.abc import Callable

from hypothesis import HealthCheck, settings

GENERATED = settings(
    database=None, max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "a bit": lambda part: bytes([part[0] ^ 4]) + part[1:],
    "a few bytes": lambda part: bytes(each ^ 0x55 for each in part[:9]) + part[9:],
    "a sector": lambda part: bytes(512) + part[512:],
    "the rest of a page": lambda part: part[::-1],
}
