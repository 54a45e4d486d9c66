"""How faithful the KV is: everything that production does, or what the vendor's local runtime does."""

from dataclasses import dataclass

from emulator.core import limits


@dataclass(frozen=True, slots=True)
class Profile:
    """Which of production's ways hold.

    caches               each location answers from its own copies for up to a cacheTtl
    opaque_cursors       a cursor is checked, and good for its own prefix only
    tombstone_life_ms    how long a list walks deleted and expired keys, milliseconds; 0 never
    write_interval_ms    least time between two puts of one key, milliseconds; 0 unlimited
    operations_max       KV operations in one invocation; None unlimited
    """

    name: str
    caches: bool
    opaque_cursors: bool
    tombstone_life_ms: int
    write_interval_ms: int
    operations_max: int | None


CLOUDFLARE = Profile(
    name="cloudflare",
    caches=True,
    opaque_cursors=True,
    tombstone_life_ms=limits.TOMBSTONE_LIFE_MS,
    write_interval_ms=limits.WRITES_TO_ONE_KEY_INTERVAL_MS,
    operations_max=limits.OPERATIONS_PER_INVOCATION_MAX,
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

PROFILES = {profile.name: profile for profile in (CLOUDFLARE, LOCAL)}
