"""What wrangler keeps locally is copied for tests as it was at one moment, or the copy is refused."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from queue_emulator.core.errors import SettingsError
from queue_emulator.testing.state_copy import copy_of_one_moment, copy_tree

DATABASE = Path("v3", "d1", "data.sqlite")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A database with a log beside it, a blob, and a link."""
    path = tmp_path / "state"
    (path / DATABASE).parent.mkdir(parents=True)
    (path / DATABASE).write_bytes(b"pages")
    (path / "v3" / "d1" / "data.sqlite-wal").write_bytes(b"log")
    (path / "v3" / "d1" / "data.sqlite-shm").write_bytes(b"index of the log")
    (path / "v3" / "link").symlink_to("d1")
    return path


def changing(times: int, change: Callable[[Path], object]) -> Callable[[Path, Path], None]:
    """Copies as always; but of the first so many copies some file changes before it is made or after it."""
    left = [times]

    def copy(source: Path, target: Path) -> None:
        copy_tree(source, target)
        if left[0]:
            left[0] -= 1
            change(source)

    return copy


CHANGES: dict[str, Callable[[Path], object]] = {
    "a page": lambda state: (state / DATABASE).write_bytes(b"PAGES"),
    "the log is gone": lambda state: (state / "v3" / "d1" / "data.sqlite-wal").unlink(missing_ok=True),
    "a new file": lambda state: (state / "v3" / "blob").write_bytes(b"value"),
    "a link": lambda state: (state / "v3" / "link").rename(state / "v3" / "renamed"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_copy_that_is_of_two_moments_is_made_again(state: Path, tmp_path: Path, name: str) -> None:
    copy_of_one_moment(state, tmp_path / "copy", copy=changing(1, CHANGES[name]))
    paths = {path.relative_to(state) for path in state.rglob("*") if not path.name.endswith("-shm")}
    assert {path.relative_to(tmp_path / "copy") for path in (tmp_path / "copy").rglob("*")} == paths
    for path in paths:
        if (state / path).is_file():
            assert (tmp_path / "copy" / path).read_bytes() == (state / path).read_bytes()


def test_one_that_changes_each_time_is_refused_with_its_name(state: Path, tmp_path: Path) -> None:
    def write(state: Path) -> None:
        with (state / DATABASE).open("ab") as file:
            file.write(b"more")

    with pytest.raises(SettingsError) as refused:
        copy_of_one_moment(state, tmp_path / "copy", copy=changing(99, write))
    assert str(refused.value) == (
        f"cannot copy {state}, which tests have a copy of: {DATABASE} changed meanwhile; a `wrangler dev` that is "
        "running may be writing there: end it first"
    )


def test_a_database_that_is_open_is_copied_with_what_is_in_its_log_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    with closing(sqlite3.connect(state / "data.sqlite", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t AS SELECT 'in the log' AS text")
        connection.execute("BEGIN")
        connection.execute("INSERT INTO t VALUES ('not committed')")
        copy_of_one_moment(state, tmp_path / "copy")
        connection.execute("ROLLBACK")
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == ["data.sqlite", "data.sqlite-wal"]
    with closing(sqlite3.connect(tmp_path / "copy" / "data.sqlite")) as copy:
        assert copy.execute("SELECT text FROM t").fetchall() == [("in the log",)]


@pytest.mark.parametrize("to", ["{outside}", "../outside", "d1/../../../outside", "/dev/zero"])
def test_a_link_that_leads_out_of_it_is_refused_before_a_test_changes_what_is_there(
    state: Path, tmp_path: Path, to: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = state / "v3" / "out"
    link.symlink_to(to.format(outside=outside) if to != "../outside" else "../../outside")
    with pytest.raises(SettingsError) as refused:
        copy_of_one_moment(state, tmp_path / "copy")
    assert f"{link} is a symbolic link to {link.readlink()}, which tests would change" in str(refused.value)
    assert not (tmp_path / "copy").exists()


def test_a_pipe_is_named_and_waited_for_by_nobody(state: Path, tmp_path: Path) -> None:
    os.mkfifo(state / "v3" / "pipe")
    with pytest.raises(SettingsError, match="is a named pipe"):
        copy_of_one_moment(state, tmp_path / "copy")
