"""The state file as a file: what is none of its own is refused, what becomes of it meanwhile is told."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest

from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import StateError
from queue_emulator.kv.sqlite import SqliteCatalogue, SqliteStore
from queue_emulator.kv.write_ahead_log import LOG_PAGES
from tests.kv.opening import opened
from tests.transfer.canary import tree
from tests.transfer.hostile_folders import journal_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ours(tmp_path: Path) -> Path:
    """A state file with one entry."""
    path = tmp_path / "state.sqlite"
    async with opened(path) as store:
        await store.write([Entry(b"a", b"v", 1, 0)])
    return path


def changed(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)


async def refusal(path: Path) -> str:
    with pytest.raises(StateError) as caught:
        async with opened(path):
            pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def linked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def named_twice(path: Path) -> None:
    path.with_name("elsewhere").hardlink_to(path)


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("nothing"))


def log_linked(path: Path) -> None:
    path.with_name("log").write_bytes(b"precious")
    path.with_name(path.name + "-wal").symlink_to(path.with_name("log"))


def journal(path: Path) -> None:
    path.with_name("precious").write_bytes(b"precious")
    journal_of(path.with_name(path.name + "-journal"), path.with_name("precious"))


def in_the_schema(sql: str) -> Callable[[Path], None]:
    return lambda path: changed(path, sql)


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        (linked, "is a symbolic link"),
        (dangling, "is a symbolic link"),
        (named_twice, "has 2 names (hard links)"),
        (piped, "is not a regular file"),
        (log_linked, "-wal is a symbolic link"),
        (journal, "-journal refers to another file, which SQLite would delete"),
        (
            in_the_schema("CREATE TRIGGER t AFTER INSERT ON entry BEGIN DELETE FROM entry; END"),
            "its schema has 't', of the kind 'trigger': only plain tables and indexes are allowed",
        ),
        (in_the_schema("CREATE VIEW v AS SELECT * FROM entry"), "its schema has 'v', of the kind 'view'"),
        (
            in_the_schema("ALTER TABLE entry ADD COLUMN c AS (hex(key))"),
            "its table entry has computed columns",
        ),
        (in_the_schema("CREATE INDEX i ON entry (hex(key))"), "its index 'i' has computed columns"),
        (
            in_the_schema(f"UPDATE entry SET version = {(1 << 63) - 1}"),
            "its last version is 9223372036854775807; the highest possible is 4611686018427387904",
        ),
    ],
)
async def test_what_is_no_file_of_its_own_is_refused_and_left_as_it_was(
    ours: Path, attack: Callable[[Path], None], said: str
) -> None:
    attack(ours)
    before = tree(ours.parent)
    assert said in await refusal(ours)
    assert tree(ours.parent) == before


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero", "/dev/full"])
async def test_a_device_is_refused(device: str) -> None:
    assert await refusal(Path(device)) == f"{device} is not a regular file"


async def test_a_name_that_sqlite_keeps_in_memory_is_refused_and_the_option_for_it_is_named() -> None:
    assert await refusal(Path(":memory:")) == (
        ":memory: is not a state file: to keep the data in memory, use --ephemeral"
    )


async def test_a_name_with_the_characters_of_a_url_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "file:a?mode=memory#%41.sqlite"
    async with opened(path) as store:
        await store.write([Entry(b"a", b"v", 1, 0)])
    assert list(tree(tmp_path)) == [path.name]


async def test_a_row_of_other_types_breaks_nothing(ours: Path) -> None:
    changed(ours, "UPDATE entry SET value = 'text', written_ms = 'never', expiration_s = 'soon', metadata = x'7b7d'")
    async with opened(ours) as store:
        with pytest.raises(StateError, match="what it holds under key 'a' is not what was written"):
            await store.read([b"a"])
        (row,) = await store.walk(b"", None, 10)
        assert (row.written_ms, row.expiration_s, row.metadata) == (0, 0, "{}")


def removed(path: Path) -> None:
    path.unlink()


def replaced(path: Path) -> None:
    path.rename(path.with_name("before"))
    path.write_bytes(b"")


def folder_removed(path: Path) -> None:
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()


def folder_renamed(path: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))


def made_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def made_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def made_a_link_to_itself(path: Path) -> None:
    path.rename(path.with_name("before"))
    path.symlink_to(path.with_name("before"))


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    path.write_bytes(b"")  # as `> state.sqlite` in a shell: it is the same file


def made_longer(path: Path) -> None:
    os.truncate(path, path.stat().st_size + 4096)


def written_over(path: Path) -> None:
    """As by `cp`: the same file, of the same size."""
    with path.open("r+b") as file:
        file.write(b"\xff" * 4096)


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def log_removed(path: Path) -> None:
    log_of(path).unlink()


def log_replaced(path: Path) -> None:
    content = log_of(path).read_bytes()
    log_of(path).rename(path.with_name("before"))
    log_of(path).write_bytes(content)


def log_emptied(path: Path) -> None:
    os.truncate(log_of(path), 0)


@pytest.mark.parametrize(
    ("become", "said"),
    [
        (removed, "was removed"),
        (replaced, "was replaced by another file"),
        (folder_removed, "was removed"),
        (folder_renamed, "was removed"),
        (made_a_folder, "was replaced by another file"),
        (made_a_pipe, "was replaced by another file"),
        (made_a_link_to_itself, "was replaced by another file"),
        (cut_short, "was written to by somebody else"),
        (emptied, "was written to by somebody else"),
        (made_longer, "was written to by somebody else"),
        (written_over, "was written to by somebody else"),
        (log_removed, "has lost its log, the file beside it that ends in -wal,"),
        (log_replaced, "has lost its log, the file beside it that ends in -wal,"),
        (log_emptied, "has lost its log, the file beside it that ends in -wal,"),
    ],
)
async def test_a_file_that_is_gone_takes_no_more_writes(
    tmp_path: Path, become: Callable[[Path], None], said: str
) -> None:
    path = tmp_path / "folder" / "state.sqlite"
    async with opened(path) as store:
        await store.write([Entry(b"a", b"v", 1, 0)])
        become(path)
        for entries in ([Entry(b"b", b"v", 2, 0)], [Entry(b"c", b"v", 3, 0), Entry(b"d", b"v", 4, 0)]):
            with pytest.raises(StateError) as caught:
                await store.write(entries)
            aside = f"; its log, with the last writes to it, is now {path}.log-of-the-file-before"
            told = aside if become is replaced else ""
            assert str(caught.value) == (
                f"state file {path} {said} while in use{told}; nothing more is written: restart queue-emulator"
            )
        assert [entry and entry.value for entry in await store.read([b"a", b"b"])] == [b"v", None]


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("copied", [True, False])
async def test_a_file_that_replaces_another_keeps_its_own_data(tmp_path: Path, *, write: bool, copied: bool) -> None:
    """The log of the file before lies beside it, and would be read as its own: as it is, of a copy of that file."""
    path, other = tmp_path / "state.sqlite", tmp_path / "other.sqlite"
    async with opened(other) as store:
        await store.write([Entry(b"theirs", b"v", 1, 0)])
    async with opened(path) as store:
        await store.write([Entry(b"ours", b"v", 1, 0)])
        if copied:
            other.write_bytes(path.read_bytes())
        other.rename(path)
        if write:
            with pytest.raises(StateError, match="was replaced by another file"):
                await store.write([Entry(b"more", b"v", 2, 0)])
    async with opened(path) as store:
        found = [entry and entry.value for entry in await store.read([b"ours", b"theirs"])]
    assert found == ([b"v", None] if copied else [None, b"v"])
    aside = tmp_path / "state.sqlite.log-of-the-file-before"
    assert aside.exists() != copied, "no write that was acknowledged is gone"


async def test_a_log_to_which_another_emulator_writes_by_now_stays_with_its_file(tmp_path: Path) -> None:
    path, other = tmp_path / "state.sqlite", tmp_path / "other.sqlite"
    async with opened(other) as store:
        await store.write([Entry(b"theirs", b"v", 1, 0)])
    async with opened(path) as ours:
        await ours.write([Entry(b"ours", b"v", 1, 0)])
        other.rename(path)
        async with opened(path) as second:
            await second.write([Entry(b"of the second", b"v", 2, 0)])
            with pytest.raises(StateError, match="was replaced by another file"):
                await ours.write([Entry(b"more", b"v", 2, 0)])
            await second.write([Entry(b"of the second", b"w", 3, 0)])
    async with opened(path) as store:
        assert await store.read([b"of the second"]) == [Entry(b"of the second", b"w", 3, 0)]


@pytest.mark.parametrize("bytes_more", [1, 2, 20])
async def test_a_name_that_leaves_no_room_for_the_files_beside_it_is_refused_and_no_file_is_made(
    tmp_path: Path, bytes_more: int
) -> None:
    name = "é" * 114 + "n" * bytes_more
    if bytes_more == 1:
        async with opened(tmp_path / name):
            return
    assert f"a name of {228 + bytes_more} bytes; at most 229" in await refusal(tmp_path / "new" / name)
    assert tree(tmp_path) == {}


async def test_a_start_that_fails_before_sqlite_has_the_file_leaves_none(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.sqlite"
    path.parent.mkdir()
    log_linked(path)
    assert "-wal is a symbolic link" in await refusal(path)
    assert not path.exists()


OTHER = """
import asyncio, sys
from pathlib import Path
from queue_emulator.core.errors import StateError
from queue_emulator.kv.sqlite import SqliteStore
try:
    asyncio.run(SqliteStore.open(Path(sys.argv[1])))
except StateError as error:
    print(error)
"""


async def test_another_process_has_the_file_neither_after_this_one_has_looked_at_it_otherwise(tmp_path: Path) -> None:
    """With the first descriptor that a process closes all its locks of the file are gone, which are SQLite's."""
    path = tmp_path / "state.sqlite"
    async with opened(path) as store:
        await store.write([Entry(b"a", b"v", 1, 0)])
        path.read_bytes()
        assert "is in use" in await refusal(path)
        other = subprocess.run([sys.executable, "-c", OTHER, str(path)], capture_output=True, text=True, check=False)  # noqa: ASYNC221
        assert "is in use by another process" in other.stdout
        await store.write([Entry(b"b", b"v", 2, 0)])


async def test_a_start_that_fails_leaves_no_file_and_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "state.sqlite"
    catalogue = await SqliteCatalogue.open(path)
    await catalogue.discard()
    assert tree(tmp_path) == {}


async def test_a_start_that_fails_leaves_a_file_that_was_there(ours: Path) -> None:
    before = tree(ours.parent)
    catalogue = await SqliteCatalogue.open(ours)
    await catalogue.discard()
    assert tree(ours.parent) == before


async def test_of_those_who_make_a_file_at_once_one_has_it_and_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.sqlite"
    async with AsyncExitStack() as stack:

        async def make() -> SqliteStore | None:
            try:
                return await stack.enter_async_context(opened(path))
            except StateError:
                return None

        made = [store for store in await asyncio.gather(*(make() for _ in range(4))) if store is not None]
        assert len(made) == 1
        await made[0].write([Entry(b"a", b"v", 1, 0)])
    async with opened(path) as store:
        assert await store.read([b"a"]) != [None]


async def test_a_file_whose_time_alone_is_another_takes_writes(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    async with opened(path) as store:
        for version, changed_s in enumerate((0, 2_000_000_000), 1):  # as by `touch`, or by a copy that keeps times
            await store.write([Entry(b"a", b"v", version, 0)])
            os.utime(path, (changed_s, changed_s))
            await store.write([Entry(b"b", b"v", version + 2, 0)])
        written_over(path)
        os.utime(path, (2_000_000_000, 2_000_000_000))
        with pytest.raises(StateError, match="was written to by somebody else"):
            await store.write([Entry(b"c", b"v", 5, 0)])


async def test_a_file_that_was_written_over_takes_no_writes_though_its_time_was_put_back(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    async with opened(path) as store:
        await store.write([Entry(b"a", b"v", 1, 0)])
        before = path.stat()
        written_over(path)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as by a copy that keeps times
        with pytest.raises(StateError, match="was written to by somebody else"):
            await store.write([Entry(b"b", b"v", 2, 0)])


async def test_what_is_written_to_the_file_when_its_log_is_long_is_its_own(tmp_path: Path) -> None:
    """As in a log that has begun anew: then the file is another, and neither is somebody else's."""
    path = tmp_path / "state.sqlite"
    async with opened(path) as store:
        before = path.stat().st_size
        for version in range(1, 1 + LOG_PAGES // 3 + 100):
            await store.write([Entry(b"%05d" % (version % 3), b"v" * 3_500, version, 0)])
        assert path.stat().st_size > before
        assert log_of(path).stat().st_size < LOG_PAGES * 4096, "the log has begun anew"
        written_over(path)
        with pytest.raises(StateError, match="was written to by somebody else"):
            await store.write([Entry(b"a", b"v", 9_999, 0)])
