"""The pytest plugin: fixtures `emulator`, `kv`, `emulator_clock` and `faults` for your own tests.

Each test has an emulator of its own, in its own process and without a port, so tests run in parallel and in any
order. `@pytest.mark.queue_emulator(profile="local", locations=["SJC", "NRT"])` says how it is to be.
"""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from emulator.testing import KV, Emulator, EmulatorClock, Faults

_MARKER = (
    "queue_emulator(profile, locations, worker_version, rate_limit, seed, without, plan, replication_lag_s, "
    "tombstone_life_s): how the emulator of this test behaves"
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def emulator(request: pytest.FixtureRequest) -> "Emulator":
    """A Worker's task queue over an empty KV, on a clock that stands at 2026-01-01T12:00:00Z."""
    from emulator.core.profiles import compose
    from emulator.testing import Emulator

    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("queue_emulator"))):
        if marker.args:
            raise pytest.UsageError(f"the marker queue_emulator takes members by name, not {marker.args[0]!r}")
        options |= marker.kwargs
    least_s, most_s = options.pop("replication_lag_s", (0, 0))
    life_s = options.pop("tombstone_life_s", None)
    profile = compose(
        options.pop("profile", "cloudflare"),
        without=options.pop("without", ()),
        plan=options.pop("plan", None),
        lag_ms=(round(least_s * 1000), round(most_s * 1000)),
        tombstone_life_ms=None if life_s is None else round(life_s * 1000),
    )
    return Emulator(profile=profile, **options)


@pytest.fixture
def kv(emulator: "Emulator") -> "KV":
    """The namespace that the Worker is bound to, as seen at the first location."""
    return emulator.at(emulator.deployment.locations[0]).kv


@pytest.fixture
def emulator_clock(emulator: "Emulator") -> "EmulatorClock":
    """The clock of this test's emulator."""
    return emulator.clock


@pytest.fixture
def faults(emulator: "Emulator") -> "Faults":
    """The fault rules of this test's emulator."""
    return emulator.faults
