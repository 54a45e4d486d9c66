"""Real Workers on the real runtime, each with a KV of its own, and the KV that the runtime asks, alone."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import SettingsError
from queue_emulator.workerd.binary import INSTALL, find_binary
from tests.workerd.deployed import Deployed, deployed

Deploy = Callable[..., Awaitable[Deployed]]


@pytest.fixture(scope="session")
def workerd() -> Path:
    """The binary: what WORKERD names, else that of a node_modules near here. Without one the test fails."""
    named = os.environ.get("WORKERD")
    with suppress(SettingsError):
        return find_binary(Path(named) if named else None, [Path(__file__).parent])
    pytest.fail(f"this test needs workerd: {INSTALL}, and name the folder in WORKERD", pytrace=False)


@pytest.fixture
async def deploy(tmp_path: Path, workerd: Path, clock: MovableClock) -> AsyncIterator[Deploy]:
    """`deploy(source, locations=(…), profile=…)` runs a Worker on workerd in this process's KV."""
    async with AsyncExitStack() as stack:

        async def one(source: str, **chosen: object) -> Deployed:
            main = tmp_path / "worker.mjs"
            main.write_text(source)
            return await stack.enter_async_context(deployed(main, workerd, clock, **chosen))  # type: ignore[arg-type]

        yield one
