"""The pytest plugin: fixtures `emulator`, `kv`, `emulator_clock`, `faults` and `explore` for your own tests.

Each test has an emulator of its own, in its own process and without a port, so tests run in parallel and in any
order. `@pytest.mark.queue_emulator(profile="local", locations=["SJC", "NRT"])` says how it is to be.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

import pytest

if TYPE_CHECKING:
    from queue_emulator.exploration import Guarantee, OwnCheck, Scenario
    from queue_emulator.testing import KV, Emulator, EmulatorClock, Faults, Version


class _Options(TypedDict, total=False):
    """The members of the marker."""

    profile: str
    locations: list[str]
    worker_version: "Version"
    rate_limit: int | None
    strict: bool
    seed: int
    without: list[str]
    plan: str | None
    replication_lag_s: tuple[float, float]
    tombstone_life_s: float | None


_MEMBERS: dict[str, tuple[Callable[[object], bool], str]] = {
    "profile": (lambda given: isinstance(given, str), "a name, as 'local'"),
    "locations": (lambda given: given not in ([], ()) and _texts(given), "a list of airport codes, as ['SJC', 'NRT']"),
    "worker_version": (lambda given: given in ("old", "dual", "new"), "'old', 'dual' or 'new'"),
    "rate_limit": (lambda given: given is None or _above_zero(given), "a whole number above 0"),
    "strict": (lambda given: isinstance(given, bool), "True or False"),
    "seed": (lambda given: _whole(given), "a whole number"),
    "without": (lambda given: _texts(given), "a list of switches, as ['write-rate']"),
    "plan": (lambda given: given is None or isinstance(given, str), "a name, as 'free'"),
    "replication_lag_s": (lambda given: _range(given), "two numbers of seconds, as (0, 5)"),
    "tombstone_life_s": (lambda given: given is None or _seconds(given), "a number of seconds"),
}
_MARKER = f"queue_emulator({', '.join(_MEMBERS)}): how the emulator of this test behaves"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("queue-emulator").addoption(
        "--replay-schedule", metavar="FILE", help="the fixture `explore` replays this schedule instead of searching"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def emulator(request: pytest.FixtureRequest) -> "Emulator":
    """A Worker's task queue over an empty KV, on a clock that stands at 2026-01-01T12:00:00Z."""
    from queue_emulator.core.errors import EmulatorError
    from queue_emulator.core.profiles import compose
    from queue_emulator.testing import Emulator

    options = _options(request)
    least_s, most_s = options.get("replication_lag_s", (0, 0))
    life_s = options.get("tombstone_life_s")
    try:
        profile = compose(
            options.get("profile", "cloudflare"),
            without=options.get("without", ()),
            plan=options.get("plan"),
            lag_ms=(round(least_s * 1000), round(most_s * 1000)),
            tombstone_life_ms=None if life_s is None else round(life_s * 1000),
        )
    except EmulatorError as error:
        raise pytest.UsageError(f"the marker queue_emulator: {error}") from None
    return Emulator(
        profile=profile,
        locations=options.get("locations", ("SJC",)),
        worker_version=options.get("worker_version", "new"),
        rate_limit=options.get("rate_limit"),
        strict=options.get("strict", False),
        seed=options.get("seed", 0),
    )


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


class Explore:
    """Looks for a schedule that breaks a guarantee; see the fixture."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request

    def __call__(
        self,
        scenario: "Scenario | Path | str",
        guarantees: "Sequence[Guarantee | OwnCheck]" = (),
        *,
        seconds: float = 2.0,
        schedules: int | None = None,
        random_seed: int = 0,
    ) -> None:
        """Fails with the smallest schedule that breaks one, its picture, and how to see it again.

        `scenario` is one, or the path of its file; with `schedules` it tries so many, and the same each time.
        """
        from queue_emulator import exploration
        from queue_emulator.core.errors import EmulatorError

        node = self._request.node
        try:
            of = exploration.read_scenario(Path(scenario)) if isinstance(scenario, str | Path) else scenario
            of = exploration.with_guarantees(of, guarantees)
            again: str | None = self._request.config.getoption("--replay-schedule")
            if again is not None:
                still = exploration.replayed(of, Path(again))
                if still is not None:
                    pytest.fail(still, pytrace=False)
                return
            finding = exploration.first_finding(of, seconds=seconds, schedules=schedules, random_seed=random_seed)
        except (EmulatorError, OSError) as error:
            raise pytest.UsageError(f"explore: {error}") from None
        if finding is None:
            return
        folder: Path = self._request.getfixturevalue("tmp_path")
        said, drawn = exploration.told(finding, folder, lambda path: f'pytest "{node.nodeid}" --replay-schedule {path}')
        node.user_properties.append(("explore_picture", str(drawn)))
        pytest.fail(f"{said}\npicture: {drawn}", pytrace=False)


@pytest.fixture
def explore(request: pytest.FixtureRequest) -> Explore:
    """Call it with a scenario and guarantees: the test fails with a schedule that breaks one, if one is found."""
    return Explore(request)


def _options(request: pytest.FixtureRequest) -> _Options:
    """What the markers of a test say, the nearest last; raises UsageError for what they cannot say."""
    options: _Options = {}
    for marker in reversed(list(request.node.iter_markers("queue_emulator"))):
        if marker.args:
            raise pytest.UsageError(f"the marker queue_emulator takes keyword arguments only, not {marker.args[0]!r}")
        options |= cast("_Options", marker.kwargs)  # checked below
    for name, given in options.items():
        if name not in _MEMBERS:
            raise pytest.UsageError(f"the marker queue_emulator has no argument {name!r}; it has {', '.join(_MEMBERS)}")
        allowed, said = _MEMBERS[name]
        if not allowed(given):
            raise pytest.UsageError(f"{name} in the marker queue_emulator must be {said}, not {given!r}")
    return options


def _texts(given: object) -> bool:
    return isinstance(given, (list, tuple)) and all(isinstance(each, str) for each in given)


def _whole(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)


def _above_zero(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and given > 0


def _seconds(given: object) -> bool:
    return isinstance(given, (int, float)) and not isinstance(given, bool) and given >= 0


def _range(given: object) -> bool:
    return isinstance(given, (list, tuple)) and len(given) == 2 and all(map(_seconds, given))
