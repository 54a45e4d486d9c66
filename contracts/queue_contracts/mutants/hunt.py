"""Run checks of the suite against one mutant, in this process, and say which of them caught it.

A process that has run one hunt has loaded everything: the next takes a second instead of five. pytest and Schemathesis
can be run again in one process, but not twice at once; hunts side by side are processes side by side.
"""

import contextlib
import io
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from queue_contracts.mutants.catalogue import Mutant, MutantError, write_mutant
from queue_contracts.sending.recorder import Exchange, read_exchanges
from queue_contracts.session.runs import current_run
from queue_contracts.session.watching import showable

# Of pytest's own: what would leave files behind, and what collects garbage after every run.
_WITHOUT = [each for name in ("cacheprovider", "faulthandler", "unraisableexception") for each in ("-p", f"no:{name}")]
# And no other plugin than a run has: another could change what is sent, and all take a while to be found.
_WITH = ("xdist", "xdist.looponfail", "_hypothesis_pytestplugin")
SUITE = Path(__file__).resolve().parents[1] / "checks"
LINES_OF_A_REASON = 6
# Files whose checks run in another profile than the one in which everything may be done.
PROFILES = {"test_isolated.py": "isolated", "test_observed.py": "isolated"}


class Outcome(Enum):
    """What came of a hunt, as reports call it."""

    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    NOT_RUN = "NOT RUN"


@dataclass(frozen=True)
class Bench:
    """What mutants are made of and run on: the folder of the Worker, and workerd where the suite does not find it."""

    worker: Path
    workerd: Path | None = None


@dataclass(frozen=True)
class Verdict:
    """`caught_by` are the checks that failed; `why` is what the first of them said, or what kept them from running."""

    outcome: Outcome
    caught_by: tuple[str, ...] = ()
    why: str = ""


@dataclass
class Run:
    """What came of checks, by name.

    failed   with what each said
    errors   what went wrong outside of any check, which proves nothing
    escaped  requests that the Worker's code answered with an exception
    """

    passed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    escaped: list[str] = field(default_factory=list)


def hunt(mutant: Mutant, bench: Bench, checks: Sequence[str] = ()) -> Verdict:
    """Whether any of `checks`, by default the one that is named for it, fails on the mutant."""
    with TemporaryDirectory(prefix="mutant-") as folder:
        worker = Path(folder) / "worker"
        write_mutant(mutant, bench.worker, worker)
        return verdict_on(mutant, run_checks(checks or [mutant.caught_by], Bench(worker, bench.workerd)))


def verdict_on(mutant: Mutant, run: Run) -> Verdict:
    """A failure is a catch only where nothing broke outside of the checks, and the mutant is broken as it says."""
    if run.errors:
        return Verdict(Outcome.NOT_RUN, why=run.errors[0])
    if run.escaped and not mutant.throws:
        asked = run.escaped[0]
        why = f"the Worker answered {asked} with an exception, which this mutant should not cause without throws = true"
        return Verdict(Outcome.NOT_RUN, why=why)
    if run.failed:
        return Verdict(Outcome.CAUGHT, tuple(run.failed), next(iter(run.failed.values())))
    return Verdict(Outcome.SURVIVED)


def run_checks(checks: Sequence[str], bench: Bench) -> Run:
    """Run checks against the Worker in a folder.

    A check is "test_file.py::test_name", with "[case]" or without; the file is the suite's, or a path of yours. A file
    alone stands for all that is in it. Of a check that has failed once no further case is run.
    """
    watch = _Watch(frozenset(_wanted(check) for check in checks))
    places = dict.fromkeys(_place(check) for check in checks)
    profile = PROFILES.get(Path(checks[0].partition("::")[0]).name, "disposable")
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        code = pytest.main([*_settings(bench, profile), *places], plugins=[watch])
    run = watch.run
    if not run.errors and not run.passed and not run.failed:
        run.errors.append(
            showable(f"pytest ended with code {int(code)} and ran none of {', '.join(checks)}:\n{output.getvalue()}")
        )
    return run


def require_checks(checks: Sequence[str]) -> None:
    """Raise MutantError for one whose file is not there: each mutant would say so again."""
    for check in checks:
        if not (_file(check).is_file() and _file(check).suffix == ".py"):
            raise MutantError(f"--check {check}: no such file of checks, here or in queue-contracts")


def collected() -> dict[str, bool]:
    """The suite's checks by name, and whether each asks a target; nothing is run."""
    found: dict[str, bool] = {}

    class Look:
        @pytest.hookimpl(tryfirst=True)
        def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
            found.update({name_of(item): "target" in getattr(item, "fixturenames", ()) for item in items})

    for profile in dict.fromkeys(("disposable", *PROFILES.values())):
        with contextlib.redirect_stdout(io.StringIO()):
            code = pytest.main([*_settings(Bench(SUITE), profile), "--collect-only", str(SUITE)], plugins=[Look()])
        assert code == pytest.ExitCode.OK, f"the suite cannot be collected: {code!r}"
    return found


def by_file(checks: Sequence[str]) -> list[tuple[str, ...]]:
    """The different ones among checks, those of one file together."""
    files: dict[str, dict[str, None]] = {}
    for check in checks:
        files.setdefault(check.partition("::")[0], {})[check] = None
    return [tuple(each) for each in files.values()]


def _settings(bench: Bench, profile: str) -> list[str]:
    # Nothing of the folder that this is run in, and the suite's fixtures for files that lie elsewhere.
    alone = ["-c", os.devnull, "--rootdir", str(SUITE), "--noconftest", "--no-header", *_WITHOUT]
    alone += ["--disable-plugin-autoload", *(each for name in _WITH for each in ("-p", name))]
    # Complete: a mutant without a route is to be caught, not excused.
    suite = ["--import-mode=importlib", "-p", "queue_contracts.checks.conftest", "--contract-complete"]
    suite += ["--contract-profile", profile]
    workerd = [] if bench.workerd is None else ["--workerd", str(bench.workerd)]
    return [*alone, *suite, "--target", "workerd", "--worker", str(bench.worker), *workerd]


def _place(check: str) -> str:
    name = check.partition("[")[0].partition("::")[2]
    return f"{_file(check)}::{name}" if name else str(_file(check))


def _file(check: str) -> Path:
    file = Path(check.partition("[")[0].partition("::")[0])
    return file.absolute() if file.is_file() else SUITE / file


def _wanted(check: str) -> str:
    file, separator, name = check.partition("::")
    return f"{Path(file).name}{separator}{name}"


class _Watch:
    """A plugin of pytest: keeps the checks that are wanted, and notes what comes of each."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self.run = Run()
        self._wanted = wanted

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        # Not by node ids: those of Schemathesis' cases do not name the case.
        items[:] = [item for item in items if self._wanted & {item.path.name, name_of(item), case_of(item)}]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.run.errors.append(showable(f"{report.nodeid}: {report.longreprtext}"))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        current = current_run()
        exchanges = read_exchanges(current.folder) if current else ()
        self.run.escaped += [f"{each.method} {each.path}" for each in exchanges if _escaped(each)]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if name_of(item) in self.run.failed:
            pytest.skip("another case of this check has already failed")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        # Of a check that fails only what it says is told: to write out how it came there takes as long as it ran.
        item.config.option.tbstyle = "native" if call.when == "call" else "auto"
        report = yield
        name = name_of(item)
        if report.failed and report.when == "call":
            assert call.excinfo is not None
            self.run.failed[name] = showable(f"{item.name}: {reason(call.excinfo.value)}")
        elif report.failed and name not in self.run.failed:
            self.run.errors.append(showable(f"{name}, {report.when}: {report.longreprtext}"))
        elif report.passed and report.when == "call" and name not in self.run.passed:
            self.run.passed.append(name)
        return report


def name_of(item: pytest.Item) -> str:
    """The name of a check: "test_file.py::test_name"."""
    return case_of(item).partition("[")[0]


def case_of(item: pytest.Item) -> str:
    """The same with the case, where the check has several."""
    return f"{item.path.name}::{item.name}"


def _escaped(exchange: Exchange) -> bool:
    """The Worker's own 500 is JSON; the runtime's, for an exception that nobody caught, is text."""
    kind = next((value for name, value in exchange.headers.items() if name.lower() == "content-type"), "")
    return exchange.status == 500 and not kind.startswith("application/json")


def reason(error: BaseException) -> str:
    """The first lines of what a failed check said; of several failures, of the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    said = str(error).strip() or type(error).__name__
    if not isinstance(error, AssertionError) and type(error).__module__ == "builtins":
        said = f"{type(error).__name__}: {said}"
    return "\n".join(said.splitlines()[:LINES_OF_A_REASON])
