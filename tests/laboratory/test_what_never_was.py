"""A write that the store refuses never was; a mark of staleness is of what the page shows; threads take turns."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import StateError
from queue_emulator.core.faults import Rule, Verdict
from queue_emulator.core.options import ListRequest, PutRequest
from queue_emulator.core.profiles import CLOUDFLARE, LOCAL
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore, Written, tell_nobody
from queue_emulator.testing import Emulator

pytestmark = pytest.mark.anyio

LAGGING = replace(CLOUDFLARE, lag_ms=(5_000, 5_000))


class FullStore(MemoryStore):
    """Has no room for the value "refused"."""

    async def write(self, entries: Sequence[Entry], written: Written = tell_nobody) -> None:
        if any(entry.value == b"refused" for entry in entries):
            raise StateError("the disk is full")
        await super().write(entries, written)


async def test_a_refused_write_is_seen_by_nobody_while_writes_lag(clock: MovableClock) -> None:
    service = KVService(FullStore(), clock=clock, profile=LAGGING)
    await service.put("SJC", PutRequest(b"k", b"before"))
    clock.advance(2_000)
    for key in (b"k", b"new"):
        with pytest.raises(StateError):
            await service.put("SJC", PutRequest(key, b"refused"))
    assert (await service.get("SJC", b"new")).entry is None
    clock.advance(60_000)
    for location in ("SJC", "NRT"):
        found = (await service.get(location, b"k")).entry
        assert found is not None
        assert found.value == b"before"


async def test_a_list_is_marked_stale_without_caches_too(clock: MovableClock) -> None:
    service = KVService(MemoryStore(), clock=clock, profile=LOCAL)
    service.faults.add(Rule(Verdict("drop_replication", delay_ms=5_000, location="NRT"), operation="put"))
    await service.put("SJC", PutRequest(b"k", b"v"))
    assert (await service.list("NRT", ListRequest())).rows == ()
    (event,) = service.journal.after(1)
    assert (event.stale, event.newer_version) == (True, 1)


async def test_a_page_is_not_stale_for_a_key_beyond_it(clock: MovableClock) -> None:
    service = KVService(MemoryStore(), clock=clock, profile=LAGGING)
    await service.load("SJC", [PutRequest(b"a", b"v"), PutRequest(b"b", b"v")])
    clock.advance(61_000)
    await service.put("SJC", PutRequest(b"b", b"w"))
    await service.list("NRT", ListRequest(limit=1))
    assert list(service.journal.after(0))[-1].stale is False
    await service.list("NRT", ListRequest(limit=2))
    assert list(service.journal.after(0))[-1].stale is True


def test_threads_of_a_test_take_turns(emulator: Emulator) -> None:
    def work(number: int) -> int:
        emulator.enqueue({"id": f"t{number:03d}"})
        return int(emulator.get("/api/queue").status)

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(work, range(200))) == {200}
    assert emulator.get("/api/queue").json()["count"] == 200
