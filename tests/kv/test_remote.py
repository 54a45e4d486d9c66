"""A real namespace as a Worker sees it: errors, pages, bulk loads, and what works in front of it."""

from typing import Any

import httpx
import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import JavaScriptError, KVError, OperationBudgetError, RemoteError
from queue_emulator.core.faults import Rule, Verdict
from queue_emulator.core.options import PutRequest
from queue_emulator.core.profiles import LOCAL
from queue_emulator.kv.binding import Binding, ListKey
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.remote import RemoteService
from queue_emulator.kv.service import KVService
from tests.kv.over_rest import over_rest
from tests.kv.scripted_api import DONE, Answer, refusal, scripted

pytestmark = pytest.mark.anyio

local = pytest.mark.parametrize("profile", [LOCAL], ids=["local"])

MISSING = refusal(404, 10009, "get: 'key not found'")


class Remote:
    """A binding on a namespace whose API answers as it is told."""

    def __init__(self, *answers: Answer, **patience: int) -> None:
        api, self.script = scripted(*answers, **patience)
        self.clock = MovableClock.frozen_at(1_795_435_200_000)
        self.logged: list[str] = []
        self.service = RemoteService(
            api, title="queue", clock=self.clock, dice=Dice(7), sleep=self.script.sleep, log=self.logged.append
        )
        self.cache = Binding(self.service, "SJC", Invocation(name="i", route="GET /"))

    @property
    def journal(self) -> list[Any]:
        return list(self.service.journal.after(0))


@pytest.mark.parametrize(
    ("answer", "text", "definite"),
    [
        (refusal(429, 10022, "too many requests", Retry_After="300"), "429 Too Many Requests", True),
        (refusal(500), "500 Internal Server Error", False),
        (refusal(503, 10001, "service temporarily unavailable"), "503 Service Unavailable", False),
        (httpx.Response(524, text="<html>"), "524 Internal Server Error", False),
        (httpx.ReadTimeout(""), "503 Service Unavailable", False),
        (httpx.ConnectError("refused"), "503 Service Unavailable", True),
        (refusal(403, 10000, "Authentication error"), "403 Authentication error", True),
        (refusal(405, 10000, "PUT method not allowed"), "405 PUT method not allowed", True),
        (refusal(400, 10033, "put: 'Invalid expiration of 1.'"), "400 Invalid expiration of 1.", True),
        (refusal(404, 10013, "put: 'namespace not found'"), "404 namespace not found", True),
    ],
)  # fmt: skip
async def test_a_failed_put_is_told_as_a_worker_is_told(answer: Answer, text: str, definite: bool) -> None:
    remote = Remote(answer, deadline_ms=1)
    with pytest.raises(KVError) as raised:
        await remote.cache.put("k", "v")
    assert str(raised.value) == f"KV PUT failed: {text}"
    assert raised.value.definite is definite
    (event,) = remote.journal
    assert (event.operation, event.key, event.failed) == ("put", b"k", str(raised.value))
    (line,) = remote.logged
    assert line.startswith("127.0.0.1:8787: could not put 'k': ")
    assert ("anyway" in line) is not definite


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda cache: cache.get("k"), "KV GET failed: 500 Internal Server Error"),
        (lambda cache: cache.get_with_metadata("k"), "KV GET failed: 500 Internal Server Error"),
        (lambda cache: cache.get_bulk(["k"]), "KV GET_BULK failed: 500 Internal Server Error"),
        (lambda cache: cache.delete("k"), "KV DELETE failed: 500 Internal Server Error"),
        (lambda cache: cache.list(), "KV GET failed: 500 Internal Server Error"),
    ],
)
async def test_each_operation_fails_under_the_runtime_s_name(call: Any, text: str) -> None:
    remote = Remote(refusal(500), deadline_ms=1)
    with pytest.raises(KVError) as raised:
        await call(remote.cache)
    assert str(raised.value) == text


async def test_a_failure_that_passes_is_not_seen_by_the_worker() -> None:
    remote = Remote(refusal(429, Retry_After="1"), httpx.ReadTimeout(""), refusal(502), DONE)
    await remote.cache.put("k", "v")
    assert len(remote.script.requests) == 4
    assert [event.failed for event in remote.journal] == [None]
    assert remote.service.meter.by_route()["GET /"]["writes"] == 1


async def test_what_the_runtime_refuses_is_not_sent() -> None:
    remote = Remote()
    for call in (
        remote.cache.put("k" * 513, "v"),
        remote.cache.put("", "v"),
        remote.cache.put("k", "v", expiration_ttl=59),
        remote.cache.put("k", "v", metadata="m" * 1023),
        remote.cache.get("k", cache_ttl=29),
        remote.cache.get_bulk([]),
        remote.cache.list(limit=1001),
        remote.cache.list(cursor="not one of ours"),
    ):
        with pytest.raises(JavaScriptError):
            await call
    assert remote.script.requests == []


@pytest.mark.no_cover
@pytest.mark.slow
async def test_an_invocation_has_its_budget_of_operations() -> None:
    remote = Remote(*[MISSING] * 1000)
    for _ in range(1000):
        await remote.cache.get("k")
    with pytest.raises(OperationBudgetError):
        await remote.cache.get("k")
    assert len(remote.script.requests) == 1000


async def test_a_lifetime_begins_by_the_clock_of_the_real_kv() -> None:
    remote = Remote(DONE, DONE)
    await remote.cache.put("k", "v", expiration_ttl=60)
    assert remote.script.requests[-1].url.query == b"expiration_ttl=60"
    await remote.cache.put("k", "v", expiration=1_795_435_260)
    assert remote.script.requests[-1].url.query == b"expiration=1795435260"


async def test_metadata_is_asked_for_only_by_those_who_want_it() -> None:
    remote = Remote(httpx.Response(200, content=b"v"))
    assert await remote.cache.get("k") == "v"
    remote = Remote(httpx.Response(200, content=b"v"), httpx.Response(200, json={"success": True, "result": {"m": 1}}))
    found = await remote.cache.get_with_metadata("k")
    assert (found.value, found.metadata, found.cache_status) == ("v", {"m": 1}, None)
    assert remote.cache.invocation.operations == 1
    remote = Remote(MISSING)
    assert (await remote.cache.get_with_metadata("k")).value is None
    assert len(remote.script.requests) == 1


@pytest.mark.parametrize("ask", ["list", "get_bulk_with_metadata"])
async def test_metadata_with_half_of_a_surrogate_pair_hides_no_key(
    service: KVService, clock: MovableClock, ask: str
) -> None:
    told: dict[str, Any]
    async with over_rest(service, clock) as remote:
        cache = Binding(remote, "SJC", Invocation(None))
        await cache.put("odd", "v", metadata={"half": "\ud800"})
        await cache.put("usual", "v")
        if ask == "list":
            told = {key.name: key.metadata for key in (await cache.list()).keys}
        else:
            found = await cache.get_bulk_with_metadata(["odd", "usual"])
            told = {key: each and each.metadata for key, each in found.items()}
    assert told == {"odd": {"half": "\ud800"}, "usual": None}


async def test_faults_stand_before_the_real_kv() -> None:
    remote = Remote(DONE, DONE)
    remote.service.faults.add(Rule(Verdict("fail_before", status=503), operation="put", nth=1))
    remote.service.faults.add(Rule(Verdict("fail_after"), operation="delete"))
    remote.service.faults.add(Rule(Verdict("delay", delay_ms=7_000), operation="put"))
    with pytest.raises(KVError, match="503 Service Unavailable") as refused:
        await remote.cache.put("k", "v")
    assert refused.value.definite
    assert remote.script.requests == []
    await remote.cache.put("k", "v")
    assert remote.script.waits_ms == [7_000]
    with pytest.raises(KVError, match="KV DELETE failed: 500") as failed:
        await remote.cache.delete("k")
    assert not failed.value.definite
    assert [request.method for request in remote.script.requests] == ["PUT", "DELETE"]
    assert [event.fault_rule for event in remote.journal] == [1, 3, 2]


@local
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 9, 10, 11, 999, 1000])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 25])
async def test_pages_of_any_length_give_each_key_once(
    service: KVService, clock: MovableClock, limit: int, count: int
) -> None:
    names = [f"k{number:02d}" for number in range(count)]
    await service.load("SJC", [PutRequest(name.encode(), b"v") for name in [*names, "other"]])
    async with over_rest(service, clock) as remote:
        pages = [page async for page in _pages(Binding(remote, "SJC"), prefix="k", limit=limit)]
    assert [key for page in pages for key in page] == [ListKey(name) for name in names]
    assert all(len(page) == limit for page in pages[:-1])
    assert len(pages) == max(1, -(-count // limit))


@local
async def test_a_page_that_was_cut_goes_on_after_its_last_key_whatever_was_written_meanwhile(
    service: KVService, clock: MovableClock
) -> None:
    await service.load("SJC", [PutRequest(f"k{number}".encode(), b"v") for number in range(5)])
    async with over_rest(service, clock) as remote:
        cache = Binding(remote, "SJC", Invocation(None))
        first = await cache.list(limit=2)
        await cache.put("a", "before all of them")
        await cache.delete("k1")
        await cache.delete("k2")
        rest = await cache.list(limit=9, cursor=first.cursor)
    assert [key.name for key in first.keys] == ["k0", "k1"]
    assert [key.name for key in rest.keys] == ["k3", "k4"]
    assert rest.list_complete


@local
@pytest.mark.parametrize("cursor", ["x", "YQ", "YQ==", "é.", "%%.x", "YQ==.not the API's"])
async def test_a_cursor_that_no_list_gave_is_refused(service: KVService, clock: MovableClock, cursor: str) -> None:
    async with over_rest(service, clock) as remote:
        with pytest.raises(KVError, match="KV GET failed: 400 Invalid list keys cursor"):
            await Binding(remote, "SJC").list(cursor=cursor)


def bulk(*unsuccessful: str) -> httpx.Response:
    result = {"successful_key_count": 0, "unsuccessful_keys": list(unsuccessful)}
    return httpx.Response(200, json={"success": True, "errors": [], "messages": [], "result": result})


def pairs(*keys: str) -> list[PutRequest]:
    return [PutRequest(key.encode(), b"v") for key in keys]


async def test_a_load_is_a_bulk_write() -> None:
    remote = Remote(bulk())
    requests = [
        PutRequest(b"a", "é".encode(), 1_795_435_260, '{"m":1}', 60),
        PutRequest(b"b", b"\xff", 1_795_435_260),
    ]
    await remote.service.load("SJC", requests)
    assert remote.script.body() == [
        {"key": "a", "value": "é", "expiration_ttl": 60, "metadata": {"m": 1}},
        {"key": "b", "value": "/w==", "base64": True, "expiration": 1_795_435_260},
    ]
    assert [(event.operation, event.key) for event in remote.journal] == [("put", b"a"), ("put", b"b")]


async def test_a_large_load_is_several_bulk_writes_in_order() -> None:
    remote = Remote(bulk(), bulk(), bulk())
    large = "é" * 2_000_000  # two of them fit into ten megabytes
    await remote.service.load("SJC", [PutRequest(b"%d" % number, large.encode()) for number in range(5)])
    assert [[pair["key"] for pair in body] for body in remote.script.bodies()] == [["0", "1"], ["2", "3"], ["4"]]


async def test_keys_that_a_bulk_write_left_out_are_written_again() -> None:
    remote = Remote(bulk("b", "c"), bulk("c"), bulk())
    await remote.service.load("SJC", pairs("a", "b", "c"))
    sent = [[pair["key"] for pair in body] for body in remote.script.bodies()]
    assert sent == [["a", "b", "c"], ["b", "c"], ["c"]]


async def test_keys_that_are_never_written_are_told() -> None:
    remote = Remote(bulk("b", "c"), bulk("b", "c"))
    with pytest.raises(RemoteError, match=r"namespace 1+ \('queue'\) at 127.0.0.1:8787 refused 2 of 3 keys"):
        await remote.service.load("SJC", pairs("a", "b", "c"))


async def test_a_load_that_breaks_off_says_how_much_is_written() -> None:
    remote = Remote(bulk(), httpx.ReadTimeout(""), deadline_ms=1)
    requests = pairs(*(f"k{number}" for number in range(1_500)))
    with pytest.raises(RemoteError, match=r"at least 1000 of 1500 keys were written: .* no answer in time; it may"):
        await remote.service.load("SJC", requests)


async def _pages(cache: Binding, **asked: Any) -> Any:
    cursor: Any = None
    while True:
        page = await cache.list(**asked, cursor=cursor)
        yield page.keys
        if page.list_complete:
            return
        cursor = page.cursor
