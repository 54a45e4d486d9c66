"""How faithful the KV is: everything that production does, or what the vendor's local runtime does."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from queue_emulator.core import limits
from queue_emulator.core.errors import SettingsError
from queue_emulator.core.plans import PLANS, Plan

Named = TypeVar("Named")


@dataclass(frozen=True, slots=True)
class Profile:
    """Which of production's ways hold.

    caches               each location answers from its own copies for up to a cacheTtl
    opaque_cursors       a cursor is checked, and good for its own prefix only
    tombstone_life_ms    how long a list walks deleted and expired keys, milliseconds; 0 never
    write_interval_ms    least time between two puts of one key, milliseconds; 0 unlimited
    operations_max       KV operations in one invocation; None unlimited
    read_your_writes     a write replaces the copies of its own location
    lag_ms               least and greatest time until another location can see a write at the centre, milliseconds
    plan                 whose daily quotas hold; None for none
    api_requests_max     requests to Cloudflare's API in five minutes; None unlimited
    """

    name: str
    caches: bool
    opaque_cursors: bool
    tombstone_life_ms: int
    write_interval_ms: int
    operations_max: int | None
    read_your_writes: bool = True
    lag_ms: tuple[int, int] = (0, 0)
    plan: Plan | None = None
    api_requests_max: int | None = None

    def __post_init__(self) -> None:
        least_ms, most_ms = self.lag_ms
        if not 0 <= least_ms <= most_ms:
            raise SettingsError(
                f"a replication lag must be MIN..MAX with 0 <= MIN <= MAX, not {least_ms}..{most_ms} ms"
            )
        if not self.caches and (most_ms or not self.read_your_writes):
            raise SettingsError(
                "without caches at the locations, replication lag and read-your-writes cannot be changed (profile "
                f"{self.name})"
            )


CLOUDFLARE = Profile(
    name="cloudflare",
    caches=True,
    opaque_cursors=True,
    tombstone_life_ms=limits.TOMBSTONE_LIFE_MS,
    write_interval_ms=limits.WRITES_TO_ONE_KEY_INTERVAL_MS,
    operations_max=limits.OPERATIONS_PER_INVOCATION_MAX,
    api_requests_max=limits.API_REQUESTS_MAX,
)

# By decision strongly consistent and without limits: https://github.com/cloudflare/workers-sdk/issues/4388
LOCAL = Profile(
    name="local",
    caches=False,
    opaque_cursors=False,
    tombstone_life_ms=0,
    write_interval_ms=0,
    operations_max=None,
)

# What can be switched off, by the name of the switch.
SWITCHES: dict[str, Callable[[Profile], Profile]] = {
    "write-rate": lambda profile: replace(profile, write_interval_ms=0),
    "operations": lambda profile: replace(profile, operations_max=None),
    "api-rate": lambda profile: replace(profile, api_requests_max=None),
    "tombstones": lambda profile: replace(profile, tombstone_life_ms=0),
    "caches": lambda profile: replace(profile, caches=False),
    "read-your-writes": lambda profile: replace(profile, read_your_writes=False),
}


PROFILES = {profile.name: profile for profile in (CLOUDFLARE, LOCAL)}


def compose(
    name: str,
    *,
    without: Iterable[str] = (),
    plan: str | None = None,
    lag_ms: tuple[int, int] = (0, 0),
    tombstone_life_ms: int | None = None,
) -> Profile:
    """A profile with some of its ways switched off or set; raises SettingsError for a word that is not known."""
    profile = _named("profile", name, PROFILES)
    for switch in without:
        profile = _named("switch", switch, SWITCHES)(profile)
    if tombstone_life_ms is not None:
        profile = replace(profile, tombstone_life_ms=tombstone_life_ms)
    return replace(profile, plan=None if plan is None else _named("plan", plan, PLANS), lag_ms=lag_ms)


def _named(kind: str, name: str, among: Mapping[str, Named]) -> Named:
    if name not in among:
        raise SettingsError(f"unknown {kind} {name!r}; known: {', '.join(among)}")
    return among[name]
