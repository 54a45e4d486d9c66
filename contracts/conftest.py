"""The target under test, once a session and so once an xdist worker, and the account of what was generated for it."""

from collections.abc import Iterator

import httpx
import pytest
import requests

from contracts import tally
from contracts.client import Client
from contracts.control import Control
from contracts.description import Description, load_description
from contracts.process import running_emulator
from contracts.target import Target


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with running_emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    """Without the environment: a proxy set there must not come between the suite and its target."""
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def session() -> Iterator[requests.Session]:
    """The same for Schemathesis, which speaks through requests."""
    with requests.Session() as session:
        session.trust_env = False
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


def pytest_configure(config: pytest.Config) -> None:
    # Known in a checkout; the installed package brings no configuration of pytest's.
    config.addinivalue_line("markers", "slow: takes over 0.25 s")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for group in terminalreporter.stats.values() for report in group]
    accounts = [
        account
        for report in reports
        if getattr(report, "when", None) == "teardown"
        for name, account in getattr(report, "user_properties", ())
        if name == tally.PROPERTY
    ]
    if accounts:
        terminalreporter.section("generated requests")
        for line in tally.summary(accounts):
            terminalreporter.write_line(line)
