"""Which files are taken for a state file; one that is refused stays as it was, and nothing appears beside it."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import StateError
from queue_emulator.kv.schema import APPLICATION_ID, SCHEMA_VERSION
from tests.kv.opening import opened

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


@pytest.fixture
async def ours(path: Path) -> Path:
    """A state file with one entry."""
    async with opened(path) as store:
        await store.write([Entry(b"a", b"v", 1, 0)])
    return path


async def refusal(path: Path) -> str:
    with pytest.raises(StateError) as caught:
        async with opened(path):
            pass
    return str(caught.value)


async def opens(path: Path) -> bool:
    async with opened(path) as store:
        await store.write([Entry(b"b", b"v", 2, 0)])
        found = await store.read([b"b"])
    return found != [None]


def files_beside(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.parent.iterdir()}


def written_with(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def damaged(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))


async def test_a_file_that_is_not_there_is_made_with_the_folders_on_the_way(tmp_path: Path) -> None:
    assert await opens(tmp_path / "new" / "folder" / "state.sqlite")


async def test_an_empty_file_becomes_a_state_file(path: Path) -> None:
    written_with(path)
    assert files_beside(path) == {path.name: b""}
    assert await opens(path)


async def test_a_closed_file_stands_alone(ours: Path) -> None:
    assert list(files_beside(ours)) == [ours.name]


async def test_a_file_says_whose_it_is_and_of_which_version(ours: Path) -> None:
    header = files_beside(ours)[ours.name][:100]
    assert header[:16] == b"SQLite format 3\0"
    assert header[68:72] == b"QKV1" == APPLICATION_ID.to_bytes(4, "big")
    assert int.from_bytes(header[60:64], "big") == SCHEMA_VERSION


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_text("[]"),
        lambda path: path.write_bytes(b"\0"),
        lambda path: path.write_bytes(b"SQLite format 3\0"),
        lambda path: written_with(path, "CREATE TABLE theirs (a)"),
    ],
    ids=["text", "a byte", "a cut header", "another database"],
)
async def test_a_file_that_is_not_ours_is_refused_and_left_as_it_was(path: Path, write: Callable[[Path], None]) -> None:
    write(path)
    before = files_beside(path)
    assert await refusal(path) == f"{path} is not a state file of queue-emulator; name another with --state"
    assert files_beside(path) == before


async def test_a_file_of_a_newer_version_is_refused_and_left_as_it_was(ours: Path) -> None:
    written_with(ours, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = files_beside(ours)
    assert await refusal(ours) == (
        f"state file {ours} has schema version {SCHEMA_VERSION + 1}; this queue-emulator reads versions up to "
        f"{SCHEMA_VERSION}: upgrade queue-emulator, or name another file with --state"
    )
    assert files_beside(ours) == before


async def test_a_damaged_file_is_refused_and_left_as_it_was(ours: Path) -> None:
    damaged(ours)
    before = files_beside(ours)
    assert (await refusal(ours)).startswith(f"cannot use state file {ours}: ")
    assert files_beside(ours) == before


async def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert await refusal(tmp_path) == f"{tmp_path} is not a regular file"


async def test_a_path_through_a_file_is_refused(ours: Path) -> None:
    assert (await refusal(ours / "state.sqlite")).startswith(f"cannot open state file {ours / 'state.sqlite'}: ")


async def test_a_file_in_a_folder_that_cannot_be_made_is_refused() -> None:
    path = Path("/proc/emulator/state.sqlite")
    assert (await refusal(path)).startswith(f"cannot open state file {path}: ")


@pytest.mark.slow
async def test_a_second_opener_is_told_and_does_no_harm(ours: Path) -> None:
    async with opened(ours) as first:
        assert (await refusal(ours)).startswith(f"state file {ours} is in use by another process")
        await first.write([Entry(b"b", b"v", 2, 0)])
    assert await opens(ours)


async def test_a_file_of_ours_without_our_table_is_refused(path: Path) -> None:
    written_with(path, "CREATE TABLE other (a)", f"PRAGMA application_id = {APPLICATION_ID}", "PRAGMA user_version = 1")
    assert "no such table: entry" in await refusal(path)


async def test_a_failure_of_the_file_while_it_is_in_use_says_so(ours: Path) -> None:
    async with opened(ours) as store:
        await store._file.ask("DROP TABLE entry", (), writes=True)
        with pytest.raises(StateError, match="the state file failed: no such table: entry"):
            await store.read([b"a"])
        with pytest.raises(StateError, match="the state file failed: no such table: entry"):
            await store.write([Entry(b"a", b"v", 2, 0), Entry(b"b", b"v", 3, 0)])
        with pytest.raises(StateError, match="the state file failed: no such table: entry"):
            await store.write([Entry(b"a", b"v", 2, 0)])
        with pytest.raises(StateError, match="the state file failed: no such table: entry"):
            await store.write([Entry(b"a", b"v" * 100_000, 2, 0)])
