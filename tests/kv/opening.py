"""A state file opened for a test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from queue_emulator.kv.sqlite import SqliteStore


@asynccontextmanager
async def opened(path: Path, namespace: str = "CACHE") -> AsyncIterator[SqliteStore]:
    """Closed however the test ends: the thread of a connection left open would keep this process alive."""
    store = await SqliteStore.open(path, namespace=namespace)
    try:
        yield store
    finally:
        await store.close()
