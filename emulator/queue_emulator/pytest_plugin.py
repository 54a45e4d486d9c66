"""The pytest plugin: fixtures `emulator`, `kv`, `emulator_clock`, `faults` and `explore` for your own tests.

Each test has an emulator of its own, in its own process and without a port, so tests run in parallel and in any
order. `@pytest.mark.queue_emulator(profile="local", locations=["SJC", "NRT"])` says how it is to be.
"""

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from queue_emulator.exploration import Guarantee, OwnCheck, Scenario
    from queue_emulator.testing import KV, Emulator, EmulatorClock, Faults
    from queue_emulator.testing.marker import Marker
    from queue_emulator.testing.workers import Workers


MEMBERS = (
    "worker", "profile", "locations", "worker_version", "rate_limit", "strict", "seed", "without", "plan",
    "replication_lag_s", "tombstone_life_s", "api_reads",
)  # fmt: skip  # as testing/marker.py reads them, which loads more than an empty session needs
_EMULATOR: "pytest.StashKey[Emulator]" = pytest.StashKey()
_MARKER = f"queue_emulator({', '.join(MEMBERS)}): how the emulator of this test behaves"


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
    from queue_emulator.core.shown import block

    journal = emulator.journal()
    if journal:
        stale = sum(event.stale for event in journal)
        lines = journal_words.lines(journal, emulator.bindings(), last=_OPERATIONS_SHOWN)
        yield f"queue-emulator: {len(journal)} KV operations; stale reads, marked with !: {stale}", "\n".join(lines)
    if emulator.log:
        yield "queue-emulator: log", "\n".join(map(block, emulator.log[-_LINES_SHOWN:]))


_OPERATIONS_SHOWN = 200
_LINES_SHOWN = 50


@pytest.fixture
def emulator(request: pytest.FixtureRequest) -> "Emulator":
    """A Worker over an empty KV, on a clock that stands at 2026-01-01T12:00:00Z: the task queue, or your own Worker."""
    from queue_emulator.core.errors import EmulatorError
    from queue_emulator.core.shown import block

    given, refused = _given(request), ""
    try:
        made = _made(request, given)
    except EmulatorError as error:
        refused = block(f"the marker queue_emulator: {error}")
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


def _made(request: pytest.FixtureRequest, given: dict[str, object]) -> "Emulator":
    from queue_emulator.testing.emulator import Emulator
    from queue_emulator.testing.marker import read_marker

    marker = read_marker(given)
    if marker.worker is not None:
        return _over_a_worker(request, marker, marker.worker)
    return Emulator(
        profile=marker.kv(),
        locations=marker.locations,
        worker_version=marker.worker_version,
        rate_limit=marker.rate_limit,
        strict=marker.strict,
        seed=marker.seed,
    )


def _over_a_worker(request: pytest.FixtureRequest, marker: "Marker", worker: str) -> "Emulator":
    from queue_emulator.core.errors import SettingsError
    from queue_emulator.testing.emulator import Emulator, codes_of

    stray = marker.of_the_queue()
    if stray is not None:
        raise SettingsError(f"{stray} is for the task queue: leave it out with worker={worker!r}")
    profile, locations, path = marker.kv(), codes_of(marker.locations), request.config.rootpath / worker
    workers: Workers = request.getfixturevalue("_queue_emulator_workers")
    world = workers.world(path, locations, profile, marker.seed)
    request.addfinalizer(lambda: workers.settle(path, locations))
    return Emulator.of(world)


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
        from queue_emulator.core.shown import block

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
            raise pytest.UsageError(block(f"explore: {error}")) from None
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


def _given(request: pytest.FixtureRequest) -> dict[str, object]:
    """What the markers of a test say, the nearest last."""
    given: dict[str, object] = {}
    for marker in reversed(list(request.node.iter_markers("queue_emulator"))):
        if marker.args:
            pytest.fail(
                f"the marker queue_emulator takes keyword arguments only, not {marker.args[0]!r}", pytrace=False
            )
        given |= marker.kwargs
    return given
