"""The one way through: a request of many keys is decided once, nothing of before a reset is done after it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import KVError, QuotaError, ResetError
from queue_emulator.core.faults import VERDICTS, Rule, Verdict
from queue_emulator.core.kinds import KINDS
from queue_emulator.core.options import ListRequest, PutRequest
from queue_emulator.core.plans import FREE
from queue_emulator.core.profiles import CLOUDFLARE
from queue_emulator.core.wire_names import API_LOCATION as API
from queue_emulator.kv.namespaces import Namespaces
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.kv.turn import HeldTurns
from queue_emulator.kv.waiting import advance_instead, sleep_on
from tests.kv.opening import opened

pytestmark = pytest.mark.anyio

BOTH = pytest.mark.parametrize("location", ["SJC", API])


@pytest.fixture
def service(clock: MovableClock) -> KVService:
    return KVService(MemoryStore(), clock=clock, sleep=advance_instead(clock))


def delay(seconds: int, **rule: Any) -> Rule:
    return Rule(Verdict("delay", delay_ms=seconds * 1_000), **rule)


def values(found: Sequence[Any]) -> list[bytes | None]:
    return [each.entry.value if each.entry else None for each in found]


@BOTH
async def test_a_delayed_bulk_read_answers_as_of_the_time_it_is_done(
    service: KVService, clock: MovableClock, location: str
) -> None:
    ends_s = clock.now_ms() // 1000 + 60
    await service.write(API, [PutRequest(b"a", b"1", ends_s), PutRequest(b"b", b"2")])
    await service.get_bulk(location, [b"a", b"b"])
    service.faults.add(delay(61, key_prefix="b"))
    assert values(await service.get_bulk(location, [b"a", b"b"])) == [None, b"2"]


@BOTH
async def test_a_bulk_read_waits_once_for_the_longest_of_its_delays(
    service: KVService, clock: MovableClock, location: str
) -> None:
    start_ms = clock.now_ms()
    service.faults.add(delay(3, key_prefix="a"))
    service.faults.add(delay(5))
    await service.get_bulk(location, [b"a", b"b", b"c"])
    assert clock.now_ms() - start_ms == 5_000
    assert {(each.asked_ms - start_ms, each.begun_ms - start_ms) for each in service.journal.after(0)} == {(0, 5_000)}


@BOTH
async def test_a_refused_request_of_many_keys_is_noted_whole(service: KVService, location: str) -> None:
    service.faults.add(Rule(Verdict("fail_before", 503), key_prefix="c"))
    with pytest.raises(KVError, match="503"):
        await service.get_bulk(location, [b"a", b"b", b"c"])
    events = list(service.journal.after(0))
    assert [(each.key, each.failed, each.fault_rule) for each in events] == [
        (b"a", "KV GET_BULK failed: 503 Service Unavailable", None),
        (b"b", "KV GET_BULK failed: 503 Service Unavailable", None),
        (b"c", "KV GET_BULK failed: 503 Service Unavailable", 1),
    ]
    assert len({each.id for each in events}) == 1


async def test_a_bulk_read_past_the_quota_counts_none_of_its_keys(clock: MovableClock) -> None:
    plan = replace(FREE, per_day={"reads": 3})
    service = KVService(MemoryStore(), clock=clock, profile=replace(CLOUDFLARE, plan=plan))
    with pytest.raises(QuotaError):
        await service.get_bulk("SJC", [b"a", b"b", b"c", b"d"])
    assert len(await service.get_bulk("SJC", [b"a", b"b", b"c"])) == 3


async def test_a_failure_after_a_bulk_write_is_the_whole_request_s(service: KVService) -> None:
    service.faults.add(Rule(Verdict("fail_after", 500), key_prefix="a"))
    with pytest.raises(KVError, match="500"):
        await service.write(API, [PutRequest(b"a", b"1"), PutRequest(b"b", b"2")])
    assert [(each.version, each.failed is not None, each.fault_rule) for each in service.journal.after(0)] == [
        (1, True, 1),
        (2, True, None),
    ]


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("kind", KINDS)
async def test_every_verdict_does_what_its_row_says(
    service: KVService, clock: MovableClock, verdict: str, kind: str
) -> None:
    effect, start_ms = VERDICTS[verdict], clock.now_ms()
    service.faults.add(Rule(Verdict(verdict, 503, delay_ms=9_000, location="NRT"), operation=kind))
    operations: dict[str, Callable[[], Awaitable[object]]] = {
        "get": lambda: service.get("SJC", b"k"),
        "get_bulk": lambda: service.get_bulk("SJC", [b"k"]),
        "put": lambda: service.put("SJC", PutRequest(b"k", b"v")),
        "delete": lambda: service.delete("SJC", b"k"),
        "list": lambda: service.list("SJC", ListRequest()),
    }
    failed = False
    try:
        await operations[kind]()
    except KVError:
        failed = True
    (event,) = service.journal.after(0)
    assert failed == (event.failed is not None) == (effect.fails_before or effect.fails_after)
    assert clock.now_ms() - start_ms == (9_000 if effect.waits else 0)
    if kind == "put" and not effect.fails_before:
        seen = values([await service.get(at, b"k") for at in ("SJC", "NRT")])
        assert seen == [b"v", None if effect.keeps_away else b"v"]


async def test_a_delayed_write_of_before_a_reset_is_not_done_after_it(clock: MovableClock) -> None:
    service = KVService(MemoryStore(), clock=clock, sleep=sleep_on(clock))
    service.faults.add(delay(60))
    writing = asyncio.create_task(attempt(service.put("SJC", PutRequest(b"k", b"old world"))))
    await as_far_as_it_goes()
    await service.reset()
    clock.advance(60_000)
    assert isinstance(await writing, ResetError)
    assert await service.count() == 0
    assert list(service.journal.after(0)) == []


@pytest.mark.parametrize("verdict", VERDICTS)
async def test_what_waits_while_all_is_reset_meets_no_rule_and_no_limit_of_what_comes_after(
    service: KVService, verdict: str
) -> None:
    service.pipeline.turn = turns = HeldTurns()
    writing = turns.actor(service.put("SJC", PutRequest(b"k", b"old world")))
    await service.reset()
    service.faults.add(Rule(Verdict(verdict, 503, delay_ms=9_000, location="NRT"), nth=1))
    with pytest.raises(ResetError):
        writing.finish()
    assert [matched for _, matched, _ in service.faults.rules()] == [0]
    service.faults.clear()
    await service.put("SJC", PutRequest(b"k", b"new world"))


async def test_no_operation_of_a_run_that_began_before_a_reset_is_done_after_it(service: KVService) -> None:
    run = Invocation(epoch=service.pipeline.epoch)
    await service.put("SJC", PutRequest(b"k", b"v"), caller=run)
    await service.reset()
    with pytest.raises(ResetError, match="the emulator was reset meanwhile"):
        await service.put("SJC", PutRequest(b"other", b"v"), caller=run)
    assert await service.count() == 0
    await service.put("SJC", PutRequest(b"k", b"new world"), caller=Invocation(epoch=service.pipeline.epoch))
    assert await service.count() == 1


@pytest.mark.parametrize("steps", range(1, 12))
@pytest.mark.parametrize("many", [1, 3])
async def test_a_write_at_the_moment_of_a_reset_is_wholly_before_it_or_not_done(
    tmp_path: Path, clock: MovableClock, steps: int, many: int
) -> None:
    async with opened(tmp_path / "state.sqlite") as store:
        service = KVService(store, clock=clock)
        await service.write(API, [PutRequest(b"before", b"v")])
        requests = [PutRequest(b"%d" % number, b"v") for number in range(many)]
        writing = asyncio.create_task(attempt(service.write(API, requests)))
        for _ in range(steps):
            await checkpoint()
        await service.reset()
        await writing
        assert await service.count() == 0
        assert (await service.list("SJC", ListRequest())).rows == ()


class SlowStore(MemoryStore):
    """Answers a read with what it held when the read came, when it is let through."""

    def __init__(self) -> None:
        super().__init__()
        self.through = asyncio.Event()

    async def read(self, keys: Sequence[bytes]) -> list[Entry | None]:
        entries = await super().read(keys)
        await self.through.wait()
        return entries


async def test_a_read_of_before_a_reset_leaves_no_copy_after_it(clock: MovableClock) -> None:
    store = SlowStore()
    await store.write([Entry(b"k", b"old world", 1, 0)])
    service = KVService(store, clock=clock)
    reading = asyncio.create_task(attempt(service.get("SJC", b"k")))
    await as_far_as_it_goes()
    await service.reset()
    store.through.set()
    assert isinstance(await reading, ResetError)
    assert values([await service.get(at, b"k") for at in ("SJC", API)]) == [None, None]


async def test_a_write_that_waits_while_its_namespace_is_deleted_is_not_done(clock: MovableClock) -> None:
    service = KVService(MemoryStore(), clock=clock)
    namespaces = Namespaces.around(service, name="CACHE", worker="w", dice=Dice(1))
    made = await namespaces.create("made")
    other = namespaces.service(made.id)
    assert other is not None
    service.pipeline.turn = turns = HeldTurns()
    writing = turns.actor(other.put("SJC", PutRequest(b"k", b"v")))
    await namespaces.delete(made.id)
    with pytest.raises(ResetError, match="503 Service Unavailable: the namespace was deleted meanwhile"):
        writing.finish()


async def test_a_spent_quota_is_still_spent_after_a_day_there_and_back(clock: MovableClock) -> None:
    plan = replace(FREE, per_day={"lists": 1})
    service = KVService(MemoryStore(), clock=clock, profile=replace(CLOUDFLARE, plan=plan))
    today_ms = clock.now_ms()
    await service.list("SJC", ListRequest())
    for day in (1, -1):
        clock.set(today_ms + day * 86_400_000)
        await service.list("SJC", ListRequest())
    clock.set(today_ms)
    with pytest.raises(QuotaError):
        await service.list("SJC", ListRequest())


async def test_the_journal_streams_what_was_and_what_comes(service: KVService) -> None:
    await service.get("SJC", b"before")
    following = service.journal.follow(0)
    assert (await anext(following)).key == b"before"
    coming = asyncio.ensure_future(anext(following))
    await as_far_as_it_goes()
    assert not coming.done()
    await service.get_bulk("SJC", [b"a", b"b"])
    assert [(await coming).key, (await anext(following)).key] == [b"a", b"b"]
    await following.aclose()  # type: ignore[attr-defined]  # an asynchronous generator
    await service.get("SJC", b"after")


async def attempt(work: Any) -> Exception | None:
    """The error that ended it, None if none did."""
    try:
        await work
    except (KVError, asyncio.CancelledError) as error:
        assert isinstance(error, Exception)
        return error
    return None


async def as_far_as_it_goes() -> None:
    """Let every task run until it has to wait."""
    for _ in range(50):
        await checkpoint()


def test_an_operation_s_kind_is_found_by_its_name() -> None:
    assert {name: (kind.wire, kind.billed) for name, kind in KINDS.items()} == {
        "get": ("GET", "reads"),
        "get_bulk": ("GET_BULK", "reads"),
        "put": ("PUT", "writes"),
        "delete": ("DELETE", "deletes"),
        "list": ("GET", "lists"),
    }
