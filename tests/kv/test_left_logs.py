"""The log that an emulator leaves which was killed: it stays with its own file, and is set aside beside another."""

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import StateError
from queue_emulator.kv.sqlite import SqliteStore
from tests.kv.opening import opened

pytestmark = pytest.mark.anyio

NOBODY = 65534
ASIDE = "state.sqlite.log-of-the-file-before"


def left(path: Path, at: Path) -> Path:
    """What a process that is killed now leaves of a state file, in a new folder."""
    at.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", at / f"state.sqlite{suffix}")
    return at / "state.sqlite"


def log_of(path: Path, content: bytes | None = None) -> bytes:
    """What it is, or is made."""
    log = path.with_name(f"{path.name}-wal")
    if content is not None:
        log.write_bytes(content)
    return log.read_bytes()


async def write(store: SqliteStore, version: int, key: bytes) -> None:
    await store.write([Entry(key, b"v", version, 0)])


async def keys(path: Path) -> tuple[list[bytes], bool]:
    """Those that are there, and whether a log was set aside."""
    async with opened(path) as store:
        return [row.key for row in await store.walk(b"", None, 100)], store.catalogue().warning is not None


@pytest.fixture
async def killed(tmp_path: Path) -> AsyncIterator[Path]:
    """A state file with `old`; beside it `before.sqlite`, a copy from before; the log has `new`."""
    path = tmp_path / "running" / "state.sqlite"
    async with opened(path) as store:
        await write(store, 1, b"old")
    shutil.copy(path, tmp_path / "before.sqlite")
    async with opened(path) as store:
        await write(store, 2, b"more")
    async with opened(path) as store:
        await write(store, 3, b"new")
        yield left(path, tmp_path / "left")


def a_copy_from_before(path: Path) -> None:
    shutil.copy(path.parent.parent / "before.sqlite", path)


def an_empty_file(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(("another", "there"), [(a_copy_from_before, [b"old"]), (an_empty_file, [])])
async def test_the_log_of_another_file_is_set_aside(
    killed: Path, another: Callable[[Path], None], there: list[bytes]
) -> None:
    log = log_of(killed)
    another(killed)
    assert await keys(killed) == (there, True)
    assert killed.with_name(ASIDE).read_bytes() == log
    assert await keys(killed) == (there, False)


async def test_a_file_that_another_state_file_replaced_shows_its_own_data(killed: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    async with opened(other) as store:
        await write(store, 1, b"theirs")
    other.rename(killed)
    assert await keys(killed) == ([b"theirs"], True)


async def test_a_log_that_is_set_aside_overwrites_none_that_was_before(killed: Path) -> None:
    killed.with_name(ASIDE).write_bytes(b"precious")
    log = log_of(killed)
    a_copy_from_before(killed)
    assert await keys(killed) == ([b"old"], True)
    assert killed.with_name(ASIDE).read_bytes() == b"precious"
    assert killed.with_name(f"{ASIDE}-2").read_bytes() == log


async def test_what_was_acknowledged_stays_after_kill_upon_kill(killed: Path, tmp_path: Path) -> None:
    path, expected = killed, [b"more", b"new", b"old"]
    for number in range(3):
        async with opened(path) as store:
            await write(store, 4 + number, b"z%d" % number)
            path = left(path, tmp_path / f"again{number}")
        expected.append(b"z%d" % number)
    assert await keys(path) == (expected, False)


async def test_a_kill_in_the_midst_of_bringing_the_log_to_the_file_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "running.sqlite"
    async with opened(path) as store:
        for version in range(1, 40):
            await write(store, version, b"%03d" % version + b"k" * 400)
        log = left(path, tmp_path / "left").with_name("state.sqlite-wal").read_bytes()
        before = path.read_bytes()
        await store._file.ask("PRAGMA wal_checkpoint", ())
        after = path.read_bytes()
    pages = len(after) // 4096
    for written in range(1, pages + 1):
        copy = tmp_path / f"{written}.sqlite"
        copy.write_bytes(after[: written * 4096] + before[written * 4096 :])
        log_of(copy, log)
        found, set_aside = await keys(copy)
        assert (len(found), set_aside) == (39, False)


async def test_a_log_of_a_time_without_stamps_stays_with_its_file(tmp_path: Path) -> None:
    """As of an older version of this package, which had no table for them."""
    path = tmp_path / "old.sqlite"
    async with opened(path) as store:
        await write(store, 1, b"a")
        await store._file.ask("DROP TABLE log_stamp", (), writes=True)
        store._file._state._stamped = True
    async with opened(path) as store:
        store._file._state._stamped = True
        await write(store, 2, b"b")
        copy = left(path, tmp_path / "left")
    assert await keys(copy) == ([b"a", b"b"], False)


async def test_a_log_cut_at_the_end_of_a_write_is_what_it_was_before_the_next(tmp_path: Path) -> None:
    """So nobody can tell that a write is lacking: the bytes are those that a kill before it leaves."""
    path = tmp_path / "state.sqlite"
    async with opened(path) as store:
        await write(store, 1, b"a")
        before = log_of(path)
        await write(store, 2, b"b")
        assert log_of(path)[: len(before)] == before


async def test_a_disk_that_failed_once_while_indexes_were_compared_refuses_no_reads(tmp_path: Path) -> None:
    async with opened(tmp_path / "state.sqlite") as store:
        await write(store, 1, b"a")
        database = store._file._database
        database.set_progress_handler(lambda: 1, 1)  # ends each statement, with an error that is no damage
        store._file.whole.begin()
        await store._file.whole.ended()
        database.set_progress_handler(None, 0)
        for _ in range(2):
            assert await store.read([b"a"]) != [None]
            await store._file.whole.ended()


@contextmanager
def somebody_else() -> Iterator[None]:
    """Without the rights of root, who may write everywhere."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("which", ["state.sqlite", "."])
async def test_a_file_or_folder_that_is_read_only_is_named(which: str) -> None:
    with TemporaryDirectory(dir="/tmp") as own:
        path = Path(own) / "state.sqlite"
        async with opened(path) as store:
            await write(store, 1, b"a")
        if os.geteuid() == 0:  # made before: somebody else may not be able to read the package
            for each in (path.parent, path):
                os.chown(each, NOBODY, NOBODY)
        (path.parent / which).chmod(0o555)
        with somebody_else(), pytest.raises(StateError) as caught:
            await keys(path)
        path.parent.chmod(0o755)
    assert f"{path.parent / which} is read-only" in str(caught.value)


async def test_a_file_that_becomes_read_only_says_so_and_what_to_do(tmp_path: Path) -> None:
    async with opened(tmp_path / "state.sqlite") as store:
        await write(store, 1, b"a")
        await store._file.ask("PRAGMA query_only = ON", ())
        with pytest.raises(StateError, match=r"the file or its folder is read-only: make both writable"):
            await write(store, 2, b"b")
