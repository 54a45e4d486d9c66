"""A folder of wrangler's local state that somebody made to do harm: refused in one line, and nothing is touched."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import StateError
from queue_emulator.core.options import PutRequest
from queue_emulator.kv.wrangler_layout import Layout, find_namespaces
from queue_emulator.kv.wrangler_state import WranglerWriter, check_free, read_rows
from tests.transfer.canary import tree
from tests.transfer.hostile_folders import ATTACKS, FOLDERS, instead_of, journal_of, symlink
from tests.transfer.memory_endpoint import NOON_MS

CLOCK = MovableClock.frozen_at(NOON_MS)


@pytest.fixture
def layout(folder: Path) -> Layout:
    """A namespace with two keys, in a folder beside another that holds what must stay as it is."""
    (folder / "outside").mkdir()
    (folder / "outside" / "precious").write_bytes(b"precious")
    made = Layout(folder / "state", "abc")
    write(made)
    return made


def write(layout: Layout) -> None:
    writer = WranglerWriter(layout, CLOCK)
    try:
        writer.write([PutRequest(b"a", b"1"), PutRequest(b"b", b"2")])
    except BaseException:
        writer.abandon()
        raise
    writer.finish()


def read(layout: Layout) -> None:
    assert all(row.value != b"precious" for row in read_rows(layout))


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("use", [read, check_free, write])
def test_a_hostile_folder_is_refused_in_one_line_and_left_as_it_was(
    layout: Layout, folder: Path, attack: str, use: Callable[[Layout], None]
) -> None:
    ATTACKS[attack](layout, folder / "outside" / "precious")
    before = tree(folder)
    if _harmless(attack, use):
        use(layout)
    else:
        with pytest.raises(StateError) as caught:
            use(layout)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 600
        assert tree(folder) == before
    assert (folder / "outside" / "precious").read_bytes() == b"precious"


def _harmless(attack: str, use: Callable[[Layout], None]) -> bool:
    """What a copy leaves behind does not matter to who reads it; a journal is copied, and looked at before."""
    left_behind = ("index of the log", "alarms")
    return use is read and attack.startswith(left_behind)


@pytest.mark.parametrize("name", ["v3", "kv", "objects", "values"])
def test_a_namespace_is_not_looked_for_through_a_link(layout: Layout, folder: Path, name: str) -> None:
    instead_of(FOLDERS[name], symlink)(layout, folder / "outside" / "precious")
    try:
        assert find_namespaces(layout.folder) == []
    except StateError as error:
        assert "symbolic link" in str(error)


def test_the_folder_that_a_user_names_may_be_a_link(layout: Layout, folder: Path) -> None:
    (folder / "linked").symlink_to(layout.folder)
    linked = Layout(folder / "linked", "abc")
    write(linked)
    assert [row.value for row in read_rows(linked)] == [b"1", b"2"]


def test_a_journal_that_is_refused_leaves_no_empty_database_beside_it(layout: Layout, folder: Path) -> None:
    layout.database.parent.mkdir(parents=True, exist_ok=True)
    for path in layout.database.parent.iterdir():
        path.unlink()
    journal_of(layout.database.with_name(layout.database.name + "-journal"), folder / "precious")
    before = tree(layout.folder)
    with pytest.raises(StateError, match="refers to another file"):
        WranglerWriter(layout, CLOCK)
    assert tree(layout.folder) == before


@pytest.mark.parametrize("use", [read, check_free, write])
def test_a_damaged_schema_with_a_name_that_is_not_utf_8_is_refused_in_one_line(
    layout: Layout, use: Callable[[Layout], None]
) -> None:
    with closing(sqlite3.connect(layout.database)) as database, database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_master SET name = CAST(x'80ff' AS TEXT), sql = 'CREATE TABLE ('")
    with pytest.raises(StateError, match="a name that is not UTF-8"):
        use(layout)
