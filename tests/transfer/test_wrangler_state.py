"""Wrangler's local state, as miniflare keeps it: read without touching it, written as a whole or not at all."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import StateError
from queue_emulator.core.options import PutRequest
from queue_emulator.kv.wrangler_layout import Layout, find_namespaces
from queue_emulator.kv.wrangler_state import StoredRow, WranglerWriter, check_free, read_rows
from tests.cli.emulator_process import files_of
from tests.transfer.memory_endpoint import NOON_MS

NOON_S = NOON_MS // 1000
CLOCK = MovableClock.frozen_at(NOON_MS)


@pytest.fixture
def layout(folder: Path) -> Layout:
    """A namespace that is not there yet."""
    return Layout(folder / "state", "abc")


def write(layout: Layout, *requests: PutRequest) -> None:
    writer = WranglerWriter(layout, CLOCK)
    writer.write(requests)
    writer.finish()


def contents(layout: Layout) -> dict[bytes, bytes | None]:
    return {row.key: row.value for row in read_rows(layout)}


def change(layout: Layout, sql: str, *parameters: object) -> None:
    with closing(sqlite3.connect(layout.database)) as database, database:
        database.execute(sql, parameters)


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        # each pair was made by miniflare: a namespace of this id, and the name of its database
        ("test-ns-id", "6bc1e9ca"),
        ("my:ns/ü", "017ec743604d5194935976c06f8994b18bc1662b9114fe3e3c21693bc28a99a9.sqlite"),
        ("abc", "3f477c5215ab6ad21a31a5567fc178958f5b6d83ca22597629a0fd86c3e87647.sqlite"),
    ],
)
def test_a_database_is_named_by_a_hash_of_the_namespace(namespace: str, name: str) -> None:
    assert Layout(Path(), namespace).database.name.startswith(name)


@pytest.mark.parametrize(
    ("namespace", "name"),
    [("my:ns/ü", "my_ns_ü"), ("..", "__"), ("a?b*", "a_b_"), ("nul", "_"), (" a ", "_a_"), ("x" * 300, "x" * 255)],
)
def test_a_folder_is_named_by_the_namespace_as_far_as_a_path_can(namespace: str, name: str) -> None:
    assert Layout(Path(), namespace).blobs == Path("v3/kv") / name / "blobs"


def test_what_is_written_is_read_again_in_key_order(layout: Layout) -> None:
    write(
        layout,
        PutRequest("\U0001f600".encode(), b"\xff\x00", NOON_S + 60, '{"a":1}'),
        PutRequest("\ue000".encode(), b""),
        PutRequest(b"a\0b", b"x" * 100_000),
    )
    assert list(read_rows(layout)) == [
        StoredRow(b"a\0b", b"x" * 100_000, None, None),
        StoredRow("\ue000".encode(), b"", None, None),
        StoredRow("\U0001f600".encode(), b"\xff\x00", (NOON_S + 60) * 1000, b'{"a":1}'),
    ]
    assert find_namespaces(layout.folder) == ["abc"]


def test_a_blob_is_named_as_miniflare_does(layout: Layout) -> None:
    write(layout, PutRequest(b"a", b"1"), PutRequest(b"b", b"2"))
    names = [path.name for path in layout.blobs.iterdir()]
    assert len(set(names)) == 2
    assert all(len(name) == 80 and int(name[64:], 16) == NOON_MS for name in names)


def test_a_value_that_is_replaced_is_removed(layout: Layout) -> None:
    write(layout, PutRequest(b"a", b"1"), PutRequest(b"b", b"2"))
    write(layout, PutRequest(b"a", b"3"), PutRequest(b"c", b"4"), PutRequest(b"c", b"5"))
    assert contents(layout) == {b"a": b"3", b"b": b"2", b"c": b"5"}
    assert len(list(layout.blobs.iterdir())) == 3


def test_an_abandoned_write_leaves_no_trace_in_what_was_there(layout: Layout) -> None:
    write(layout, PutRequest(b"a", b"1"))
    before = {name: content for name, content in files_of(layout.folder).items() if "-shm" not in name}
    writer = WranglerWriter(layout, CLOCK)
    writer.write([PutRequest(b"a", b"2"), PutRequest(b"b", b"3")])
    writer.abandon()
    assert contents(layout) == {b"a": b"1"}
    assert {name: content for name, content in files_of(layout.folder).items() if "-shm" not in name} == before


def test_an_abandoned_write_of_a_new_namespace_leaves_nothing_at_all(layout: Layout, folder: Path) -> None:
    writer = WranglerWriter(layout, CLOCK)
    writer.write([PutRequest(b"a", b"2")])
    writer.abandon()
    assert list(folder.iterdir()) == []


def test_a_namespace_that_a_killed_seed_left_without_a_table_is_empty_and_can_be_written_to(layout: Layout) -> None:
    layout.database.parent.mkdir(parents=True)
    for statement in ("SELECT 1", "PRAGMA journal_mode = WAL"):
        with closing(sqlite3.connect(layout.database)) as database:
            database.execute(statement)
        assert contents(layout) == {}
        check_free(layout)
    write(layout, PutRequest(b"k", b"v", None, None))
    assert contents(layout) == {b"k": b"v"}


def test_nothing_is_seen_before_the_end(layout: Layout) -> None:
    write(layout, PutRequest(b"a", b"1"))
    writer = WranglerWriter(layout, CLOCK)
    writer.write([PutRequest(b"a", b"2")])
    assert contents(layout) == {b"a": b"1"}
    writer.finish()
    assert contents(layout) == {b"a": b"2"}


def test_reading_leaves_every_file_as_it_was(layout: Layout) -> None:
    write(layout, PutRequest(b"a", b"1"))
    before = files_of(layout.folder)
    assert contents(layout) == {b"a": b"1"}
    assert files_of(layout.folder) == before


def test_rows_in_the_log_alone_are_read(layout: Layout) -> None:
    write(layout, PutRequest(b"a", b"1"))
    with closing(sqlite3.connect(layout.database)) as held, held:
        held.execute("PRAGMA wal_autocheckpoint = 0")
        held.execute("UPDATE _mf_entries SET expiration = 5000")
        held.commit()
        log = layout.database.with_name(layout.database.name + "-wal")
        assert log.stat().st_size > 0
        assert [row.expiration_ms for row in read_rows(layout)] == [5000]


def test_what_a_transaction_has_written_that_may_yet_be_taken_back_is_not_read(layout: Layout) -> None:
    """Its pages are in the database already; what stood there is in the journal beside it."""
    write(layout, *(PutRequest(b"%03d" % number, b"v") for number in range(100)))
    with closing(sqlite3.connect(layout.database, isolation_level=None)) as held:
        held.execute("PRAGMA journal_mode = DELETE")
        held.execute("PRAGMA cache_size = 1")
        held.execute("BEGIN")
        held.execute("UPDATE _mf_entries SET expiration = 5000, metadata = ?", (f'"{"x" * 1_000}"',))
        assert {row.expiration_ms for row in read_rows(layout)} == {None}
        held.execute("ROLLBACK")


def test_a_value_that_was_replaced_meanwhile_is_read_anew(layout: Layout) -> None:
    write(layout, *(PutRequest(b"%03d" % number, b"old") for number in range(10)))
    rows = read_rows(layout)
    assert next(rows).value == b"old"
    write(layout, PutRequest(b"005", b"new"))
    assert sorted((row.key, row.value) for row in rows)[4] == (b"005", b"new")


def test_a_value_whose_file_is_gone_is_said(layout: Layout) -> None:
    write(layout, PutRequest(b"a", b"1"), PutRequest(b"b", b"2"))
    change(layout, "UPDATE _mf_entries SET blob_id = ? WHERE key = 'a'", "0" * 80)
    assert contents(layout) == {b"a": None, b"b": b"2"}


@pytest.mark.parametrize("what", ["database", "alarms"])
def test_what_somebody_holds_is_refused_and_left_alone(layout: Layout, what: str) -> None:
    write(layout, PutRequest(b"a", b"1"))
    path = getattr(layout, what)
    with closing(sqlite3.connect(path)) as held:
        held.execute("PRAGMA journal_mode = WAL")
        held.execute("CREATE TABLE IF NOT EXISTS anything (a)")
        for refused in (lambda: WranglerWriter(layout, CLOCK), lambda: check_free(layout)):
            with pytest.raises(StateError, match="is in use by a running wrangler dev or miniflare: stop it first"):
                refused()
        assert contents(layout) == {b"a": b"1"}
    write(layout, PutRequest(b"a", b"2"))


def test_a_database_of_another_shape_is_refused(layout: Layout) -> None:
    write(layout, PutRequest(b"a", b"1"))
    change(layout, "ALTER TABLE _mf_entries ADD COLUMN more TEXT")
    with pytest.raises(StateError, match=r"its columns are .*more"):
        WranglerWriter(layout, CLOCK)
    assert contents(layout) == {b"a": b"1"}


def test_a_folder_that_cannot_be_written_to_is_said(folder: Path) -> None:
    (folder / "state").write_text("a file")
    with pytest.raises(StateError, match=r"local state in .*state failed: Not a directory"):
        WranglerWriter(Layout(folder / "state", "abc"), CLOCK, Dice(1))


def test_a_file_that_is_no_database_is_said(layout: Layout) -> None:
    write(layout, PutRequest(b"a", b"1"))
    layout.database.write_bytes(b"not a database" * 100)
    with pytest.raises(StateError, match="file is not a database"):
        contents(layout)


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(4))
def test_of_those_who_make_a_namespace_at_once_one_has_it_and_keeps_it(folder: Path, round_: int) -> None:
    layout, together = Layout(folder / "state", f"ns{round_}"), threading.Barrier(6)

    def make() -> bool:
        together.wait()
        try:
            writer = WranglerWriter(layout, CLOCK)
        except StateError:
            return False
        writer.write([PutRequest(b"a", b"1")])
        writer.finish()
        return True

    with ThreadPoolExecutor(6) as threads:
        made = [made.result() for made in [threads.submit(make) for _ in range(6)]]
    assert any(made)
    assert contents(layout) == {b"a": b"1"}
