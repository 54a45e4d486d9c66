"""The pytest plugin: fixtures `emulator`, `kv`, `emulator_clock` and `faults` for your own tests.

Each test has an emulator of its own, in its own process and without a port, so tests run in parallel and in any
order. `@pytest.mark.queue_emulator(profile="local", locations=["SJC", "NRT"])` says how it is to be.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from queue_emulator.testing import KV, Emulator, EmulatorClock, Faults

_MEMBERS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "profile": (lambda given: isinstance(given, str), "a name, as 'local'"),
    "locations": (lambda given: _texts(given) and len(given) > 0, "a list of airport codes, as ['SJC', 'NRT']"),
    "worker_version": (lambda given: given in ("old", "dual", "new"), "'old', 'dual' or 'new'"),
    "rate_limit": (lambda given: given is None or (_whole(given) and given > 0), "a whole number above 0"),
    "strict": (lambda given: isinstance(given, bool), "True or False"),
    "seed": (lambda given: _whole(given), "a whole number"),
    "without": (lambda given: _texts(given), "a list of switches, as ['write-rate']"),
    "plan": (lambda given: given is None or isinstance(given, str), "a name, as 'free'"),
    "replication_lag_s": (lambda given: _range(given), "two numbers of seconds, as (0, 5)"),
    "tombstone_life_s": (lambda given: given is None or _seconds(given), "a number of seconds"),
}
_MARKER = f"queue_emulator({', '.join(_MEMBERS)}): how the emulator of this test behaves"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def emulator(request: pytest.FixtureRequest) -> "Emulator":
    """A Worker's task queue over an empty KV, on a clock that stands at 2026-01-01T12:00:00Z."""
    from queue_emulator.core.errors import EmulatorError
    from queue_emulator.core.profiles import compose
    from queue_emulator.testing import Emulator

    options = _options(request)
    least_s, most_s = options.pop("replication_lag_s", (0, 0))
    life_s = options.pop("tombstone_life_s", None)
    try:
        profile = compose(
            options.pop("profile", "cloudflare"),
            without=options.pop("without", ()),
            plan=options.pop("plan", None),
            lag_ms=(round(least_s * 1000), round(most_s * 1000)),
            tombstone_life_ms=None if life_s is None else round(life_s * 1000),
        )
    except EmulatorError as error:
        raise pytest.UsageError(f"the marker queue_emulator: {error}") from None
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


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the markers of a test say, the nearest last; raises UsageError for what they cannot say."""
    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("queue_emulator"))):
        if marker.args:
            raise pytest.UsageError(f"the marker queue_emulator takes members by name, not {marker.args[0]!r}")
        options |= marker.kwargs
    for name, given in options.items():
        if name not in _MEMBERS:
            raise pytest.UsageError(f"the marker queue_emulator has no member {name!r}; it has {', '.join(_MEMBERS)}")
        allowed, said = _MEMBERS[name]
        if not allowed(given):
            raise pytest.UsageError(f"{name} in the marker queue_emulator must be {said}, not {given!r}")
    return options


def _texts(given: Any) -> bool:
    return isinstance(given, (list, tuple)) and all(isinstance(each, str) for each in given)


def _whole(given: Any) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)


def _seconds(given: Any) -> bool:
    return isinstance(given, (int, float)) and not isinstance(given, bool) and given >= 0


def _range(given: Any) -> bool:
    return isinstance(given, (list, tuple)) and len(given) == 2 and all(map(_seconds, given))
