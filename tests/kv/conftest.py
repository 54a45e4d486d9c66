"""Both stores under one name, and a service over each."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
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


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Iterator[Counter[str]]:
    """What each kind of change came to: a property of the test in the report of JUnit."""
    counted: Counter[str] = Counter()
    yield counted
    record_property("tried", json.dumps(counted))
