"""The target under test, once a session and so once an xdist worker; and the hooks of a run."""

import itertools
import shutil
import sys
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from http.cookiejar import DefaultCookiePolicy
from importlib import import_module
from typing import TYPE_CHECKING

import httpx
import pytest
import requests

from queue_contracts.codes import Code
from queue_contracts.options import add_in_pytest
from queue_contracts.sending.leftovers import Leftovers, alive
from queue_contracts.sending.parts import Parts
from queue_contracts.sending.run import Run
from queue_contracts.sending.wire import installed
from queue_contracts.session import selection
from queue_contracts.session.choosing import Choosing
from queue_contracts.session.concluding import Concluding
from queue_contracts.session.generating import Generating
from queue_contracts.session.looking import OfAnotherFormat, look_at, parts_of
from queue_contracts.session.not_testable import say_excused
from queue_contracts.session.opening import opened, put_guard
from queue_contracts.session.preflight_plugin import FirstLook
from queue_contracts.session.runs import begin_run, current_run, end_run, target_at_url, usage
from queue_contracts.session.watching import Watching
from queue_contracts.targets.addresses import TargetError
from queue_contracts.targets.control import Control
from queue_contracts.targets.formats import Format, in_format
from queue_contracts.targets.opening import open_target
from queue_contracts.targets.serving import StartError
from queue_contracts.targets.storage import Storage, open_storage
from queue_contracts.targets.target import Target
from queue_contracts.untrusted.deadline import open_client
from queue_contracts.untrusted.environment import printable

if TYPE_CHECKING:  # what generates requests is loaded once there is a target to send them to
    from queue_contracts.checks.client import Client
    from queue_contracts.checks.description import Description

STACK = pytest.StashKey[ExitStack]()
GENERATOR = "schemathesis.pytest.plugin"
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
            target = stack.enter_context(opened(run))
            if run.local:
                with open_client(guarded=False) as http:
                    look_at(run, target, http)
        except (StartError, TargetError) as error:
            usage(str(error))
        if run.local:
            put_guard(run, target, stack)
        yield target


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
    from queue_contracts.checks.probes import probing

    with probing(), requests.Session() as session:
        session.trust_env = False
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        yield session


@pytest.fixture(scope="session")
def description() -> "Description":
    from queue_contracts.checks.description import load_description

    return load_description()


@pytest.fixture(scope="session")
def client(target: Target, description: "Description", http: httpx.Client) -> "Client":
    from queue_contracts.checks.client import Client

    return Client(target, description, http)


@pytest.fixture(scope="session")
def parts(run: Run, target: Target) -> Parts:
    """What the target has, and in which format: as it was found, else as it is said to be."""
    found = parts_of(run) or Parts()
    return replace(found, format=found.format or Format(run.format or "new"))


@pytest.fixture(autouse=True)
def of_this_format(request: pytest.FixtureRequest) -> None:
    """Leave out a check of what another format does."""
    marker = request.node.get_closest_marker("formats")
    if marker is not None and request.getfixturevalue("parts").format.value not in marker.args:
        raise OfAnotherFormat(f"of the format {' or '.join(marker.args)}")


@pytest.fixture(scope="session")
def control(target: Target, http: httpx.Client, parts: Parts) -> Control:
    return Control(target, http, parts.format)


@pytest.fixture(scope="session")
def storage(run: Run, target: Target, http: httpx.Client, parts: Parts) -> Iterator[Storage]:
    """The target's KV past the Worker; when isolated, swept of dead runs and left as it was found."""
    opened_storage = open_storage(target, http)
    assert opened_storage is not None
    storage = in_format(opened_storage, parts.format)
    if not run.profile.tidies:
        yield storage
        return
    leftovers = Leftovers(storage, run)
    with alive(run.run_id):
        leftovers.sweep_once()
        yield storage
        leftovers.remove_own()


@pytest.fixture(scope="session")
def own_id(run: Run) -> Callable[[str], str]:
    """A fresh portable id, which says whose it is."""
    numbers = itertools.count(1)
    return lambda word: f"{run.own_prefix}{word}-{next(numbers)}"


@pytest.fixture
def excuse(run: Run) -> Callable[[str, str], None]:
    """Say that an operation cannot be seen to succeed here, and why."""

    return lambda operation, why: say_excused(run.folder, operation, why)


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """An error that pytest lets through would end Python with 1, which says that the contract is broken."""
    try:
        return (yield)
    except pytest.UsageError as error:  # pytest says it in lines, and ends with a code of its own for it
        raise pytest.UsageError(*(printable(str(each)) for each in error.args)) from None
    except Exception:  # noqa: BLE001
        print(printable(traceback.format_exc()), file=sys.stderr)
        return Code.FAULT


@pytest.hookimpl(wrapper=True)
def pytest_internalerror(excrepr: object) -> Generator[None, list[object], None]:
    """pytest would end with 3 for it, which says that the run proves nothing."""
    if not any((yield)):
        print(printable(str(excrepr)), file=sys.stderr)  # nothing is there yet that prints it
    pytest.exit(
        "queue-contracts: this is a defect of queue-contracts itself; it says nothing about the target",
        returncode=Code.FAULT,
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contracts", "the contract of the task queue")
    group.addoption("--target", default="emulator", help="emulator, workerd, or the URL of a deployment")
    add_in_pytest(group.addoption)
    group.addoption("--contract-complete", action="store_true", help="whatever part is missing is a fault")


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
        put_guard(run, target, stack)
    for plugin in _plugins(config, run, target):
        config.pluginmanager.register(plugin, f"queue-contracts {type(plugin).__name__.lower()}")


def _plugins(config: pytest.Config, run: Run, target: Target | None) -> list[object]:
    """The hooks of the run, each for one purpose; the process that leads has them all."""
    leads, address = not hasattr(config, "workerinput"), target.url if target else run.target
    here: list[object] = [Choosing(config, run, target, address, leads=leads), Generating(config), Watching(run)]
    return [*here, FirstLook(config, run), Concluding(config, run, target, address)] if leads else here


def pytest_sessionstart(session: pytest.Session) -> None:
    """Load what generates requests. It takes two thirds of a second, which a run that is refused need not wait for."""
    plugins, generator = session.config.pluginmanager, import_module(GENERATOR)
    if not plugins.is_registered(generator):
        plugins.register(generator, GENERATOR)


def pytest_unconfigure(config: pytest.Config) -> None:
    stack = config.stash.get(STACK, None)
    if stack is None:
        return
    run = current_run()
    stack.close()
    if run is not None and not hasattr(config, "workerinput"):
        shutil.rmtree(run.folder, ignore_errors=True)
