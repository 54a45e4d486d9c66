"""Both stores under one name, and a service over each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from queue_emulator.kv.sqlite import SqliteStore
from queue_emulator.kv.store import MemoryStore, Store


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store: every test that asks for it runs on each kind."""
    opened: Store = MemoryStore() if request.param == "memory" else await SqliteStore.open(tmp_path / "state.sqlite")
    yield opened
    await opened.close()
