"""What tests in every room share.

A clock that stands still, a KV service, a deployed Worker and a client for it; a folder, and emulators started in it.
"""

import sys
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path

import httpx
import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.profiles import CLOUDFLARE, Profile
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.worker.auth import ApiKeys
from tests.asking import client_of
from tests.cli.emulator_process import StartEmulator, starting

NOON_MS = 1_795_435_200_000  # 2026-11-23T12:00:00Z
KEYS = ApiKeys(queue_api_key="test-queue-key", admin_api_key="test-admin-key")
FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.hookimpl(wrapper=True, trylast=True)  # within that of pytest-cov
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test with `no_cover` runs without a tracer.

    In a process of pytest-xdist pytest-cov measures twice, and where it pauses the one, the other goes on.
    """
    if item.get_closest_marker("no_cover") is None:
        return (yield)
    tracers = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracers[0])
        threading.settrace(tracers[1])


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> MovableClock:
    """Stands at 2026-11-23T12:00:00Z until moved."""
    return MovableClock.frozen_at(NOON_MS)


@pytest.fixture
def profile() -> Profile:
    """Override with `@pytest.mark.parametrize("profile", [...])`."""
    return CLOUDFLARE


@pytest.fixture
def service(clock: MovableClock, profile: Profile) -> KVService:
    """One namespace in memory."""
    return KVService(MemoryStore(), clock=clock, profile=profile)


@pytest.fixture
def open_binding(service: KVService) -> Callable[..., Binding]:
    """`open_binding("NRT")`: `env.CACHE` for one new invocation at a location, by default SJC."""

    def opened(location: str = "SJC") -> Binding:
        return Binding(service, location, Invocation(service.profile.operations_max))

    return opened


@pytest.fixture
def logged() -> list[str]:
    """The lines that the deployment logged."""
    return []


@pytest.fixture
def deployment(service: KVService, clock: MovableClock, logged: list[str]) -> Deployment:
    """The new Worker at SJC and NRT over the service."""
    return Deployment(
        service=service, clock=clock, keys=KEYS, locations=("SJC", "NRT"), dice=Dice(7), log=logged.append
    )


@pytest.fixture
async def client(deployment: Deployment) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks to the deployment's app in this process."""
    async with client_of(create_app(deployment)) as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The working directory of commands: empty."""
    made = tmp_path / "work"
    made.mkdir()
    return made


@pytest.fixture
def start_emulator(folder: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[StartEmulator]:
    """`start_emulator("--state", file, environment={...})` starts a process in `folder`, on a free port.

    It is a fork of a process that has loaded the command; with `@pytest.mark.real_start` it begins as a user's does.
    """
    with starting(folder, tmp_path, forked=request.node.get_closest_marker("real_start") is None) as starter:
        yield starter


@pytest.fixture(scope="module")
def start_for_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartEmulator]:
    """The same, of a process for all tests of a module."""
    with starting(tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("logs")) as starter:
        yield starter
