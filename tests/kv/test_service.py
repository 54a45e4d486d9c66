"""The service behind the binding: bulk loads, counts, resets, and writes that meet reads under way."""

import asyncio
from collections.abc import Sequence

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.entries import Entry, Row
from queue_emulator.core.errors import KVError
from queue_emulator.core.options import ListRequest, PutRequest
from queue_emulator.core.profiles import CLOUDFLARE, LOCAL, Profile
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore, Store

pytestmark = pytest.mark.anyio


class HeldStore(MemoryStore):
    """Answers reads and walks with what it held when they came, and only once they are let through."""

    def __init__(self) -> None:
        super().__init__()
        self.through = asyncio.Event()
        self.through.set()
        self.came = asyncio.Semaphore(0)

    async def read(self, keys: Sequence[bytes]) -> list[Entry | None]:
        entries = await super().read(keys)
        await self._wait()
        return entries

    async def walk(self, first: bytes, before: bytes | None, limit: int) -> list[Row]:
        rows = await super().walk(first, before, limit)
        await self._wait()
        return rows

    async def _wait(self) -> None:
        self.came.release()
        await self.through.wait()


def put(key: bytes = b"k", value: bytes = b"v", expiration_s: int | None = None) -> PutRequest:
    return PutRequest(key, value, expiration_s)


async def value(service: KVService, key: bytes = b"k", location: str = "SJC") -> bytes | None:
    entry = (await service.get(location, key)).entry
    return entry.value if entry else None


async def names(service: KVService, location: str = "SJC", **asked: int) -> list[bytes]:
    return [row.key for row in (await service.list(location, ListRequest(**asked))).rows]  # type: ignore[arg-type]


async def test_a_load_is_not_limited_to_one_write_a_second(service: KVService) -> None:
    await service.load("SJC", [put(value=b"one"), put(value=b"two")])
    await service.load("SJC", [put(value=b"three")])
    assert await value(service) == b"three"
    await service.load("SJC", [])
    assert await service.count() == 1


async def test_a_load_is_seen_at_once_where_it_was_made(service: KVService) -> None:
    assert (await value(service), await names(service)) == (None, [])
    await service.load("SJC", [put()])
    assert (await value(service), await names(service)) == (b"v", [b"k"])


async def test_the_count_is_of_what_lives_at_the_centre(service: KVService, clock: MovableClock) -> None:
    assert await service.count() == 0
    await service.load(
        "SJC", [put(b"%d" % n) for n in range(5)] + [put(b"e", expiration_s=clock.now_ms() // 1000 + 60)]
    )
    await service.delete("NRT", b"0")
    assert await service.count() == 5
    clock.advance(60_000)
    assert await service.count() == 4


@pytest.mark.slow
async def test_more_keys_than_one_walk_are_counted(service: KVService) -> None:
    await service.load("SJC", [put(b"%05d" % n, b"") for n in range(10_001)])
    assert await service.count() == 10_001


async def test_a_reset_forgets_everything_everywhere(service: KVService) -> None:
    await service.put("SJC", put())
    assert (await value(service, location="NRT"), await names(service, "NRT")) == (b"v", [b"k"])
    await service.reset()
    assert await service.count() == 0
    assert (await value(service), await value(service, location="NRT"), await names(service, "NRT")) == (None, None, [])
    await service.put("SJC", put(value=b"after"))
    assert await value(service) == b"after"


@pytest.mark.parametrize("profile", [CLOUDFLARE, LOCAL], ids=lambda profile: profile.name)
async def test_each_write_has_the_next_version_deletes_included(
    store: Store, clock: MovableClock, profile: Profile
) -> None:
    service = KVService(store, clock=clock, profile=profile)
    first = await service.put("SJC", put())
    await service.delete("SJC", b"k")
    await service.load("SJC", [put(b"a"), put(b"b")])
    last = await service.put("NRT", put(b"c"))
    assert (first.version, last.version, await store.last_version()) == (1, 5, 5)


async def test_versions_go_on_after_a_restart(store: Store, clock: MovableClock) -> None:
    await KVService(store, clock=clock).load("SJC", [put(b"a"), put(b"b")])
    again = KVService(store, clock=clock)
    written = await asyncio.gather(again.put("SJC", put(b"c")), again.put("SJC", put(b"d")))
    assert sorted(entry.version for entry in written) == [3, 4]


async def test_a_read_that_a_write_overtook_leaves_no_older_copy(clock: MovableClock) -> None:
    store = HeldStore()
    await store.write([Entry(b"k", b"old", 1, 0)])
    service = KVService(store, clock=clock)
    store.through.clear()
    slow = asyncio.create_task(value(service))
    listing = asyncio.create_task(names(service))
    await store.came.acquire()
    await store.came.acquire()
    await service.put("SJC", put(value=b"new"))
    await service.put("SJC", put(b"other"))
    store.through.set()
    assert (await slow, await listing) == (b"old", [b"k"])
    assert (await value(service), await names(service)) == (b"new", [b"k", b"other"])


@pytest.mark.parametrize("profile", [CLOUDFLARE, LOCAL], ids=lambda profile: profile.name)
async def test_what_was_read_once_is_not_read_from_the_store_again_until_it_is_written(
    clock: MovableClock, profile: Profile
) -> None:
    store = HeldStore()
    await store.write([Entry(b"k", b"v", 1, 0)])
    service = KVService(store, clock=clock, profile=profile)
    for location in ("SJC", "NRT", "SJC"):
        assert (await service.get(location, b"k")).entry is not None
        assert (await service.get(location, b"absent")).entry is None
        assert len((await service.list(location, ListRequest())).rows) == 1
    assert store.came._value == 3
    await service.put("SJC", put(b"other"))
    assert len((await service.list("SJC", ListRequest())).rows) == 2
    assert store.came._value == 4


async def test_a_page_that_is_remembered_ends_with_the_first_key_on_it_that_goes(
    clock: MovableClock,
) -> None:
    service = KVService(MemoryStore(), clock=clock, profile=LOCAL)
    expiring_s = clock.now_ms() // 1000 + 60
    await service.load("SJC", [put(b"a"), put(b"b", expiration_s=expiring_s)])
    first = ListRequest(limit=1)
    assert (await service.list("SJC", first)).cursor is not None
    clock.advance(60_000)
    assert (await service.list("SJC", first)).cursor is None


async def test_the_dead_keys_that_a_list_met_are_purged_and_nothing_else(clock: MovableClock) -> None:
    store = MemoryStore()
    service = KVService(store, clock=clock)
    expiring_s = clock.now_ms() // 1000 + 60
    await service.load("SJC", [put(b"%05d" % n, expiration_s=expiring_s) for n in range(1_500)] + [put(b"z")])
    clock.advance(60_000)
    assert await names(service) == []
    assert await store.read([b"00000"]) != [None]
    clock.advance(3_600_001)
    await service.load("SJC", [put(b"y")])
    await service.delete("SJC", b"y")
    assert await names(service) == [b"z"]
    assert [row.key for row in await store.walk(b"", None, 10)] == [b"y", b"z"]


async def test_a_miss_is_remembered_after_the_key_was_purged(clock: MovableClock) -> None:
    store = MemoryStore()
    service = KVService(store, clock=clock)
    await service.put("SJC", put())
    await service.delete("SJC", b"k")
    clock.advance(3_600_001)
    await store.purge(clock.now_ms())
    assert [(await service.get("SJC", b"k")).cache_status for _ in range(2)] == ["MISS", "HIT"]


async def test_what_the_rate_limit_remembers_is_dropped_after_its_second(
    service: KVService, clock: MovableClock
) -> None:
    for number in range(10):
        await service.put("SJC", put(b"%d" % number))
        clock.advance(500)
    assert len(service.limits.write_rate) == 2
    await service.put("SJC", put(b"0"))
    with pytest.raises(KVError, match="429"):
        await service.put("SJC", put(b"9"))


async def test_a_service_closes_its_store(clock: MovableClock) -> None:
    closed: list[bool] = []

    class Closing(MemoryStore):
        async def close(self) -> None:
            closed.append(True)

    await KVService(Closing(), clock=clock).close()
    assert closed == [True]
