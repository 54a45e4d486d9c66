"""A delay waits on the emulator's clock: a test's clock is moved by it, a server's ends it by coming so far."""

import asyncio
from collections.abc import AsyncIterator, Awaitable

import httpx
import pytest
from anyio.lowlevel import checkpoint

from queue_emulator.core.clock import MovableClock, SystemClock
from queue_emulator.core.faults import rule_from_json
from queue_emulator.core.options import PutRequest
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.kv.waiting import sleep_on
from queue_emulator.testing import KEYS, KV, NOON_MS, Emulator, EmulatorClock, Faults
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from tests.laboratory.looking import CONTROL, last_event

pytestmark = pytest.mark.anyio


@pytest.fixture
def served() -> Deployment:
    """A deployment as the server runs it, on a clock that stands still."""
    clock = MovableClock.frozen_at(NOON_MS)
    service = KVService(MemoryStore(), clock=clock, sleep=sleep_on(clock))
    return Deployment(service=service, clock=clock, keys=KEYS, log=lambda line: None)


@pytest.fixture
async def http(served: Deployment) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(served, log_requests=False))
    headers = {"X-API-Key": KEYS.queue_api_key or ""}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as http:
        yield http


async def test_in_a_test_a_delay_moves_the_clock_and_takes_no_time(
    kv: KV, faults: Faults, emulator_clock: EmulatorClock, emulator: Emulator
) -> None:
    faults.add("delay", for_s=90, operation="get")
    kv.put("k", "v", expiration_ttl=60)
    assert kv.get("k") is None
    assert emulator_clock.now == "2026-01-01T12:01:30.000Z"
    event = last_event(emulator)
    assert (event.asked_ms, event.begun_ms, event.done_ms) == (NOON_MS, NOON_MS + 90_000, NOON_MS + 90_000)


async def test_a_delayed_write_is_written_when_it_is_let_through(
    kv: KV, faults: Faults, emulator: Emulator, emulator_clock: EmulatorClock
) -> None:
    faults.add("delay", for_s=5, operation="put")
    emulator.enqueue({"id": "t1"})
    (put,) = emulator.journal()
    assert (put.asked_ms, put.begun_ms) == (NOON_MS, NOON_MS + 5_000)
    emulator_clock.set("2026-01-01T12:00:05.999Z")
    assert emulator.post("/api/queue/t1/status", {"status": "claimed"}).status == 200  # it was delayed past the second


async def test_a_server_s_request_waits_until_the_clock_is_moved_past_its_delay(http: httpx.AsyncClient) -> None:
    await http.post(f"{CONTROL}/faults", json={"verdict": "delay", "for_s": 3600, "operation": "list"})
    async with asyncio.TaskGroup() as tasks:
        listing = tasks.create_task(http.get("/api/queue"))
        await as_far_as_it_goes()
        assert not listing.done()
        await http.post(f"{CONTROL}/clock", json={"advance_s": 3599})
        await as_far_as_it_goes()
        assert not listing.done()
        await http.post(f"{CONTROL}/clock", json={"advance_s": 1})
    assert listing.result().json() == {"pending": [], "count": 0}


async def test_meanwhile_other_requests_go_through(http: httpx.AsyncClient) -> None:
    await http.post(f"{CONTROL}/faults", json={"verdict": "delay", "for_s": 60, "operation": "list", "times": 1})
    async with asyncio.TaskGroup() as tasks:
        slow = tasks.create_task(http.get("/api/queue"))
        await as_far_as_it_goes()
        assert (await http.get("/api/queue")).status_code == 200
        assert not slow.done()
        await http.post(f"{CONTROL}/clock", json={"advance_s": 60})
    assert slow.result().status_code == 200


async def test_a_delay_ends_by_itself_where_the_clock_runs() -> None:
    clock = MovableClock(SystemClock())
    start_ms = clock.now_ms()
    await sleep_on(clock)(5)
    assert clock.now_ms() - start_ms >= 5


async def test_a_delay_goes_on_when_a_clock_that_stood_runs_on() -> None:
    clock = MovableClock.frozen_at(NOON_MS)
    waiting = asyncio.create_task(done(sleep_on(clock)(5)))
    await as_far_as_it_goes()
    assert not waiting.done()
    clock.resume()
    await waiting


async def test_sleepers_that_one_move_wakes_go_on_in_the_order_in_which_they_were_due() -> None:
    clock = MovableClock.frozen_at(NOON_MS)
    sleep = sleep_on(clock)
    woken: list[int] = []

    async def sleeper(by_ms: int) -> None:
        await sleep(by_ms)
        woken.append(by_ms)

    async with asyncio.TaskGroup() as tasks:
        for number in range(50):
            tasks.create_task(sleeper(number * 37 % 50 + 1))
        await as_far_as_it_goes()
        clock.advance(25)
        await as_far_as_it_goes()
        assert woken == list(range(1, 26))
        clock.advance(60_000)
    assert woken == list(range(1, 51))


async def test_a_request_that_is_given_up_while_it_waits_leaves_nothing_behind() -> None:
    clock = MovableClock.frozen_at(NOON_MS)
    service = KVService(MemoryStore(), clock=clock, sleep=sleep_on(clock))
    service.faults.add(rule_from_json({"verdict": "delay", "for_s": 10}))
    write = asyncio.create_task(done(service.put("SJC", PutRequest(b"k", b"v"))))
    await as_far_as_it_goes()
    write.cancel()
    await checkpoint()
    clock.advance(60_000)
    await as_far_as_it_goes()
    assert write.cancelled()
    assert await service.count() == 0


async def as_far_as_it_goes() -> None:
    """Let every task run until it has to wait."""
    for _ in range(100):
        await checkpoint()


async def done(work: Awaitable[object]) -> None:
    await work


async def test_a_clock_that_goes_back_leaves_a_delay_no_longer_than_it_was(http: httpx.AsyncClient) -> None:
    await http.post(f"{CONTROL}/faults", json={"verdict": "delay", "for_s": 60, "operation": "list"})
    async with asyncio.TaskGroup() as tasks:
        listing = tasks.create_task(http.get("/api/queue"))
        await as_far_as_it_goes()
        await http.post(f"{CONTROL}/clock", json={"set": "1970-01-01T00:00:00Z"})
        await as_far_as_it_goes()
        assert not listing.done()
        await http.post(f"{CONTROL}/clock", json={"advance_s": 60})
    assert listing.result().status_code == 200
