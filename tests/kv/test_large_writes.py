"""A write of megabytes to a state file whose disk is full: refused or done, never half, and what was there stays."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import StateError
from tests.kv.opening import opened

pytestmark = pytest.mark.anyio

MIB = 1 << 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


def size_bytes(path: Path) -> int:
    return path.stat().st_size


def entries(first: int, count: int, size_mib: int = 1) -> list[Entry]:
    return [Entry(b"%04d" % number, bytes(size_mib * MIB), number, 0) for number in range(first, first + count)]


@contextmanager
def no_file_grows_beyond(bytes_max: int) -> Iterator[None]:
    """As on a full disk: what would grow further fails in the middle."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.slow
async def test_one_that_is_done_is_not_refused_because_the_log_cannot_go_to_the_file(path: Path) -> None:
    told: list[str] = []
    async with opened(path) as store:
        await store.write(entries(1, 18))
    async with opened(path) as store:
        in_the_file = size_bytes(path)
        with no_file_grows_beyond(in_the_file + MIB):
            await store.write(entries(19, 17), lambda: told.append("done"))
            assert size_bytes(path) < in_the_file + 2 * MIB, "the log could not go to the file"
        assert told == ["done"]
        await store.write(entries(36, 1))
        assert size_bytes(path) > in_the_file + 10 * MIB, "SQLite tries again"
    async with opened(path) as store:
        assert len(await store.walk(b"", None, 100)) == 36


@pytest.mark.parametrize(("count", "size_mib"), [(8, 1), (1, 8)], ids=["many", "one large value"])
async def test_one_that_the_log_has_no_room_for_is_refused_and_the_next_one_is_made(
    path: Path, count: int, size_mib: int
) -> None:
    async with opened(path) as store:
        await store.write(entries(1, 1, 2))
        with no_file_grows_beyond(4 * MIB), pytest.raises(StateError, match="the state file failed: "):
            await store.write(entries(1, count, size_mib))
        assert await store.read([b"0001", b"0002"]) == [*entries(1, 1, 2), None]
        await store.write(entries(2, count, size_mib))
        assert await store.read([b"0002"]) == entries(2, 1, size_mib)
        while store._file.large._unused:
            await store._file.ask("SELECT 1", ())
        ((parts,),) = await store._file.ask("SELECT count(*) FROM part", ())
        assert parts == 2 + (size_mib if count == 1 else 0)


async def test_a_long_one_that_is_not_yet_in_its_place_stays_though_the_next_one_fails(path: Path) -> None:
    written = [Entry(b"%d" % number, bytes(MIB), number, 0) for number in (1, 2)]
    drafts = [[entry] for entry in written]
    async with opened(path) as store:
        long = await store.stage(drafts)
        await long.write(written)
        with no_file_grows_beyond(size_bytes(path.with_name(f"{path.name}-wal")) + MIB // 2):
            with pytest.raises(StateError, match="the state file failed: "):
                await long.end()
            with pytest.raises(StateError, match="the state file failed: "):
                await store.stage(drafts)
        assert await store.read([b"1", b"2"]) == written
    async with opened(path) as store:
        assert await store.read([b"1", b"2"]) == written


async def test_what_is_deleted_is_not_overwritten_whatever_sqlite_was_built_for(path: Path) -> None:
    """Else a large value is written twice, and to drop a table takes room in the log."""
    async with opened(path) as store:
        assert await store._file.ask("PRAGMA secure_delete", ()) == [(0,)]
