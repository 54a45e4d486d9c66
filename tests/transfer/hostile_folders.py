"""Ways in which a folder of wrangler's local state may be made to harm who reads or writes it."""

import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from struct import pack

from queue_emulator.kv.wrangler_layout import ALARMS, Layout

Attack = Callable[[Layout, Path], None]
"""Changes a namespace that has the keys "a" and "b"; `outside` is a file that must stay as it is."""


def on_row(column: str, value: str) -> Attack:
    """Puts an SQL value into the row of "a"; OUTSIDE in it is the other file's path."""

    def attack(layout: Layout, outside: Path) -> None:
        statements(
            layout, f"UPDATE _mf_entries SET {column} = {value.replace('OUTSIDE', str(outside))} WHERE key = 'a'"
        )

    return attack


def with_schema(*sql: str) -> Attack:
    """Makes the table of rows anew by these statements; {rows} are those that it had."""

    def attack(layout: Layout, outside: Path) -> None:
        rows = "SELECT key, blob_id, expiration, metadata FROM old"
        renamed = ["ALTER TABLE _mf_entries RENAME TO old", "DROP INDEX IF EXISTS _mf_entries_expiration_idx"]
        statements(layout, *renamed, *(each.format(rows=rows, outside=outside) for each in sql))

    return attack


def statements(layout: Layout, *sql: str) -> None:
    with closing(sqlite3.connect(layout.database)) as database, database:
        for each in sql:
            database.execute(each)


def instead_of(find: Callable[[Layout], Path], put: Callable[[Path, Path], None]) -> Attack:
    """Takes a file or folder away and puts something else there."""

    def attack(layout: Layout, outside: Path) -> None:
        path = find(layout)
        aside = outside.parent / f"taken-{path.name}"
        if path.exists():
            path.rename(aside)
        put(path, aside if aside.exists() else outside)

    return attack


def blob(layout: Layout) -> Path:
    """Of the value of "a"."""
    with closing(sqlite3.connect(layout.database)) as database:
        ((name,),) = database.execute("SELECT blob_id FROM _mf_entries WHERE key = 'a'")
    return layout.blobs / str(name)


def beside(suffix: str) -> Callable[[Layout], Path]:
    return lambda layout: layout.database.with_name(layout.database.name + suffix)


def symlink(path: Path, to: Path) -> None:
    path.symlink_to(to)


def hard_link(path: Path, to: Path) -> None:
    path.hardlink_to(to)


def fifo(path: Path, to: Path) -> None:
    os.mkfifo(path)


def folder(path: Path, to: Path) -> None:
    path.mkdir()


def huge(path: Path, to: Path) -> None:
    """A file with a hole of eight gigabytes."""
    path.write_bytes(to.read_bytes())
    os.truncate(path, 8 << 30)


def journal_of(path: Path, victim: Path) -> None:
    """A rollback journal that names a super-journal: SQLite removes that, after it has rolled back."""
    magic, name = bytes.fromhex("d9d505f920a163d7"), os.fsencode(victim)
    header = (magic + pack(">IIIII", 0, 1, 1, 512, 4096)).ljust(512, b"\0")
    end = pack(">I", 0x40000000 // 4096 + 1) + name + pack(">II", len(name), sum(name)) + magic
    path.write_bytes(header + end)


def hot_journal(layout: Layout, outside: Path) -> None:
    journal_of(beside("-journal")(layout), outside)


_COLUMNS = "blob_id TEXT NOT NULL, expiration INTEGER, metadata TEXT"
_PLAIN = f"CREATE TABLE _mf_entries (key TEXT PRIMARY KEY, {_COLUMNS})"
_FILLED = "INSERT INTO _mf_entries {rows}"

FOLDERS: Mapping[str, Callable[[Layout], Path]] = {
    "v3": lambda layout: layout.folder / "v3",
    "kv": lambda layout: layout.folder / "v3" / "kv",
    "objects": lambda layout: layout.database.parent,
    "values": lambda layout: layout.blobs.parent,
    "blobs": lambda layout: layout.blobs,
}
FILES: Mapping[str, Callable[[Layout], Path]] = {
    "database": beside(""),
    "log": beside("-wal"),
    "index of the log": beside("-shm"),
    "journal": beside("-journal"),
    "alarms": lambda layout: layout.database.with_name(ALARMS),
    "value": blob,
}
PUT = (symlink, hard_link, fifo, folder, huge)

BLOB_IDS = (
    "'../../../../outside/precious'",
    "'OUTSIDE'",
    "'..'",
    "'.'",
    "''",
    "replace(hex(zeroblob(40)), '0', '/')",
    "'a/../../../' || substr(hex(zeroblob(40)), 12)",
    "lower(hex(zeroblob(40))) || char(10)",
    "lower(hex(zeroblob(40))) || '/x'",
    "substr(lower(hex(zeroblob(40))), 2) || char(0)",
    "upper(hex(zeroblob(39))) || 'FF'",
    "zeroblob(80)",
    "CAST(lower(hex(zeroblob(40))) AS BLOB)",
    "hex(zeroblob(4000000))",
    "1e308",
)
SCHEMAS: Mapping[str, tuple[str, ...]] = {
    "a view": ("CREATE VIEW _mf_entries AS {rows}",),
    "an endless view": (
        "CREATE VIEW _mf_entries (key, blob_id, expiration, metadata) AS WITH RECURSIVE n(x) AS "
        "(SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x, x, x, x FROM n",
    ),
    "a trigger": (
        _PLAIN,
        _FILLED,
        "CREATE TRIGGER t AFTER INSERT ON _mf_entries BEGIN DELETE FROM old; END",
    ),
    "a trigger that is called a table": (
        _PLAIN,
        _FILLED,
        "CREATE TRIGGER t AFTER INSERT ON _mf_entries BEGIN DELETE FROM old; END",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET type = 'table', tbl_name = 't' WHERE name = 't'",
    ),
    "a virtual table": ("CREATE VIRTUAL TABLE _mf_entries USING fts5(key, blob_id, expiration, metadata)",),
    "a computed column": (
        "CREATE TABLE _mf_entries (key TEXT PRIMARY KEY, blob_id TEXT AS ('{outside}'), expiration, metadata)",
        "INSERT INTO _mf_entries (key) SELECT key FROM old",
    ),
    "a computed index": (_PLAIN, _FILLED, "CREATE INDEX i ON _mf_entries (hex(zeroblob(1000)) || key)"),
    "keys in another order": (
        f"CREATE TABLE _mf_entries (key TEXT PRIMARY KEY COLLATE NOCASE, {_COLUMNS})",
        _FILLED,
        "INSERT INTO _mf_entries SELECT 'B' || key, blob_id, expiration, metadata FROM old",
    ),
    "keys that are no key": (f"CREATE TABLE _mf_entries (key TEXT, {_COLUMNS})", _FILLED),
    "no table": (),
    "columns of other names": ("CREATE TABLE _mf_entries (key TEXT PRIMARY KEY, a, b, c)",),
}

ATTACKS: Mapping[str, Attack] = {
    **{f"the blob {value}": on_row("blob_id", value) for value in BLOB_IDS},
    **{f"{name} as a link": instead_of(find, symlink) for name, find in FOLDERS.items()},
    **{f"{name} as a pipe": instead_of(find, fifo) for name, find in FOLDERS.items()},
    **{
        f"{name} with {put.__name__}": instead_of(find, put)
        for name, find in FILES.items()
        for put in PUT
        if not (put is huge and name in ("journal", "alarms", "index of the log"))  # no more than a file that is there
    },
    **{f"{name}": with_schema(*sql) for name, sql in SCHEMAS.items()},
    "a journal that names another file": hot_journal,
    "a key that is null": on_row("key", "NULL"),
    "a key that is bytes": on_row("key", "x'ff'"),
    "a time that is text": on_row("expiration", "'soon'"),
    "a time that is broken": on_row("expiration", "1.5"),
    "metadata without end": on_row("metadata", "hex(zeroblob(4000000))"),
}
