"""The pytest plugin: fixtures `emulator`, `kv`, `emulator_clock`, `faults` and `explore` for your own tests.

Each test has an emulator of its own, in its own process and without a port, so tests run in parallel and in any
order. `@pytest.mark.queue_emulator(profile="local", locations=["SJC", "NRT"])` says how it is to be.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

import pytest

if TYPE_CHECKING:
    from queue_emulator.core.profiles import Profile
    from queue_emulator.exploration import Guarantee, OwnCheck, Scenario
    from queue_emulator.testing import KV, Emulator, EmulatorClock, Faults, Version
    from queue_emulator.testing.workers import Workers


class _Options(TypedDict, total=False):
    """The members of the marker."""

    worker: str | Path | None
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
    api_reads: str


_MEMBERS: dict[str, tuple[Callable[[object], bool], str]] = {
    "worker": (lambda given: given is None or isinstance(given, (str, Path)), "a path, as 'src/worker.mjs'"),
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
    "api_reads": (lambda given: given in ("central", "cached"), "'central' or 'cached'"),
}
_EMULATOR: "pytest.StashKey[Emulator]" = pytest.StashKey()
_MARKER = f"queue_emulator({', '.join(_MEMBERS)}): how the emulator of this test behaves"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("queue-emulator").addoption(
        "--replay-schedule", metavar="FILE", help="the fixture `explore` replays this schedule instead of searching"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: "pytest.CallInfo[None]"
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails is reported with what happened in its KV."""
    report = yield
    used = item.stash.get(_EMULATOR, None) if report.failed else None
    if used is not None:
        del item.stash[_EMULATOR]
        report.sections.extend(_sections(used))
    return report


def _sections(emulator: "Emulator") -> "Iterator[tuple[str, str]]":
    from queue_emulator.core import journal_words

    journal = emulator.journal()
    if journal:
        stale = sum(event.stale for event in journal)
        lines = journal_words.lines(journal, emulator.bindings(), last=_OPERATIONS_SHOWN)
        yield f"queue-emulator: {len(journal)} KV operations, stale reads: {stale} (!)", "\n".join(lines)
    if emulator.log:
        yield "queue-emulator: log", "\n".join(emulator.log[-_LINES_SHOWN:])


_OPERATIONS_SHOWN = 200
_LINES_SHOWN = 50


@pytest.fixture
def emulator(request: pytest.FixtureRequest) -> "Emulator":
    """A Worker over an empty KV, on a clock that stands at 2026-01-01T12:00:00Z: the task queue, or your own Worker."""
    from queue_emulator.core.errors import EmulatorError

    options, refused = _options(request), ""
    try:
        made = _of_the_queue(options) if options.get("worker") is None else _over_a_worker(request, options)
    except EmulatorError as error:
        refused = f"the marker queue_emulator: {error}"
    if refused:
        pytest.fail(refused, pytrace=False)
    request.node.stash[_EMULATOR] = made
    return made


@pytest.fixture(scope="session")
def _queue_emulator_workers() -> "Iterator[Workers]":
    """The Workers that tests of this session have asked for, by the marker's `worker`."""
    from queue_emulator.testing.workers import Workers

    workers = Workers()
    yield workers
    workers.end()


def _of_the_queue(options: _Options) -> "Emulator":
    from queue_emulator.testing import Emulator

    return Emulator(
        profile=_profile(options),
        locations=options.get("locations"),
        worker_version=options.get("worker_version", "new"),
        rate_limit=options.get("rate_limit"),
        strict=options.get("strict", False),
        seed=options.get("seed", 0),
    )


def _over_a_worker(request: pytest.FixtureRequest, options: _Options) -> "Emulator":
    from queue_emulator.core.errors import SettingsError
    from queue_emulator.testing.emulator import Emulator, codes_of

    stray = next((name for name in _OF_THE_QUEUE if name in options), None)
    if stray is not None:
        raise SettingsError(f"{stray} is for the task queue: leave it out with worker={options['worker']!r}")
    profile, locations = _profile(options), codes_of(options.get("locations"))
    path = request.config.rootpath / (options["worker"] or "")
    workers: Workers = request.getfixturevalue("_queue_emulator_workers")
    world = workers.world(path, locations, profile, options.get("seed", 0))
    request.addfinalizer(lambda: workers.settle(path, locations))
    return Emulator.of(world)


def _profile(options: _Options) -> "Profile":
    from queue_emulator.core.profiles import compose

    least_s, most_s = options.get("replication_lag_s", (0, 0))
    life_s = options.get("tombstone_life_s")
    return compose(
        options.get("profile", "cloudflare"),
        without=options.get("without", ()),
        plan=options.get("plan"),
        lag_ms=(round(least_s * 1000), round(most_s * 1000)),
        tombstone_life_ms=None if life_s is None else round(life_s * 1000),
        api_reads=options.get("api_reads", "central"),
    )


_OF_THE_QUEUE = ("worker_version", "rate_limit", "strict")


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
    """What the markers of a test say, the nearest last; the test fails for what they cannot say."""
    options: _Options = {}
    for marker in reversed(list(request.node.iter_markers("queue_emulator"))):
        if marker.args:
            pytest.fail(
                f"the marker queue_emulator takes keyword arguments only, not {marker.args[0]!r}", pytrace=False
            )
        options |= cast("_Options", marker.kwargs)  # checked below
    for name, given in options.items():
        if name not in _MEMBERS:
            known = ", ".join(_MEMBERS)
            pytest.fail(f"the marker queue_emulator has no argument {name!r}; it has {known}", pytrace=False)
        allowed, said = _MEMBERS[name]
        if not allowed(given):
            pytest.fail(f"{name} in the marker queue_emulator must be {said}, not {given!r}", pytrace=False)
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
