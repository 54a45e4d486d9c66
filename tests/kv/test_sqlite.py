"""The state file: what was written is kept, all or nothing, through restarts, failures and writes at the same time."""

import asyncio
from pathlib import Path

import pytest

from queue_emulator.core.entries import Entry
from queue_emulator.kv.sqlite import SqliteStore
from tests.kv.opening import opened

pytestmark = pytest.mark.anyio


def entry(key: bytes, version: int, value: bytes | None = b"v", expiration_s: int | None = None) -> Entry:
    return Entry(key, value, version, written_ms=0, expiration_s=expiration_s)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


async def written(path: Path, *entries: Entry) -> None:
    async with opened(path) as store:
        await store.write(entries)


async def values(store: SqliteStore, *keys: bytes) -> list[bytes | None]:
    return [each.value if each else None for each in await store.read(keys)]


async def held(path: Path, *keys: bytes) -> list[bytes | None]:
    async with opened(path) as store:
        found = await values(store, *keys)
    return found


async def test_a_restart_keeps_everything(path: Path) -> None:
    await written(path, entry(b"a", 1, b"\x00\xff"), entry(b"b", 2, None), entry(b"c", 3, b"", 99))
    async with opened(path) as store:
        assert await store.read([b"a", b"b", b"c"]) == [
            entry(b"a", 1, b"\x00\xff"),
            entry(b"b", 2, None),
            entry(b"c", 3, b"", 99),
        ]
        assert await store.last_version() == 3


async def test_namespaces_in_one_file_do_not_see_each_other(path: Path) -> None:
    await written(path, entry(b"a", 1))
    async with opened(path, namespace="OTHER") as other:
        assert await other.read([b"a"]) == [None]
        await other.write([entry(b"a", 2, b"theirs"), entry(b"dead", 3, None)])
        assert await other.last_version() == 3
        assert await other.purge(10) == 1
        await other.clear()
    assert await held(path, b"a") == [b"v"]


async def test_a_write_of_several_is_all_or_nothing(path: Path) -> None:
    async with opened(path) as store:
        await store.write([entry(b"a", 1)])
        with pytest.raises(OverflowError):
            await store.write([entry(b"a", 2, b"new"), entry(b"b", 3), entry(b"c", 4, expiration_s=2**63)])
        assert await values(store, b"a", b"b", b"c") == [b"v", None, None]
        await store.write([entry(b"d", 5), entry(b"e", 6)])
    assert await held(path, b"a", b"d", b"e") == [b"v", b"v", b"v"]


async def test_writes_at_the_same_time_all_come_through(path: Path) -> None:
    async with opened(path) as store:
        await asyncio.gather(
            *(store.write([entry(b"a%d" % n, 3 * n + 1), entry(b"b%d" % n, 3 * n + 2)]) for n in range(10)),
            *(store.write([entry(b"c%d" % n, 3 * n + 3)]) for n in range(10)),
            store.purge(10),
        )
        assert len(await store.walk(b"", None, 100)) == 30


async def test_a_failed_write_takes_no_other_write_with_it(path: Path) -> None:
    async with opened(path) as store:
        failing = store.write([entry(b"a", 1), entry(b"b", 2, expiration_s=2**63)])
        results = await asyncio.gather(failing, store.write([entry(b"c", 3)]), return_exceptions=True)
        assert isinstance(results[0], OverflowError)
    assert await held(path, b"a", b"b", b"c") == [None, None, b"v"]


@pytest.mark.parametrize("steps", range(8))
async def test_a_write_that_is_cancelled_loses_no_write_after_it(path: Path, steps: int) -> None:
    async with opened(path) as store:
        writing = asyncio.create_task(store.write([entry(b"a", 1), entry(b"b", 2)]))
        for _ in range(steps):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await store.write([entry(b"c", 3)])
        await store.write([entry(b"d", 4), entry(b"e", 5)])
    first, second, *others = await held(path, b"a", b"b", b"c", b"d", b"e")
    assert first == second
    assert others == [b"v"] * 3


async def test_what_is_long_and_what_is_short_come_through_alike(path: Path) -> None:
    long = b"v" * 1_000_000
    async with opened(path) as store:
        await asyncio.gather(
            *(store.write([entry(b"%04d" % n, n + 1, long if n % 2 else b"v")]) for n in range(10)),
            store.write([entry(b"%04d" % n, n + 1) for n in range(10, 3_000)]),
        )
        assert await values(store, b"0000", b"0001", b"0009", b"2999") == [b"v", long, long, b"v"]
        halves = [*await store.walk(b"", b"1500", 2_000), *await store.walk(b"1500", None, 2_000)]
        assert await store.walk(b"", None, 10_000) == halves
        assert [row.version for row in halves] == list(range(1, 3_001))


@pytest.mark.parametrize("operation", ["read", "walk", "write"])
async def test_other_tasks_go_on_while_the_store_is_asked(path: Path, operation: str) -> None:
    """As they would between a request's operations on a real KV: no request is alone in the world."""
    order: list[str] = []

    async def ask(store: SqliteStore, name: str) -> None:
        for number in range(3):
            if operation == "read":
                await store.read([b"a"])
            elif operation == "walk":
                await store.walk(b"", None, 10)
            else:
                await store.write([entry(b"a", number + 1)])
            order.append(name)

    async with opened(path) as store:
        await asyncio.gather(ask(store, "one"), ask(store, "other"))
    assert order == ["one", "other"] * 3


async def test_an_awaited_write_is_in_the_file_before_it_is_closed(path: Path, tmp_path: Path) -> None:
    """A copy of the files is what another process finds if this one is killed."""
    async with opened(path) as store:
        await store.write([entry(b"a", 1)])
        await store.write([entry(b"b", 2), entry(b"c", 3)])
        copied(path, tmp_path / "crashed")
    assert await held(tmp_path / "crashed" / path.name, b"a", b"b", b"c") == [b"v"] * 3


def copied(path: Path, folder: Path) -> None:
    folder.mkdir()
    for file in path.parent.glob(path.name + "*"):
        (folder / file.name).write_bytes(file.read_bytes())
