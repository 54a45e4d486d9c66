"""The target under test, once a session and so once an xdist worker; the guard below every client; the end of a run."""

import itertools
import json
import shutil
import sys
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, nullcontext
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests

from queue_contracts import process, report, selection, tally
from queue_contracts.bounded import Unreadable
from queue_contracts.cleaning import Leftovers, alive
from queue_contracts.client import Client
from queue_contracts.codes import Code
from queue_contracts.control import Control
from queue_contracts.deadline import open_client
from queue_contracts.description import Description, load_description
from queue_contracts.environment import mask_environment
from queue_contracts.guard import (
    UNTESTABLE,
    Breach,
    ForeignTask,
    Guard,
    KeyShown,
    LimitedOtherwise,
    Stopped,
    install,
    installed,
    remove,
)
from queue_contracts.limiter import SharedLimiter
from queue_contracts.names import HAR, JUNIT, PAGE
from queue_contracts.options import abilities_of, add_options, begin_run, current_run, end_run, target_at_url, usage
from queue_contracts.preflight import objection
from queue_contracts.process import StartError
from queue_contracts.recorder import Recorder, read_exchanges
from queue_contracts.report import FAILURE, Outcome
from queue_contracts.rules import Rules
from queue_contracts.run import Profile, Run
from queue_contracts.storage import Storage, StorageError, open_storage
from queue_contracts.target import Target
from queue_contracts.targets import TargetError, open_target, running_with
from queue_contracts.verdict import judge
from queue_contracts.visible import visible

LATE = ("SJC", "NRT")


@pytest.fixture(scope="session")
def run() -> Run:
    current = current_run()
    assert current is not None
    return current


@pytest.fixture(scope="session")
def target(run: Run) -> Iterator[Target]:
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(_opened(run))
        except (StartError, TargetError) as error:
            usage(str(error))
        if run.local:
            _guarded(run, opened, stack)
        yield opened


@pytest.fixture(scope="session")
def late_target(run: Run, target: Target) -> Iterator[Target]:
    """The same again with two locations, which see each other's writes late; a URL as it is."""
    if not run.local:
        yield target
        return
    options = ("--profile", "cloudflare")
    with open_target(run.target, worker=run.worker, workerd=run.workerd, locations=LATE, options=options) as late:
        if (guard := installed()) is not None:
            guard.recorder.know(late)
        yield late


@pytest.fixture(scope="session")
def http(target: Target) -> Iterator[httpx.Client]:
    with open_client() as client:
        yield client


@pytest.fixture(scope="session")
def session() -> Iterator[requests.Session]:
    """For Schemathesis, which speaks through requests; without the environment as well."""
    with requests.Session() as session:
        session.trust_env = False
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        yield session


@pytest.fixture(scope="session")
def description() -> Description:
    return load_description()


@pytest.fixture(scope="session")
def client(target: Target, description: Description, http: httpx.Client) -> Client:
    return Client(target, description, http)


@pytest.fixture(scope="session")
def control(target: Target, http: httpx.Client) -> Control:
    return Control(target, http)


@pytest.fixture(scope="session")
def storage(run: Run, target: Target, http: httpx.Client) -> Iterator[Storage]:
    """The target's KV past the Worker; when isolated, swept of dead runs and left as it was found."""
    opened = open_storage(target, http)
    assert opened is not None
    if run.profile is not Profile.ISOLATED:
        yield opened
        return
    leftovers = Leftovers(opened, run)
    with alive(run.run_id):
        leftovers.sweep_once()
        yield opened
        leftovers.remove_own()


@pytest.fixture(scope="session")
def own_id(run: Run) -> Callable[[str], str]:
    """A fresh portable id, which says whose it is."""
    numbers = itertools.count(1)
    return lambda word: f"{run.own_prefix}{word}-{next(numbers)}"


@pytest.fixture
def excuse(run: Run) -> Callable[[str, str], None]:
    """Say that an operation cannot be seen to succeed here, and why."""

    return lambda operation, why: _say_excused(run, operation, why)


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, Any, Any]:
    """An error that pytest lets through would end Python with 1, which says that the contract is broken."""
    try:
        return (yield)
    except pytest.UsageError:
        raise  # pytest says it in a line, and ends with a code of its own for it
    except Exception:  # noqa: BLE001
        print(mask_environment(traceback.format_exc()), file=sys.stderr)
        return Code.FAULT


@pytest.hookimpl(wrapper=True)
def pytest_internalerror(excrepr: object) -> Generator[None, list[object], None]:
    """pytest would end with 3 for it, which says that the run proves nothing."""
    if not any((yield)):
        print(mask_environment(str(excrepr)), file=sys.stderr)  # nothing is there yet that prints it
    pytest.exit("queue-contracts: a fault of the suite itself, and no word about the target", returncode=Code.FAULT)


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    for marker in selection.MARKERS:
        config.addinivalue_line("markers", marker)
    run = begin_run(config)
    config.stash[STACK] = stack = ExitStack()
    stack.callback(end_run)
    try:
        target = target_at_url(run)
    except TargetError as error:
        usage(str(error))
    if target is not None:
        _guarded(run, target, stack)
    config.pluginmanager.register(_Conduct(config, run, target), "queue-contracts")


def pytest_unconfigure(config: pytest.Config) -> None:
    stack = config.stash.get(STACK, None)
    if stack is None:
        return
    run = current_run()
    stack.close()
    if run is not None and not hasattr(config, "workerinput"):
        shutil.rmtree(run.folder, ignore_errors=True)


STACK = pytest.StashKey[ExitStack]()


class _Conduct:
    """The hooks of one run."""

    def __init__(self, config: pytest.Config, run: Run, target: Target | None) -> None:
        self.config, self.run, self.target = config, run, target
        self.leads = not hasattr(config, "workerinput")
        self.address = target.url if target else run.target
        self.outcomes: dict[str, Outcome] = {}
        self.purposes: dict[str, set[int]] = {}
        self.complete = not (config.option.keyword or config.option.markexpr or config.option.collectonly)
        self.accounts: list[tally.Account] = []
        self.announced = self.told = False
        self.lines: list[str] = []

    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["contract_folder"] = str(self.run.folder)

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        alone = not self.config.option.__dict__.get("numprocesses")
        # One that is started shows whether it can be when the first check needs it; with -n, here, before any does.
        if not self.leads or self.config.option.collectonly or (self.run.local and alone):
            return
        try:
            # A guard stands below what goes to a URL from the start.
            with _opened(self.run) as target, open_client(guarded=not self.run.local) as http:
                said = objection(target, http, started=self.run.local)
        except (StartError, TargetError, StorageError, LimitedOtherwise, KeyShown, Stopped, Breach) as error:
            said = str(error)
        if said is not None:
            self.told = True
            usage(said)

    @pytest.hookimpl(trylast=True)
    def pytest_keyboard_interrupt(self, excinfo: object) -> None:
        """What ends a run before its first check is printed once by pytest, and at the end of its output once more."""
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if self.told and terminal is not None:
            setattr(terminal, "_keyboardinterrupt_memo", None)  # noqa: B010 - private, and not in its type

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        profiles = selection.GENERATING.get(collection_path.name)
        return True if profiles and self.run.profile.value not in profiles else None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        admin = self.target is None or bool(self.target.admin_key)
        before = list(items)
        items[:] = selection.select(self.run, abilities_of(self.run, self.target), admin, before)
        kept = set(items)
        config.hook.pytest_deselected(items=[item for item in before if item not in kept])

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if any("::" in each or each.endswith(".py") for each in session.config.args):
            self.complete = False
        if self.leads:
            self._announce()

    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        self._announce()

    def _announce(self) -> None:
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if not self.announced and terminal is not None and (self.run.folder / selection.ANNOUNCED).is_file():
            self.announced = True
            terminal.write_line(selection.announcement(self.run, self.address))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self._at(item, selection.budget_of(item) if self.run.rate is not None else None)

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        self._at(item, None)

    def _at(self, item: pytest.Item, left: int | None) -> None:
        if (guard := installed()) is not None:
            guard.test, guard.left = selection.name_of(item), left

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        made = yield
        name = selection.name_of(item)
        marker = item.get_closest_marker("purpose")
        made.user_properties.append(("contract-check", name))
        if marker is not None:
            made.user_properties.append(("contract-purpose", list(marker.args)))
        if call.excinfo is not None and made.failed:
            guard = installed()
            last = guard.recorder.last.get(name) if guard else None
            doc = getattr(getattr(item, "obj", None), "__doc__", None)
            failure = {
                "promise": report.promise_of(item.name, doc),
                "seen": _showable(report.seen_of(call.excinfo.value)),
                "curl": last.curl() if last else "",
            }
            made.user_properties.append((FAILURE, failure))
            made.longrepr = _showable(made.longreprtext)
            if isinstance(call.excinfo.value, ForeignTask | Stopped | StorageError):
                self._not_checked(made, call.excinfo.value)
        made.sections = [(title, _showable(text)) for title, text in made.sections]
        return made

    def _not_checked(self, made: pytest.TestReport, why: ForeignTask | Stopped | StorageError) -> None:
        """A request that was not sent is no broken contract, and no check that holds either."""
        said = _showable(f"not checked: {why}")
        made.outcome, made.longrepr = "skipped", (made.location[0], made.location[1] or 0, said)
        if isinstance(why, ForeignTask):
            _say_excused(self.run, "claimTask", str(why))
        if isinstance(why, StorageError):
            (self.run.folder / UNTESTABLE).write_text(_showable(str(why)), encoding="utf-8")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not self.leads:
            return
        told: dict[str, Any] = dict(report.user_properties)
        name = str(told.get("contract-check", report.nodeid))
        self.purposes[name] = set(told.get("contract-purpose", ()))
        before = self.outcomes.get(name)
        if report.when == "call" or report.failed or (report.skipped and before is None):
            settled = tuple(str(value) for key, value in report.user_properties if key == "settled")
            result = "failed" if report.failed else report.outcome
            self.outcomes[name] = Outcome(name, result, report.duration, settled=settled, **told.get(FAILURE, {}))
        if tally.PROPERTY in told and report.when == "teardown":
            self.accounts.append(told[tally.PROPERTY])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if not self.leads or int(exitstatus) not in (0, 1, 5) or self.config.option.collectonly:
            return
        exchanges = list(read_exchanges(self.run.folder))
        excused = _excused(self.run.folder)
        admin = self.target is None or bool(self.target.admin_key)
        verdict = judge(
            self.run.folder, exchanges, self.run.profile, self.purposes,
            admin=admin, complete=self.complete, excused=[operation for operation, _ in excused],
        )  # fmt: skip
        verdict.vacuous.extend(filter(None, map(tally.without_substance, self.accounts)))
        left_out = [*selection.unchecked(self.run.folder), *(f"{what}: {why}" for what, why in excused)]
        outcomes = list(self.outcomes.values())
        self.lines = list(report.summary(outcomes, verdict, left_out, len(exchanges)))
        session.exitstatus = int(verdict.code(int(exitstatus) == 1))
        if int(exitstatus) == pytest.ExitCode.NO_TESTS_COLLECTED:
            session.exitstatus = Code.NOTHING_PROVED
        if self.run.report_dir is not None:
            self.run.report_dir.mkdir(parents=True, exist_ok=True)
            report.write_har(self.run.report_dir / HAR, exchanges)
            report.write_page(self.run.report_dir / PAGE, self.run, self.address, outcomes, self.lines)
            _look_through(self.run.report_dir)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.accounts:
            terminalreporter.section("generated requests")
            for line in tally.summary(self.accounts):
                terminalreporter.write_line(line)
        if self.lines:
            terminalreporter.section(f"the contract of {self.address}")
            for line in self.lines:
                terminalreporter.write_line(visible(line))


def _showable(text: str) -> str:
    """Without a key, be it of the target or of the environment, and without what a terminal would obey."""
    guard = installed()
    try:
        return visible(mask_environment(guard.recorder.mask(text) if guard else text))
    except Unreadable as why:
        return f"(not shown: {why})"


def _look_through(folder: Path) -> None:
    """What pytest or a plugin of the caller's has written by itself is masked too."""
    for path in (folder / JUNIT,):
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            path.write_text(mask_environment(text), encoding="utf-8")


def _opened(run: Run) -> Any:
    running = None if run.worker is None else running_with(run.worker)
    if running is not None:
        return nullcontext(running)
    return open_target(run.target, worker=run.worker, workerd=run.workerd, control=run.control)


def _guarded(run: Run, target: Target, stack: ExitStack) -> None:
    rules = Rules(target, run.profile, run.own_prefix, started=process.STARTED.__contains__)
    guard = Guard(rules, SharedLimiter(run.folder, run.rate), Recorder(run.folder, target), run.folder)
    stack.callback(guard.limiter.close)
    install(guard)
    stack.callback(remove, guard)


def _say_excused(run: Run, operation: str, why: str) -> None:
    with (run.folder / "excused.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps([operation, why]) + "\n")


def _excused(folder: Path) -> list[tuple[str, str]]:
    path = folder / "excused.jsonl"
    if not path.is_file():
        return []
    said = {tuple(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()}
    return sorted((str(operation), str(why)) for operation, why in said)
