"""What the Worker's tests share: the three versions of it, a watched binding, and the truth about the namespace."""

from collections.abc import Callable

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.kv.service import KVService
from queue_emulator.kv.turn import HeldTurns
from queue_emulator.worker.versions import WorkerVersion
from tests.worker.deployed import Centre, Worker
from tests.worker.doubles import WatchedBinding


@pytest.fixture
def centre(service: KVService) -> Centre:
    return Centre(service)


@pytest.fixture
def worker(service: KVService, clock: MovableClock) -> Worker:
    """The new Worker."""
    return Worker(service, clock)


@pytest.fixture
def old_worker(service: KVService, clock: MovableClock) -> Worker:
    return Worker(service, clock, WorkerVersion.OLD)


@pytest.fixture
def dual_worker(service: KVService, clock: MovableClock) -> Worker:
    return Worker(service, clock, WorkerVersion.DUAL)


@pytest.fixture
def turns(service: KVService) -> HeldTurns:
    """Gives turns by hand: who is an actor of it waits before each of its KV operations."""
    held = HeldTurns()
    service.pipeline.turn = held
    return held


@pytest.fixture
def watch(service: KVService) -> Callable[..., WatchedBinding]:
    """`watch("NRT")`: a new invocation's binding at a location, by default SJC, that writes its calls down."""

    def watched(location: str = "SJC") -> WatchedBinding:
        return WatchedBinding(service, location)

    return watched
