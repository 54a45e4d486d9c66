"""What mypy is to say of the public names; nothing here runs. A line with `type: ignore` must be an error.

mypy checks this file with the others, and an ignore that is not needed is an error of its own (warn_unused_ignores).
"""

from collections.abc import AsyncIterator
from typing import assert_type

import queue_emulator
from queue_emulator import CLOUDFLARE, Binding, Emulator, Invocation, KVService, MemoryStore, Profile, SystemClock
from queue_emulator import NoSuchName as NoSuchName  # type: ignore[attr-defined]
from queue_emulator.core.javascript import UNDEFINED, Json
from queue_emulator.core.journal import Event
from queue_emulator.core.plans import Cost, Estimate
from queue_emulator.kv.binding import ListKey, ListResult, ValueWithMetadata
from queue_emulator.testing import KV, EmulatorClock, Faults, Location, Reply, member

queue_emulator.no_such_name  # type: ignore[attr-defined]  # noqa: B018


def an_emulator() -> None:
    emulator = Emulator(profile=CLOUDFLARE, locations=("SJC", "NRT"), worker_version="dual", rate_limit=60, seed=7)
    assert_type(CLOUDFLARE, Profile)
    assert_type(emulator.at("NRT"), Location)
    assert_type(emulator.clock, EmulatorClock)
    assert_type(emulator.faults, Faults)
    assert_type(emulator.journal(after=3), list[Event])
    assert_type(emulator.enqueue({"id": "t1", "metadata": {"labels": ["a"]}}, format="old"), dict[str, Json])
    assert_type(emulator.load([{"key": "k", "value": "v", "expiration_ttl": 60}]), int)
    assert_type(emulator.cost(over_s=60), Cost)
    assert_type(emulator.cost(over_s=60)["estimate"], Estimate)
    Emulator(CLOUDFLARE)  # type: ignore[call-arg]
    Emulator(worker_version="newest")  # type: ignore[arg-type]
    Emulator(locations="SJC", colour="red")  # type: ignore[call-arg]
    emulator.enqueue({"id": "t1"}, format="dual")  # type: ignore[arg-type]
    emulator.load([{"key": "k", "value": object()}])  # type: ignore[dict-item]
    emulator.cost()  # type: ignore[call-arg]


def requests(emulator: Emulator, tokyo: Location) -> None:
    reply = emulator.post("/api/queue/claim", {"workerId": "w"}, key=None, headers={"Origin": "http://x"})
    assert_type(reply, Reply)
    assert_type(tokyo.get("/api/queue").json(), dict[str, Json])
    assert_type(reply.member("lease", "workerId"), Json)
    assert_type(reply.headers["content-type"], str)
    assert_type(tokyo.request("PUT", "/x", content=b"\0").content, bytes)
    tokyo.get("/api/queue", timeout=1)  # type: ignore[call-arg]
    tokyo.post("/api/queue/claim", {"workerId": object()})  # type: ignore[dict-item]
    tokyo.post("/api/queue/claim", content="text")  # type: ignore[arg-type]
    reply.json()["lease"]["workerId"]  # type: ignore[index, call-overload]


def kv_in_a_test(kv: KV, labels: list[str]) -> None:
    assert_type(kv.at("NRT"), KV)
    assert_type(kv.get("k"), str | None)
    assert_type(kv.get("k", "text", cache_ttl=30), str | None)
    assert_type(kv.get("k", "json"), Json)
    assert_type(kv.get("k", "arrayBuffer"), bytes | None)
    assert_type(kv.get_with_metadata("k"), ValueWithMetadata[str | None])
    assert_type(kv.get_with_metadata("k", "json").value, Json)
    assert_type(kv.get_with_metadata("k").metadata, Json)
    assert_type(kv.get_bulk(["a", "b"]), dict[str, str | None])
    assert_type(kv.get_bulk(["a"], "json"), dict[str, Json])
    assert_type(kv.list(prefix="a", limit=10, cursor=None), ListResult)
    assert_type(kv.list().keys, tuple[ListKey, ...])
    assert_type(member(kv.get("k", "json"), "lease", 0), Json)
    kv.put("k", "v", expiration_ttl=60, metadata={"labels": labels, "by": {"me": True}})
    kv.put("k", b"v", expiration=1_800_000_000, metadata=None)
    kv.put("k", 5)  # type: ignore[arg-type]
    kv.put("k", "v", expirationTtl=60)  # type: ignore[call-arg]
    kv.put("k", "v", expiration_ttl=None)  # type: ignore[arg-type]
    kv.put("k", "v", expiration_ttl="60")  # type: ignore[arg-type]
    kv.put("k", "v", metadata=object())  # type: ignore[arg-type]
    kv.get("k", "buffer")  # type: ignore[call-overload]
    kv.get("k", cacheTtl=30)  # type: ignore[call-overload]
    kv.get("k").upper()  # type: ignore[union-attr]
    kv.get_bulk(["a"], "arrayBuffer")  # type: ignore[call-overload]
    kv.list("a")  # type: ignore[call-arg]


def clock_and_faults(clock: EmulatorClock, faults: Faults) -> None:
    clock.advance(0.5)
    assert_type(clock.now, str)
    assert_type(faults.add("delay", for_s=1.5, operation="put", key_prefix="a", nth=2, times=None, percent=50), int)
    assert_type(faults.rules(), list[dict[str, Json]])
    clock.advance("60")  # type: ignore[arg-type]
    faults.add("fail")  # type: ignore[arg-type]
    faults.add("delay", operation="write")  # type: ignore[arg-type]
    faults.add("delay", after_s=1)  # type: ignore[call-arg]
    faults.add("delay", 5)  # type: ignore[call-arg]


async def the_library() -> None:
    cache = Binding(KVService(MemoryStore(), clock=SystemClock()), "SJC", Invocation(operations_max=None))
    assert_type(await cache.get("k"), str | None)
    assert_type(await cache.get("k", "json"), Json)
    assert_type(await cache.get("k", "arrayBuffer"), bytes | None)
    assert_type(await cache.get("k", "stream"), AsyncIterator[bytes] | None)
    assert_type(await cache.get_with_metadata("k"), ValueWithMetadata[str | None])
    assert_type(await cache.get_bulk(["k"], "text"), dict[str, str | None])
    assert_type(await cache.list(), ListResult)
    await cache.put("k", 5, expiration_ttl="60", metadata=UNDEFINED)  # JavaScript converts these
    await cache.put("k", "v", expirationTtl=60)  # type: ignore[call-arg]
    await cache.put("k", object())  # type: ignore[arg-type]
