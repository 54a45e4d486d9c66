"""A long write is made in steps: others go on meanwhile, nobody sees half of it, and it is all or nothing for ever."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import KVError, ResetError, StateError
from queue_emulator.core.faults import Rule, Verdict
from queue_emulator.core.limits import JOURNAL_EVENTS_MAX
from queue_emulator.core.options import ListRequest, PutRequest
from queue_emulator.core.profiles import CLOUDFLARE
from queue_emulator.core.wire_names import API_LOCATION as API
from queue_emulator.kv.service import KVService
from queue_emulator.kv.sqlite import SqliteStore
from queue_emulator.kv.store import Store
from queue_emulator.kv.waiting import STEP_ENTRIES
from tests.kv.opening import opened

pytestmark = pytest.mark.anyio

COUNT = 3 * STEP_ENTRIES + 7
FIRST, MIDDLE, LAST = b"k-000000", b"k-000700", b"k-%06d" % (COUNT - 1)
WATCHED = (FIRST, MIDDLE, LAST)


def many(value: bytes = b"new") -> list[PutRequest]:
    return [PutRequest(b"k-%06d" % number, value) for number in range(COUNT)]


@pytest.fixture
def service(store: Store, clock: MovableClock) -> KVService:
    return KVService(store, clock=clock)


async def seen(service: KVService, location: str = API, keys: Sequence[bytes] = WATCHED) -> list[bytes | None]:
    found = await service.get_bulk(location, keys)
    return [each.entry.value if each.entry else None for each in found]


async def listed(service: KVService) -> int:
    return len((await service.list(API, ListRequest(b"k-"))).rows)


async def while_it_runs(writing: "asyncio.Task[object]", look: Callable[[], object]) -> int:
    """Calls `look` again and again until the write is done; how often."""
    looks = 0
    while not writing.done():
        result = look()
        if asyncio.iscoroutine(result):
            await result
        looks += 1
        await asyncio.sleep(0)
    return looks


@pytest.mark.parametrize("before", [None, b"old"])
async def test_nobody_sees_half_of_it(service: KVService, before: bytes | None) -> None:
    if before is not None:
        await service.write(API, [PutRequest(key, before) for key in WATCHED])
    sights: list[list[bytes | None]] = []
    pages: list[int] = []

    async def look() -> None:
        sights.append(await seen(service))
        pages.append(await listed(service))

    writing = asyncio.ensure_future(service.load("SJC", many(), in_steps=True))
    assert await while_it_runs(writing, look) > 3
    await writing
    await look()
    old: list[bytes | None] = [before] * 3
    new: list[bytes | None] = [b"new"] * 3
    assert sights == [old] * sights.count(old) + [new] * sights.count(new)
    assert sights.count(old) > 1
    count = 0 if before is None else 3
    assert pages == [count] * pages.count(count) + [1_000] * pages.count(1_000)


@pytest.mark.parametrize("location", ["SJC", API])
async def test_the_last_of_two_entries_with_one_key_stays(service: KVService, location: str) -> None:
    await service.load(location, [*many(b"1"), *many(b"2")], in_steps=True)
    assert await seen(service, location) == [b"2"] * 3
    events = list(service.journal.after(0))[: 2 * COUNT]
    assert [event.version for event in events] == list(range(1, 2 * COUNT + 1))
    assert {event.operation for event in events} == {"put"}


async def test_a_write_of_somebody_else_meanwhile_is_done_before_or_after(service: KVService) -> None:
    """It is acknowledged before the long write is; whichever of the two has the higher version stands in the end."""
    versions: dict[bytes, int] = {}

    async def put() -> None:
        key = WATCHED[len(versions) % 3] if len(versions) < 3 else b"other-%d" % len(versions)
        versions[key] = (await service.put("SJC", PutRequest(key, b"theirs"))).version

    writing = asyncio.ensure_future(service.write(API, many(), in_steps=True))
    await while_it_runs(writing, put)
    first = (await writing)[0].version
    expected = [b"theirs" if versions.get(key, 0) > first else b"new" for key in WATCHED]
    assert len(versions) > 3
    assert await seen(service) == expected
    assert await seen(service, keys=[key for key in versions if key not in WATCHED]) == [b"theirs"] * (
        len(versions) - 3
    )


@pytest.mark.parametrize("steps", [1, 3, 6, 12, 25, 50, 100])
async def test_a_reset_meanwhile_leaves_nothing_of_it(service: KVService, steps: int) -> None:
    writing = asyncio.ensure_future(service.load("SJC", many(), in_steps=True))
    for _ in range(steps):
        await asyncio.sleep(0)
    began = writing.done()
    await service.reset()
    (ended,) = await asyncio.gather(writing, return_exceptions=True)
    assert began or ended is None or isinstance(ended, ResetError)
    assert await seen(service) == [None] * 3
    assert await seen(service, "SJC") == [None] * 3
    assert {event.operation for event in service.journal.after(0)} == {"get_bulk"}
    await service.load("SJC", many(b"after"), in_steps=True)
    assert await seen(service) == [b"after"] * 3


@pytest.mark.parametrize("steps", [1, 3, 6, 12, 25, 50, 100])
async def test_cancelled_it_is_done_or_not(service: KVService, steps: int) -> None:
    writing = asyncio.ensure_future(service.write(API, many(), in_steps=True))
    for _ in range(steps):
        await asyncio.sleep(0)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    assert len(set(await seen(service))) == 1
    await service.write(API, many(b"again"), in_steps=True)
    assert await seen(service) == [b"again"] * 3


async def test_many_keys_are_deleted_in_steps(service: KVService) -> None:
    await service.write(API, many(), in_steps=True)
    await service.delete(API, *[request.key for request in many()], in_steps=True)
    assert await seen(service) == [None] * 3
    assert await listed(service) == 0


async def test_few_large_values_are_written_in_steps_too(service: KVService) -> None:
    large = [PutRequest(key, b"x" * 700_000) for key in WATCHED]
    await service.write(API, large, in_steps=True)
    assert await seen(service) == [request.value for request in large]


async def test_two_long_writes_at_once_are_both_made(service: KVService) -> None:
    other = [PutRequest(b"o" + request.key, b"other") for request in many()]
    await asyncio.gather(service.load("SJC", many(), in_steps=True), service.write(API, other, in_steps=True))
    assert await seen(service) == [b"new"] * 3
    assert await seen(service, keys=[b"o" + key for key in WATCHED]) == [b"other"] * 3


async def test_copies_of_other_locations_become_stale_and_those_read_since_are_not(service: KVService) -> None:
    await service.list("NRT", ListRequest(b"k-"))
    await service.get("NRT", MIDDLE)
    await service.load("SJC", many(), in_steps=True)
    assert (await service.get("SJC", MIDDLE)).entry is not None
    stale = await service.get("NRT", MIDDLE)
    page = await service.list("NRT", ListRequest(b"k-"))
    assert (stale.entry, stale.newer_version) == (None, 701)
    assert (len(page.rows), page.newer_version) == (0, COUNT)


async def test_a_copy_that_is_made_meanwhile_is_not_called_stale(service: KVService) -> None:
    """Each read at a location of its own, so that every one of them asks the centre."""
    fresh: list[tuple[bytes | None, int | None]] = []

    async def look() -> None:
        location = f"L{len(fresh)}"
        for _ in range(2):
            found = await service.get(location, LAST)
        await service.list(location, ListRequest(LAST))
        fresh.append((location.encode(), found.newer_version))

    writing = asyncio.ensure_future(service.load("SJC", many(), in_steps=True))
    await while_it_runs(writing, look)
    await writing
    for number in range(len(fresh)):
        again = await service.get(f"L{number}", LAST)
        page = await service.list(f"L{number}", ListRequest(LAST))
        assert (again.entry is None) == (again.newer_version is not None)
        assert (len(page.rows) == 0) == (page.newer_version is not None)


async def test_with_a_lag_other_locations_see_it_later_and_the_own_one_at_once(
    store: Store, clock: MovableClock
) -> None:
    service = KVService(store, clock=clock, profile=replace(CLOUDFLARE, lag_ms=(1_000, 1_000)))
    await service.load("SJC", many(), in_steps=True)
    assert await seen(service, "SJC") == [b"new"] * 3
    assert await seen(service, "NRT") == [None] * 3


@pytest.mark.parametrize(("verdict", "value"), [("fail_before", None), ("fail_after", b"new")])
async def test_a_fault_decides_over_all_of_it(service: KVService, verdict: str, value: bytes | None) -> None:
    service.faults.add(Rule(Verdict(verdict, 503), operation="put"))
    with pytest.raises(KVError, match="503"):
        await service.write(API, many(), in_steps=True)
    assert {event.failed is not None for event in service.journal.after(0)} == {True}
    assert await seen(service) == [value] * 3


async def test_the_journal_notes_each_key_in_its_order(service: KVService) -> None:
    await service.load("SJC", many(), in_steps=True)
    events = list(service.journal.after(0))
    assert [event.key for event in events] == [request.key for request in many()]
    assert [event.version for event in events] == [event.position for event in events] == [*range(1, COUNT + 1)]
    assert COUNT < JOURNAL_EVENTS_MAX


async def test_the_journal_notes_the_rule_of_each_key(service: KVService) -> None:
    service.faults.add(Rule(Verdict("fail_after", 503), key_prefix="k-0007"))
    with pytest.raises(KVError, match="503"):
        await service.write(API, many(), in_steps=True)
    events = list(service.journal.after(0))
    assert [event.version for event in events] == [*range(1, COUNT + 1)]
    assert [event.key for event in events if event.fault_rule == 1] == [b"k-%06d" % each for each in range(700, 800)]


async def in_the_file(path: Path) -> set[bytes | None]:
    async with opened(path) as store:
        return {entry.value if entry else None for entry in await store.read(WATCHED)}


@pytest.fixture
async def killed(tmp_path: Path) -> AsyncIterator[Callable[[], Path]]:
    """Copies a state file as it is: what another process finds if this one is killed now."""
    copies = 0

    def kill() -> Path:
        nonlocal copies
        copies += 1
        folder = tmp_path / str(copies)
        folder.mkdir()
        for file in tmp_path.glob("state.sqlite*"):
            (folder / file.name).write_bytes(file.read_bytes())
        return folder / "state.sqlite"

    yield kill


@pytest.mark.no_cover
async def test_a_process_that_dies_at_any_moment_leaves_all_of_it_or_nothing(
    tmp_path: Path, clock: MovableClock, killed: Callable[[], Path]
) -> None:
    async with opened(tmp_path / "state.sqlite") as store:
        service = KVService(store, clock=clock)
        await service.load("SJC", [PutRequest(key, b"old") for key in WATCHED])
        files: list[Path] = []
        shown: list[set[bytes | None]] = []

        async def look() -> None:
            files.append(killed())
            shown.append(set(await seen(service)))

        writing = asyncio.ensure_future(service.write(API, many(), in_steps=True))
        await while_it_runs(writing, look)
        await writing
        files.append(killed())
    left = [await in_the_file(file) for file in files[::5] + files[-1:]]
    assert left == [{b"old"}] * left.count({b"old"}) + [{b"new"}] * left.count({b"new"})
    assert (left[0], left[-1]) == ({b"old"}, {b"new"})
    for found, served in zip(left, shown[::5], strict=False):
        assert served == found or found == {b"new"}  # on the disk first


async def test_a_newer_write_is_not_taken_back_by_moving_what_was_put_aside(
    tmp_path: Path, clock: MovableClock, killed: Callable[[], Path]
) -> None:
    """A put between the moment of the long write and the end of the move: now, and after a kill."""
    async with opened(tmp_path / "state.sqlite") as store:
        staged = await store.stage([[Entry(b"a", b"1", 1, 0), Entry(b"b", b"2", 2, 0)], [Entry(b"c", b"3", 3, 0)]])
        assert await store.read([b"a", b"b", b"c"]) == [None] * 3
        await staged.write([Entry(b"a", b"1", 11, 0), Entry(b"b", b"2", 12, 0), Entry(b"c", b"3", 13, 0)])
        await store.write([Entry(b"b", b"newer", 14, 0)])
        await store.write([Entry(b"c", None, 15, 0)])
        expected = [Entry(b"a", b"1", 11, 0), Entry(b"b", b"newer", 14, 0), Entry(b"c", None, 15, 0)]
        assert await store.purge(10**6) == 0
        assert await store.read([b"a", b"b", b"c"]) == expected
        assert [row.version for row in await store.walk(b"", None, 10)] == [11, 14, 15]
        assert [row.key for row in await store.walk(b"", None, 2)] == [b"a", b"b"]
        assert [row.key for row in await store.walk(b"a\0", b"c", 9)] == [b"b"]
        dead = killed()
        await staged.end()
        assert await store.read([b"a", b"b", b"c"]) == expected
        assert await store.purge(10**6) == 1
    for path in (dead, tmp_path / "state.sqlite"):
        async with opened(path) as store:
            assert (await store.read([b"a", b"b"]), await store.last_version()) == (expected[:2], 14 + (path == dead))


@pytest.mark.parametrize("written", [True, False])
async def test_the_cache_of_the_file_is_small_for_a_long_write_alone(tmp_path: Path, written: bool) -> None:
    async with opened(tmp_path / "state.sqlite") as store:

        async def cache_size() -> int:
            ((size,),) = await store._file.ask("PRAGMA cache_size", ())
            return abs(int(size))

        before = await cache_size()
        staged = await store.stage([[Entry(b"a", b"1", 1, 0)], [Entry(b"b", b"2", 2, 0)]])
        assert await cache_size() < before
        if written:
            await staged.write([Entry(b"a", b"1", 11, 0), Entry(b"b", b"2", 12, 0)])
        await staged.end()
        assert await cache_size() == before


async def test_what_is_dropped_meanwhile_does_not_come_back(tmp_path: Path) -> None:
    catalogue_path = tmp_path / "state.sqlite"
    async with opened(catalogue_path) as store:
        for drop in ("clear", "reset", "remove"):
            staged = await store.stage([[Entry(b"a", b"1", 1, 0)], [Entry(b"b", b"2", 2, 0)]])
            await staged.write([Entry(b"a", b"1", 11, 0), Entry(b"b", b"2", 12, 0)])
            catalogue = store.catalogue()
            (namespace,) = await catalogue.namespaces()
            if drop == "clear":
                await store.clear()
            elif drop == "reset":
                await catalogue.reset([namespace])
            else:
                await catalogue.remove(namespace.id)
            assert await store.read([b"a"]) == [None]
            await staged.end()
            assert await store.read([b"a"]) == [None]


@pytest.mark.parametrize("name", ["clear", "reset"])
async def test_what_is_dropped_while_a_long_write_begins_and_ends_is_gone(tmp_path: Path, name: str) -> None:
    """At every moment of it: the tables of what is put aside come and go meanwhile."""
    async with opened(tmp_path / "state.sqlite") as store:
        catalogue = store.catalogue()
        (namespace,) = await catalogue.namespaces()
        drop: Callable[[], Awaitable[None]] = store.clear if name == "clear" else partial(catalogue.reset, [namespace])
        writing, dropping = asyncio.ensure_future(_write_long(store)), set[asyncio.Future[None]]()
        while not writing.done():
            dropping |= {asyncio.ensure_future(drop()) for _ in range(3 - len(dropping))}
            done, dropping = await asyncio.wait(dropping, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
        await asyncio.gather(writing, *dropping)
        assert await store.read([b"old", b"a"]) == [None, None]


async def _write_long(store: SqliteStore) -> None:
    await store.write([Entry(b"old", b"1", 1, 0)])
    staged = await store.stage([[Entry(b"a", b"1", 1, 0)], [Entry(b"b", b"2", 2, 0)]])
    await staged.write([Entry(b"a", b"1", 11, 0), Entry(b"b", b"2", 12, 0)])
    await staged.end()


async def test_a_namespace_that_cannot_be_removed_is_not_empty(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    async with opened(path) as store:
        await store.write([Entry(b"a", b"1", 1, 0)])
        path.rename(path.with_name("elsewhere"))
        catalogue = store.catalogue()
        (namespace,) = await catalogue.namespaces()
        with pytest.raises(StateError, match="was removed while in use"):
            await catalogue.remove(namespace.id)
        assert await catalogue.store(namespace.id).read([b"a"]) == [Entry(b"a", b"1", 1, 0)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE staged AS SELECT version AS number, * FROM entry; INSERT INTO staged_base VALUES (1 << 62)",
        "CREATE TABLE staged (number, key); INSERT INTO staged_base VALUES (1)",
        "CREATE VIEW staged AS SELECT version AS number, * FROM entry; INSERT INTO staged_base VALUES (1)",
        "INSERT INTO staged_base VALUES (1)",
    ],
    ids=["a-version-too-high", "other-columns", "a-view", "no-rows"],
)
async def test_a_file_that_says_nonsense_of_a_long_write_is_refused(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "state.sqlite"
    async with opened(path) as store:
        await store.write([Entry(b"a", b"1", 1, 0)])
    connection = sqlite3.connect(path)
    connection.executescript(f"CREATE TABLE staged_base (version); {statement}")
    connection.close()
    with pytest.raises(StateError, match="cannot use state file"):
        await SqliteStore.open(path)
