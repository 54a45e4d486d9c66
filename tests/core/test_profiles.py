"""The two profiles: everything of production, or as the vendor's local runtime does."""

from typing import Any

import pytest

from queue_emulator.core.errors import SettingsError
from queue_emulator.core.plans import FREE
from queue_emulator.core.profiles import CLOUDFLARE, LOCAL, PROFILES, compose


def test_profiles_are_found_by_their_name() -> None:
    assert {"cloudflare": CLOUDFLARE, "local": LOCAL} == PROFILES


def test_the_local_runtime_is_strong_and_without_limits() -> None:
    assert not LOCAL.caches
    assert not LOCAL.opaque_cursors
    assert (LOCAL.tombstone_life_ms, LOCAL.write_interval_ms, LOCAL.operations_max) == (0, 0, None)


def test_production_caches_checks_cursors_and_has_limits() -> None:
    assert CLOUDFLARE.caches
    assert CLOUDFLARE.opaque_cursors
    assert (CLOUDFLARE.write_interval_ms, CLOUDFLARE.operations_max) == (1000, 1000)
    assert CLOUDFLARE.tombstone_life_ms > 0


def test_a_profile_composes_with_switches_a_plan_a_lag_and_a_tombstone_life() -> None:
    switches = ["write-rate", "operations", "tombstones", "read-your-writes"]
    profile = compose("cloudflare", without=switches, plan="free", lag_ms=(1, 2))
    assert (profile.write_interval_ms, profile.operations_max, profile.tombstone_life_ms) == (0, None, 0)
    assert (profile.read_your_writes, profile.caches, profile.plan, profile.lag_ms) == (False, True, FREE, (1, 2))
    assert compose("cloudflare", tombstone_life_ms=5).tombstone_life_ms == 5
    assert not compose("cloudflare", without=["caches"]).caches
    assert compose("cloudflare") == CLOUDFLARE
    assert compose("local") == LOCAL


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"name": "clodflare"}, "unknown profile 'clodflare'; known: cloudflare, local"),
        ({"plan": "best"}, "unknown plan 'best'; known: free, paid"),
        ({"lag_ms": (2, 1)}, "a replication lag must be MIN..MAX with 0 <= MIN <= MAX, not 2..1 ms"),
        ({"lag_ms": (-1, 1)}, "a replication lag must be MIN..MAX with 0 <= MIN <= MAX, not -1..1 ms"),
        (
            {"without": ["cache"]},
            "unknown switch 'cache'; known: write-rate, operations, api-rate, tombstones, caches, read-your-writes",
        ),
        (
            {"name": "local", "lag_ms": (0, 1)},
            "without caches at the locations, replication lag and read-your-writes cannot be changed (profile local)",
        ),
        (
            {"name": "local", "without": ["read-your-writes"]},
            "without caches at the locations, replication lag and read-your-writes cannot be changed (profile local)",
        ),
    ],
)
def test_a_profile_that_cannot_be_is_refused(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        compose(**{"name": "cloudflare", **wrong})
    assert str(caught.value) == text
