"""The limits that an operation can meet when its turn has come, a row each, in the order in which they are asked.

Sizes and lifetimes are checked before, in core/options.py; how many operations an invocation may make, in operation.py.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from queue_emulator.core.copies import shallow
from queue_emulator.core.errors import WriteRateError
from queue_emulator.core.kinds import KINDS, PUT, Kind
from queue_emulator.core.plans import DailyQuota
from queue_emulator.core.profiles import Profile
from queue_emulator.core.wire_names import API_LOCATION
from queue_emulator.kv.operation import Operation

Check = Callable[[Operation[Any], int], None]
"""Counts an operation at a time in milliseconds; raises what its caller sees if it is one too many."""


class WriteRate:
    """One put of a key in so many milliseconds; deletes are not counted."""

    def __init__(self, interval_ms: int) -> None:
        self._interval_ms = interval_ms
        self._last_put_ms: OrderedDict[bytes, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._last_put_ms)

    def count(self, operation: Operation[Any], now_ms: int) -> None:
        """Raises WriteRateError for a key that was put a moment ago."""
        last_put_ms, interval_ms = self._last_put_ms, self._interval_ms
        for key in operation.keys:
            last_ms = last_put_ms.get(key)
            if last_ms is not None:
                if 0 <= now_ms - last_ms < interval_ms:
                    raise WriteRateError(operation.kind.wire, 429, "Too Many Requests")
                del last_put_ms[key]
            last_put_ms[key] = now_ms
        while not 0 <= now_ms - next(iter(last_put_ms.values())) < interval_ms:
            last_put_ms.popitem(last=False)

    def copy(self) -> "WriteRate":
        """One that has counted the same, and goes on by itself."""
        other = WriteRate(self._interval_ms)
        other._last_put_ms.update(self._last_put_ms)
        return other

    def clear(self) -> None:
        self._last_put_ms.clear()


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of the platform.

    kinds     the operations that it counts
    of_api    whether it counts what is done by Cloudflare's API
    in_force  whether it holds under a profile
    check     counts, with what a namespace or its account has counted so far
    """

    kinds: Collection[Kind]
    of_api: bool
    in_force: Callable[[Profile], bool]
    check: Callable[["Limits"], Check]


class Limits:
    """What holds for one namespace; the quota is its account's."""

    def __init__(self, profile: Profile, quota: DailyQuota) -> None:
        self.quota = quota
        self.write_rate = WriteRate(profile.write_interval_ms)
        self._held = [limit for limit in LIMITS if limit.in_force(profile)]
        self._checks: dict[tuple[Kind, bool], tuple[Check, ...]] = {}  # made when they are first asked for

    def admit(self, operation: Operation[Any], now_ms: int) -> None:
        """Counts an operation; raises what its caller sees if a limit refuses it."""
        asked = operation.kind, operation.location == API_LOCATION
        checks = self._checks.get(asked)
        if checks is None:
            checks = self._checks[asked] = self._of(*asked)
        for check in checks:
            check(operation, now_ms)

    def copy(self, quota: DailyQuota) -> "Limits":
        """What has counted the same, and goes on by itself, with a copy of its account's quota."""
        other = shallow(self)
        other.quota, other.write_rate, other._checks = quota, self.write_rate.copy(), {}
        return other

    def clear(self) -> None:
        self.write_rate.clear()

    def _of(self, kind: Kind, api: bool) -> tuple[Check, ...]:
        return tuple(limit.check(self) for limit in self._held if kind in limit.kinds and (limit.of_api or not api))


def _day(limits: Limits) -> Check:
    return lambda operation, now_ms: limits.quota.count(operation.kind, now_ms, len(operation.keys))


LIMITS = (
    Limit(tuple(KINDS.values()), True, lambda profile: profile.plan is not None, _day),
    # The limit of one write a second to a key is the binding's: https://developers.cloudflare.com/kv/reference/faq/
    Limit((PUT,), False, lambda profile: profile.write_interval_ms > 0, lambda limits: limits.write_rate.count),
)
