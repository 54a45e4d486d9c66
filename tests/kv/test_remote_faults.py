"""Faults injected behind the REST API of a second emulator: retried, told as definite or not, never lost silently."""

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import KVError
from queue_emulator.core.faults import Rule, Verdict
from queue_emulator.core.options import PutRequest
from queue_emulator.core.profiles import CLOUDFLARE, compose
from queue_emulator.core.wire_names import API_LOCATION
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService
from tests.kv.over_rest import over_rest

pytestmark = pytest.mark.anyio

BEFORE, AFTER = "fail_before", "fail_after"


async def value(far: KVService) -> bytes | None:
    """What stands under the key at the far centre."""
    entry = (await far.get(API_LOCATION, b"k")).entry
    return entry.value if entry else None


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("kind", [BEFORE, AFTER])
async def test_a_failure_that_passes_is_overcome(
    service: KVService, clock: MovableClock, kind: str, status: int
) -> None:
    service.faults.add(Rule(Verdict(kind, status), operation="put", location=API_LOCATION, times=2))
    async with over_rest(service, clock) as remote:
        await Binding(remote, "SJC").put("k", "v")
    assert await value(service) == b"v"
    assert len([event for event in service.journal.after(0) if event.operation == "put"]) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "status", "definite", "written"),
    [(BEFORE, 429, True, False), (BEFORE, 503, False, False), (AFTER, 500, False, True), (AFTER, 504, False, True)],
)
@pytest.mark.parametrize("operation", ["put", "delete"])
async def test_a_failure_that_lasts_is_definite_only_if_nothing_can_have_happened(
    service: KVService, clock: MovableClock, kind: str, status: int, definite: bool, written: bool, operation: str
) -> None:
    await service.write(API_LOCATION, [PutRequest(b"k", b"before")])
    service.faults.add(Rule(Verdict(kind, status), operation=operation, location=API_LOCATION))
    async with over_rest(service, clock) as remote:
        cache = Binding(remote, "SJC")
        with pytest.raises(KVError, match=f"KV {operation.upper()} failed: {status}") as raised:
            await (cache.put("k", "after") if operation == "put" else cache.delete("k"))
    assert raised.value.definite is definite
    assert await value(service) == ((b"after" if operation == "put" else None) if written else b"before")
    assert raised.value.definite <= (not written)


@pytest.mark.slow
async def test_a_failed_read_gives_an_error_and_never_a_miss(service: KVService, clock: MovableClock) -> None:
    await service.write(API_LOCATION, [PutRequest(b"k", b"v")])
    service.faults.add(Rule(Verdict(BEFORE, 503), location=API_LOCATION))
    async with over_rest(service, clock) as remote:
        cache = Binding(remote, "SJC")
        for call in (cache.get("k"), cache.get_with_metadata("k"), cache.get_bulk(["k"]), cache.list()):
            with pytest.raises(KVError, match="503 Service Unavailable"):
                await call


async def test_metadata_that_cannot_be_read_fails_the_read(service: KVService, clock: MovableClock) -> None:
    await service.write(API_LOCATION, [PutRequest(b"k", b"v", metadata='{"m":1}')])
    service.faults.add(Rule(Verdict("delay", delay_ms=1), operation="get", nth=1))  # the value comes
    service.faults.add(Rule(Verdict(BEFORE, 503), operation="get"))
    async with over_rest(service, clock) as remote:
        with pytest.raises(KVError, match="KV GET failed: 503"):
            await Binding(remote, "SJC").get_with_metadata("k")


async def test_pages_full_of_deleted_keys_are_walked_to_the_end(service: KVService, clock: MovableClock) -> None:
    assert service.profile == CLOUDFLARE
    names = [f"k{number:02d}".encode() for number in range(45)]
    await service.write(API_LOCATION, [PutRequest(name, b"v") for name in names])
    await service.delete(API_LOCATION, *names[3:40])
    for limit in (1, 4, 9, 10, 20):
        async with over_rest(service, clock) as remote:
            cache, cursor, listed, short = Binding(remote, "SJC", Invocation(None)), None, [], 0
            while cursor != "":
                page = await cache.list(limit=limit, cursor=cursor)
                listed += [key.name for key in page.keys]
                short += not page.list_complete and len(page.keys) < limit
                cursor = page.cursor or ""
        assert listed == [name.decode() for name in names[:3] + names[40:]]
        assert short > 0


@pytest.mark.parametrize("profile", [compose("cloudflare", plan="free")], ids=["free plan"])
async def test_a_quota_that_is_used_up_is_told_at_once(service: KVService, clock: MovableClock) -> None:
    await service.write(API_LOCATION, [PutRequest(b"%d" % number, b"") for number in range(1_000)])
    async with over_rest(service, clock) as remote:
        with pytest.raises(KVError, match="KV PUT failed: 429 Too Many Requests") as raised:
            await Binding(remote, "SJC").put("k", "v")
    assert raised.value.definite
    assert await value(service) is None
