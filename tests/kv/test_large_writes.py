"""A write of megabytes to the state file: the log goes to the file after it, and a failure then is not the write's."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from queue_emulator.core.entries import Entry
from queue_emulator.kv.schema import LOG_PAGES
from tests.kv.opening import opened

pytestmark = pytest.mark.anyio

MIB = 1 << 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


def entries(first: int, size_mib: int) -> list[Entry]:
    """One of a MiB each."""
    return [Entry(b"%04d" % number, bytes(MIB), number, 0) for number in range(first, first + size_mib)]


def size_bytes(path: Path) -> int:
    return path.stat().st_size


@contextmanager
def no_file_grows_beyond(bytes_max: int) -> Iterator[None]:
    """As on a full disk: what would grow further fails in the middle."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_one_that_is_done_is_not_refused_because_the_log_cannot_go_to_the_file(path: Path) -> None:
    told: list[str] = []
    async with opened(path) as store:
        await store.write(entries(1, 8))
        in_the_file = size_bytes(path)
        with no_file_grows_beyond(in_the_file + MIB):
            await store.write(entries(9, 5), lambda: told.append("done"))
        assert told == ["done"]
        assert size_bytes(path) <= in_the_file + MIB, "the log could not go to the file"
        for first in range(14, 30, 2):
            await store.write(entries(first, 2))
        assert size_bytes(path) > in_the_file + 10 * MIB, "SQLite writes the log to the file by itself again"
    async with opened(path) as store:
        assert len(await store.walk(b"", None, 100)) == 29


async def test_one_that_ends_does_not_put_the_log_into_the_transaction_of_the_next(path: Path) -> None:
    in_force, at_commit, begun, loop = [0], list[int](), asyncio.Event(), asyncio.get_running_loop()

    def done(sql: str) -> None:
        if sql.startswith("PRAGMA wal_autocheckpoint = "):
            in_force.append(int(sql.split()[-1]))
        elif sql == "COMMIT":
            at_commit.append(in_force[-1])
        elif "wal_checkpoint" in sql:
            loop.call_soon_threadsafe(begun.set)

    async with opened(path) as store:
        store._file._database.set_trace_callback(done)
        first = asyncio.ensure_future(store.write(entries(1, 5)))
        await begun.wait()
        await asyncio.gather(first, store.write(entries(6, 5)))
        store._file._database.set_trace_callback(None)
    assert at_commit == [0, 0]
    assert in_force[-1] == LOG_PAGES
