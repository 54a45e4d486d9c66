"""A state file with bytes that nobody wrote: it is told in one line, and nothing of it is served."""

import asyncio
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.entries import Entry, Row
from queue_emulator.core.errors import StateError
from queue_emulator.core.options import PutRequest
from queue_emulator.core.profiles import CLOUDFLARE
from queue_emulator.kv.large_values import PART_BYTES
from queue_emulator.kv.schema import CHECKED_WHOLE_BYTES_MAX
from queue_emulator.kv.service import KVService
from tests.kv.damage import CHANGES, GENERATED
from tests.kv.opening import opened

pytestmark = pytest.mark.slow

LARGE = Entry(b"large", bytes(range(256)) * (PART_BYTES // 200), 400, 5)
ENTRIES = [
    Entry(
        b"task:%03d" % number,
        None if number % 17 == 0 else bytes(range(number % 256)) * (number % 7),
        1 + number,
        1_700_000_000_000 + number,
        4_000_000_000 if number % 3 == 0 else None,
        f'{{"n":{number}}}' if number % 5 == 0 else None,
    )
    for number in range(200)
] + [LARGE]
KEYS = sorted(entry.key for entry in ENTRIES)
TRUTH = {entry.key: entry for entry in ENTRIES}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "state.sqlite"

    async def write() -> None:
        async with opened(path) as store:
            await store.write(ENTRIES)

    asyncio.run(write())
    return path


async def looked_at(path: Path) -> str:
    """What comes of reading all that a file holds: it is all right, or one line says what is not."""
    try:
        async with opened(path) as store:
            rows = await store.walk(b"", None, 1000)
            found = await store.read(KEYS)
    except StateError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 600 + 2 * len(str(path))
        return "told"
    assert found == [TRUTH[key] for key in KEYS]
    assert rows == [Row.of(TRUTH[key]) for key in KEYS]
    return "as it was"


@pytest.mark.no_cover
def test_whatever_bytes_change_nothing_else_is_served(whole: Path, tmp_path: Path, tried: Counter[str]) -> None:
    content = whole.read_bytes()
    pages = len(content) // 4096
    changed = tmp_path / "state.sqlite"

    # Half of them in the first pages, where the entries are; a page of a large value is one of many.
    @GENERATED
    @given(
        page=st.integers(0, 40) | st.integers(0, pages - 1), at=st.integers(0, 4095), kind=st.sampled_from([*CHANGES])
    )
    def attack(page: int, at: int, kind: str) -> None:
        begin, end = page * 4096 + at, (page + 1) * 4096
        changed.write_bytes(content[:begin] + CHANGES[kind](content[begin:end])[: end - begin] + content[end:])
        tried[f"{kind}: {asyncio.run(looked_at(changed))}"] += 1

    attack()
    assert sum(count for outcome, count in tried.items() if outcome.endswith("told")) > 12


def test_after_a_refusal_nobody_has_the_file(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    shutil.copy(whole, path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE entry SET version = 1 << 62 | 1 WHERE version = 400")
    for _ in range(2):
        with pytest.raises(StateError, match="its last version is"):
            asyncio.run(looked_at_raising(path))
    with closing(sqlite3.connect(path, timeout=0)) as database:
        assert database.execute("SELECT count(*) FROM entry").fetchone() == (len(ENTRIES),)


async def looked_at_raising(path: Path) -> None:
    async with opened(path) as store:
        await store.read(KEYS)


LAST = f"number = {len(LARGE.value or b'') // PART_BYTES}"
STATEMENTS = {
    "the last part is missing": f"DELETE FROM part WHERE {LAST}",
    "no part is there": "DELETE FROM part",
    "a part is of another value": "UPDATE part SET content = zeroblob(length(content)) WHERE number = 0",
    "a part is shorter": f"UPDATE part SET content = x'00' WHERE {LAST}",
    "a part is another": f"UPDATE part SET number = 1 - number WHERE {LAST}",
    "an entry refers to other parts": "UPDATE entry SET value = 99 WHERE key = CAST('large' AS BLOB)",
    "a value is another": "UPDATE entry SET value = x'00' WHERE key = CAST('task:003' AS BLOB)",
    "a value is a text": "UPDATE entry SET value = 'text' WHERE key = CAST('task:003' AS BLOB)",
    "a value is a tombstone": "UPDATE entry SET value = NULL, deleted = 1 WHERE key = CAST('task:003' AS BLOB)",
    "a tombstone is a value": "UPDATE entry SET value = x'', deleted = 0 WHERE key = CAST('task:000' AS BLOB)",
    "it expires never": "UPDATE entry SET expiration_s = NULL WHERE key = CAST('task:003' AS BLOB)",
    "its metadata is another": "UPDATE entry SET metadata = '{}' WHERE key = CAST('task:005' AS BLOB)",
    "its metadata is no text": "UPDATE entry SET metadata = CAST(x'ff0a' AS TEXT) WHERE key = CAST('task:005' AS BLOB)",
    "it is another key's": "UPDATE entry SET key = x'00' WHERE key = CAST('task:003' AS BLOB)",
}  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_value_that_is_not_as_it_was_written_is_not_served(name: str, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    shutil.copy(whole, path)
    with closing(sqlite3.connect(path)) as database, database:
        if name == "a part is another":
            database.execute("DELETE FROM part WHERE number = 0")
        database.execute(STATEMENTS[name])
    if name == "it is another key's":
        async with opened(path) as store:
            with pytest.raises(StateError, match="is not what was written"):
                await store.read([b"\x00"])
    else:
        assert await looked_at(path) == "told"


@pytest.mark.anyio
async def test_what_is_damaged_can_be_written_again_and_the_rest_is_served(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    shutil.copy(whole, path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(STATEMENTS["a value is another"])
    async with opened(path) as store:
        with pytest.raises(StateError, match=r"what it holds under key 'task:003' is not what was written"):
            await store.read([b"task:003"])
        assert await store.read([b"task:004"]) == [TRUTH[b"task:004"]]
        await store.write([Entry(b"task:003", b"again", 900, 5)])
        assert await store.read([b"task:003"]) == [Entry(b"task:003", b"again", 900, 5)]


@pytest.mark.anyio
@pytest.mark.parametrize("in_steps", [False, True])
async def test_what_is_damaged_can_be_written_where_others_see_writes_late(
    in_steps: bool, whole: Path, tmp_path: Path, clock: MovableClock
) -> None:
    """What stood before is shown to them meanwhile; here nobody knows it."""
    path = tmp_path / "state.sqlite"
    shutil.copy(whole, path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(STATEMENTS["a value is another"])
    async with opened(path) as store:
        service = KVService(store, clock=clock, profile=replace(CLOUDFLARE, lag_ms=(1_000, 1_000)))
        others = [PutRequest(b"task:%03d" % number, b"again") for number in (range(4, 700) if in_steps else (4,))]
        await service.load("SJC", [PutRequest(b"task:003", b"again"), *others], in_steps=in_steps)
        found = await service.get_bulk("NRT", [b"task:003", b"task:004"])
        assert [each.entry and each.entry.value for each in found] == [None, TRUTH[b"task:004"].value]
        clock.advance(100_000)
        found = await service.get_bulk("NRT", [b"task:003", b"task:004"])
        assert [each.entry and each.entry.value for each in found] == [b"again", b"again"]


@pytest.mark.anyio
async def test_metadata_that_is_no_text_is_told_of_its_key_and_the_others_are_listed(
    whole: Path, tmp_path: Path
) -> None:
    path = tmp_path / "state.sqlite"
    shutil.copy(whole, path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(STATEMENTS["its metadata is no text"])
    async with opened(path) as store:
        assert [row.key for row in await store.walk(b"", None, 1000)] == KEYS
        with pytest.raises(StateError, match=r"what it holds under key 'task:005' is not what was written"):
            await store.read([b"task:005"])


@pytest.mark.anyio
@pytest.mark.parametrize(
    "name", [name for name, statement in STATEMENTS.items() if "part" in statement or "99" in statement]
)
async def test_a_damaged_large_value_refuses_its_key_alone_until_it_is_written_again(
    name: str, whole: Path, tmp_path: Path
) -> None:
    path = tmp_path / "state.sqlite"
    shutil.copy(whole, path)
    with closing(sqlite3.connect(path)) as database, database:
        if name == "a part is another":
            database.execute("DELETE FROM part WHERE number = 0")
        database.execute(STATEMENTS[name])
    for _ in range(2):
        async with opened(path) as store:
            with pytest.raises(StateError, match=r"what it holds under key 'large' is not what was written"):
                await store.read([b"large"])
            assert await store.read([b"task:004"]) == [TRUTH[b"task:004"]]
    again = Entry(b"large", b"again" * PART_BYTES, 900, 5)
    async with opened(path) as store:
        await store.write([again])
        assert await store.read([b"large"]) == [again]
    async with opened(path) as store:
        assert await store.read([b"large"]) == [again]
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(DISTINCT value) FROM part").fetchone() == (1,), "what was left is gone"


@pytest.mark.anyio
async def test_parts_that_are_another_keys_by_damage_are_not_served_there_and_not_lost(
    whole: Path, tmp_path: Path
) -> None:
    path = tmp_path / "state.sqlite"
    shutil.copy(whole, path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE part SET key = CAST('task:004' AS BLOB) WHERE number = 0")
    async with opened(path) as store:
        assert await store.read([b"task:004"]) == [TRUTH[b"task:004"]]
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE part SET key = CAST('large' AS BLOB)")
    async with opened(path) as store:
        assert await store.read([b"large"]) == [LARGE]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "name", ["it expired long ago", "a value is a tombstone", "its index says that it has expired"]
)
async def test_a_purge_drops_nothing_that_damage_alone_has_made_gone(name: str, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    shutil.copy(whole, path)
    key = "WHERE key = CAST('task:003' AS BLOB)"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(STATEMENTS.get(name, f"UPDATE entry SET expiration_s = 1 {key}"))
    if name == "its index says that it has expired":
        with_an_old_index(path, f"UPDATE entry SET expiration_s = 4000000000 {key}")
    async with opened(path) as store:
        gone = sum(1 for entry in ENTRIES if entry.value is None)
        assert await store.purge(1_800_000_000_000) == gone
        if name == "its index says that it has expired":
            assert await store.read([b"task:003"]) == [TRUTH[b"task:003"]]
        else:
            with pytest.raises(StateError, match="is not what was written"):
                await store.read([b"task:003"])


@pytest.mark.anyio
@pytest.mark.parametrize(("column", "key"), [("key", "b"), ("value", "b"), ("written_ms", "b"), ("expiration_s", "c")])
async def test_a_text_that_is_no_utf8_keeps_nothing_else_from_being_purged(
    column: str, key: str, tmp_path: Path
) -> None:
    path = tmp_path / "state.sqlite"
    expired = [Entry(key, b"v", version, 5, 100) for version, key in enumerate((b"a", b"b"), 1)]
    async with opened(path) as store:
        await store.write([*expired, Entry(b"c", None, 3, 5)])
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"UPDATE entry SET {column} = CAST(x'ff' AS TEXT) WHERE key = CAST(? AS BLOB)", (key,))
    async with opened(path) as store:
        assert await store.purge(1_000_000) == 2


def with_an_old_index(path: Path, statement: str, index: str = "entry_expiring") -> None:
    """A change of which one index is not told, in a file that is too large to be checked as a whole."""
    with closing(sqlite3.connect(path)) as database, database:
        row = database.execute("SELECT * FROM sqlite_master WHERE name = ?", (index,)).fetchone()
        database.execute("PRAGMA writable_schema = ON")
        database.execute("DELETE FROM sqlite_master WHERE name = ?", (index,))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)
        database.execute("INSERT INTO part VALUES (99, 0, 1, x'', zeroblob(?), 0)", (CHECKED_WHOLE_BYTES_MAX,))
        database.execute("DELETE FROM part WHERE value = 99")
        database.execute("PRAGMA writable_schema = ON")
        database.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", row)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entry WHERE key = CAST('task:003' AS BLOB)",
        "UPDATE entry SET expiration_s = NULL WHERE key = CAST('task:003' AS BLOB)",
        "INSERT INTO entry VALUES (999, 1, x'00', 5, NULL, NULL, 1, NULL, 0)",
    ],
)
async def test_an_index_of_a_large_file_that_is_unlike_its_entries_is_told_soon(
    statement: str, whole: Path, tmp_path: Path
) -> None:
    path = tmp_path / "state.sqlite"
    shutil.copy(whole, path)
    with_an_old_index(path, statement, "entry_listing")
    async with opened(path) as store:
        with pytest.raises(StateError, match=r"its indexes have not what its entries have.* sqlite3 FILE REINDEX"):
            for _ in range(100):
                await store.walk(b"", None, 10)
        with pytest.raises(StateError, match="keys would be lacking"):
            await store.read([b"task:004"])
    with closing(sqlite3.connect(path)) as database:
        database.execute("REINDEX")
    async with opened(path) as store:
        for _ in range(100):
            await store.walk(b"", None, 10)
        assert await store.read([b"task:004"]) == [TRUTH[b"task:004"]]


@pytest.mark.anyio
async def test_a_large_file_that_is_written_to_while_it_is_compared_is_as_its_indexes(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    keys = [b"task:%05d" % number for number in range(2_000)]
    async with opened(path) as store:
        await store.write([Entry(key, b"v", version, 5) for version, key in enumerate(keys, 1)])
    with_an_old_index(path, "SELECT 1")
    async with opened(path) as store:
        for version, key in enumerate(keys[::20] + keys[::-20], 3_000):
            await store.write([Entry(key, None if version % 2 else b"again", version, 6)])
        assert len(await store.walk(b"", None, 5_000)) == len(keys)
