"""A long write has its turn for a moment, however long it is: what it writes is made before."""

import asyncio

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.options import PutRequest
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.kv.waiting import STEP_ENTRIES


@pytest.mark.anyio
async def test_a_short_write_waits_for_one_step_of_a_long_one_and_not_for_each(clock: MovableClock) -> None:
    service, waited = KVService(MemoryStore(), clock=clock), list[int]()
    requests = [PutRequest(b"k-%06d" % number, b"new") for number in range(40 * STEP_ENTRIES)]
    writing = asyncio.ensure_future(service.load("SJC", requests, in_steps=True))
    while not writing.done():
        short = asyncio.ensure_future(service.put("SJC", PutRequest(b"other-%d" % len(waited), b"theirs")))
        steps = 0
        while not short.done():
            steps += 1
            await asyncio.sleep(0)
        waited.append(steps)
    assert len(waited) > 10
    assert max(waited) < 10
