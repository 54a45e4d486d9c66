"""The KV service as one location sees it: faults, limits, the location's edge, the centre, the journal."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.core import keys as key_rules
from emulator.core.clock import Clock
from emulator.core.dice import Dice
from emulator.core.edge import Edge
from emulator.core.entries import Entry, Page, Row
from emulator.core.errors import JavaScriptError, WriteRateError
from emulator.core.faults import FaultPlan, Verdict
from emulator.core.journal import Journal
from emulator.core.limits import CACHE_TTL_S_DEFAULT
from emulator.core.meter import Meter
from emulator.core.options import ListRequest, PutRequest
from emulator.core.plans import DailyQuota
from emulator.core.profiles import CLOUDFLARE, Profile
from emulator.core.surface import API_LOCATION
from emulator.kv.centre import Centre, Versions
from emulator.kv.store import Store
from emulator.kv.waiting import Sleep


@dataclass(frozen=True, slots=True)
class Caller:
    """Which run of which of the Worker's routes an operation is made by, as the journal notes it."""

    invocation: str = ""
    route: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a read saw: the live entry or None; `cache_status` is "HIT", "MISS" or None."""

    entry: Entry | None
    cache_status: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """One page as a reader sees it: live rows, the cursor of the next page (None: complete), cache status."""

    rows: tuple[Row, ...]
    cursor: str | None
    cache_status: str | None


@dataclass(slots=True)
class _Call:
    operation: str
    location: str
    key: bytes
    caller: Caller
    now_ms: int


async def _asyncio_sleep(by_ms: int) -> None:
    await asyncio.sleep(by_ms / 1000)


class KVService:
    """One namespace. Requests are checked already (core/options.py); raises KVError for what is refused here."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        profile: Profile = CLOUDFLARE,
        dice: Dice | None = None,
        sleep: Sleep = _asyncio_sleep,
        versions: Versions | None = None,
    ) -> None:
        dice = dice or Dice()
        self.clock = clock
        self.profile = profile
        self.faults = FaultPlan(dice)
        self.journal = Journal()
        self.meter = Meter()
        self._sleep = sleep
        self._centre = Centre(store, profile, dice, versions or Versions())
        self._edges: defaultdict[str, Edge] = defaultdict(Edge)
        self._quota = DailyQuota(profile.plan)
        self._last_put_ms: OrderedDict[bytes, int] = OrderedDict()

    async def get(
        self, location: str, key: bytes, *, cache_ttl_s: int = CACHE_TTL_S_DEFAULT, caller: Caller = Caller()
    ) -> Found:
        """The entry under `key`, no fresher than this location's copy of it."""
        (found,) = await self._read("get", location, [key], cache_ttl_s, caller)
        return found

    async def get_bulk(
        self,
        location: str,
        keys: Sequence[bytes],
        *,
        cache_ttl_s: int = CACHE_TTL_S_DEFAULT,
        caller: Caller = Caller(),
    ) -> Sequence[Found]:
        """The entries under `keys`, in their order."""
        return await self._read("get_bulk", location, keys, cache_ttl_s, caller)

    async def put(self, location: str, request: PutRequest, *, caller: Caller = Caller()) -> Entry:
        """Write at the centre and at this location's edge."""
        call = self._call("put", location, request.key, caller)
        verdict = await self._admit(call)
        held = _held(verdict, call.now_ms)
        (entry,) = await self._centre.put(location, [request], call.now_ms, held)
        self._wrote(location, entry, call.now_ms)
        self._done(call, verdict, version=entry.version)
        return entry

    async def load(self, location: str, requests: Sequence[PutRequest]) -> None:
        """Write all or nothing, as a bulk write does: neither limited to one write a second a key nor metered."""
        now_ms = self.clock.now_ms()
        for entry in await self._centre.put(location, requests, now_ms, {}):
            self._wrote(location, entry, now_ms)
            self._done(_Call("put", location, entry.key, Caller(), now_ms), None, version=entry.version)

    async def delete(self, location: str, key: bytes, *, caller: Caller = Caller()) -> None:
        """Leave a tombstone; deleting a key that is not there succeeds."""
        call = self._call("delete", location, key, caller)
        verdict = await self._admit(call)
        (tombstone,) = await self._centre.delete(location, [key], call.now_ms, _held(verdict, call.now_ms))
        self._wrote(location, tombstone, call.now_ms)
        self._done(call, verdict, version=tombstone.version)

    async def list(
        self,
        location: str,
        request: ListRequest,
        *,
        cache_ttl_s: int = CACHE_TTL_S_DEFAULT,
        caller: Caller = Caller(),
    ) -> Listing:
        """One page; short or even empty ones with a cursor occur, only `cursor` None says that it is the last."""
        after = self._decode_cursor(request)
        call = self._call("list", location, request.prefix, caller)
        verdict = await self._admit(call)
        page, status, age_ms, newer_version = await self._page(call, request, after, cache_ttl_s * 1000)
        rows = page.live_rows(call.now_ms)
        self._done(call, verdict, keys=len(rows), cache_status=status, age_ms=age_ms, newer_version=newer_version)
        return Listing(rows, self._encode_cursor(request, page), status)

    async def central_read(
        self, keys: Sequence[bytes], *, operation: str = "get", caller: Caller = Caller()
    ) -> list[Entry | None]:
        """The live entries under `keys` as the centre has them, past every edge; `operation` is get or get_bulk."""
        calls = [self._call(operation, API_LOCATION, key, caller) for key in keys]
        verdicts = await self._admit_all(calls)
        now_ms = self.clock.now_ms()
        current = await self._centre.current(keys, now_ms)
        live = [entry if entry is not None and entry.live(now_ms) else None for entry in current]
        self._all_done(calls, verdicts, live)
        return live

    async def central_page(self, request: ListRequest, *, caller: Caller = Caller()) -> Listing:
        """One page as the centre has it, short or empty as a location's may be. Its cursors are opaque, always."""
        after = key_rules.decode_cursor(request.prefix, request.cursor) if request.cursor else None
        call = self._call("list", API_LOCATION, request.prefix, caller)
        (verdict,) = await self._admit_all([call])
        page = await self._centre.page(None, request, after, call.now_ms)
        rows = page.live_rows(call.now_ms)
        self._done(call, verdict, keys=len(rows))
        cursor = None if page.resume_after is None else key_rules.encode_cursor(request.prefix, page.resume_after)
        return Listing(rows, cursor, None)

    async def central_write(self, requests: Sequence[PutRequest], *, caller: Caller = Caller()) -> None:
        """Write all or nothing at the centre; each location sees it as late as another location's write.

        The limit of one write a second to a key is the binding's: https://developers.cloudflare.com/kv/reference/faq/
        """
        calls = [self._call("put", API_LOCATION, request.key, caller) for request in requests]
        verdicts = await self._admit_all(calls)
        now_ms = self.clock.now_ms()
        entries = await self._centre.put(API_LOCATION, requests, now_ms, _all_held(calls, verdicts))
        for entry in entries:
            self._wrote(API_LOCATION, entry, now_ms)
        self._all_done(calls, verdicts, entries)

    async def central_delete(self, keys: Sequence[bytes], *, caller: Caller = Caller()) -> None:
        """Delete all or nothing at the centre; keys that are not there are no failure."""
        calls = [self._call("delete", API_LOCATION, key, caller) for key in keys]
        verdicts = await self._admit_all(calls)
        now_ms = self.clock.now_ms()
        tombstones = await self._centre.delete(API_LOCATION, keys, now_ms, _all_held(calls, verdicts))
        for tombstone in tombstones:
            self._wrote(API_LOCATION, tombstone, now_ms)
        self._all_done(calls, verdicts, tombstones)

    async def entries(self, request: ListRequest) -> tuple[Sequence[Entry], str | None]:
        """A page of live entries as the centre has them, values included, and its cursor; noted nowhere."""
        now_ms = self.clock.now_ms()
        page = await self._centre.page(None, request, self._decode_cursor(request), now_ms)
        current = await self._centre.current([row.key for row in page.live_rows(now_ms)], now_ms)
        live = [entry for entry in current if entry is not None and entry.live(now_ms)]
        return live, self._encode_cursor(request, page)

    async def count(self) -> int:
        """How many keys live at the centre, whatever any location sees."""
        return await self._centre.count(self.clock.now_ms())

    async def reset(self) -> None:
        """Forget everything: data, copies, faults, journal and counts."""
        await self._centre.clear()
        self._last_put_ms.clear()
        self._quota = DailyQuota(self.profile.plan)
        self.faults.clear()
        self.journal.clear()
        self.meter.clear()
        for edge in self._edges.values():
            edge.clear()

    async def close(self) -> None:
        await self._centre.close()

    def _call(self, operation: str, location: str, key: bytes, caller: Caller) -> _Call:
        return _Call(operation, location, key, caller, self.clock.now_ms())

    async def _admit(self, call: _Call, *, bulk: bool = False) -> Verdict | None:
        """Faults first, then the limits; notes a refusal and raises it."""
        verdict = self.faults.decide(call.operation, call.key, call.location) if self.faults else None
        try:
            if verdict is not None and verdict.kind == "delay":
                await self._sleep(verdict.delay_ms)
                call.now_ms = self.clock.now_ms()
            elif verdict is not None and verdict.kind == "fail_before":
                raise verdict.error(call.operation)
            self._quota.count(call.operation, call.now_ms)
            if call.operation == "put" and not bulk:
                self._limit_writes(call.key, call.now_ms)
        except JavaScriptError as error:
            self._note(call, failed=str(error), fault_rule=error.fault_rule)
            raise
        return verdict

    def _done(self, call: _Call, verdict: Verdict | None, **noted: Any) -> None:
        """Note what was done; raise it if the caller is to hear of a failure nevertheless."""
        self.meter.count(call.caller.route, call.operation, call.now_ms)
        if verdict is None:
            self._note(call, **noted)
            return
        error = verdict.error(call.operation) if verdict.kind == "fail_after" else None
        self._note(call, **noted, failed=None if error is None else str(error), fault_rule=verdict.rule)
        if error is not None:
            raise error

    def _all_done(self, calls: Sequence[_Call], verdicts: Sequence[Verdict | None], entries: Sequence[Entry]) -> None:
        """Note every write of several; raise the first failure that the caller is to hear of."""
        failed: JavaScriptError | None = None
        for call, verdict, entry in zip(calls, verdicts, entries, strict=True):
            try:
                self._done(call, verdict, version=entry.version)
            except JavaScriptError as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def _note(self, call: _Call, **noted: Any) -> None:
        self.journal.note(
            at_ms=call.now_ms,
            location=call.location,
            invocation=call.caller.invocation,
            route=call.caller.route,
            operation=call.operation,
            key=call.key,
            **noted,
        )

    async def _read(
        self, operation: str, location: str, keys: Sequence[bytes], cache_ttl_s: int, caller: Caller
    ) -> Sequence[Found]:
        calls = {key: self._call(operation, location, key, caller) for key in keys}
        verdicts = {key: await self._admit(call) for key, call in calls.items()}
        found = self._from_edge(calls, verdicts, cache_ttl_s * 1000)
        missing = [key for key in calls if key not in found]
        if missing:
            found |= await self._from_centre(calls, verdicts, missing, cache_ttl_s * 1000)
        return [found[key] for key in keys]

    def _from_edge(
        self, calls: Mapping[bytes, _Call], verdicts: Mapping[bytes, Verdict | None], ttl_ms: int
    ) -> dict[bytes, Found]:
        found: dict[bytes, Found] = {}
        if not self.profile.caches:
            return found
        for key, call in calls.items():
            copy = self._edges[call.location].value(key, ttl_ms, call.now_ms)
            if copy is not None:
                found[key] = self._found(call, verdicts[key], copy.content, "HIT", copy.fetched_ms, copy.newer_version)
        return found

    async def _from_centre(
        self,
        calls: Mapping[bytes, _Call],
        verdicts: Mapping[bytes, Verdict | None],
        keys: Sequence[bytes],
        ttl_ms: int,
    ) -> dict[bytes, Found]:
        found: dict[bytes, Found] = {}
        location, now_ms = calls[keys[0]].location, calls[keys[0]].now_ms
        status = "MISS" if self.profile.caches else None
        for key, sight in zip(keys, await self._centre.read(location, keys, now_ms), strict=True):
            if self.profile.caches:
                self._edges[location].keep_value(
                    key, sight.entry, ttl_ms=ttl_ms, now_ms=now_ms, newer_version=sight.newer_version
                )
            found[key] = self._found(calls[key], verdicts[key], sight.entry, status, now_ms, sight.newer_version)
        return found

    def _found(
        self,
        call: _Call,
        verdict: Verdict | None,
        entry: Entry | None,
        status: str | None,
        fetched_ms: int,
        newer_version: int | None,
    ) -> Found:
        live = entry if entry is not None and entry.live(call.now_ms) else None
        self._done(
            call,
            verdict,
            cache_status=status,
            age_ms=call.now_ms - fetched_ms,
            version=live.version if live else None,
            newer_version=newer_version,
        )
        return Found(live, status)

    async def _page(
        self, call: _Call, request: ListRequest, after: bytes | None, ttl_ms: int
    ) -> tuple[Page, str | None, int, int | None]:
        if not self.profile.caches:
            page = await self._centre.page(call.location, request, after, call.now_ms)
            return page, None, 0, page.newer_version
        edge = self._edges[call.location]
        copy = edge.page(request, ttl_ms, call.now_ms)
        if copy is not None:
            return copy.content, "HIT", call.now_ms - copy.fetched_ms, copy.newer_version
        writes = edge.writes
        page = await self._centre.page(call.location, request, after, call.now_ms)
        edge.keep_page(request, page, ttl_ms=ttl_ms, now_ms=call.now_ms, writes=writes, after=after)
        return page, "MISS", 0, page.newer_version

    def _wrote(self, location: str, entry: Entry, now_ms: int) -> None:
        """The writer's edge follows the write; to every other edge its copies are stale now."""
        if not self.profile.caches:
            return
        own = self._edges[location] if self.profile.read_your_writes and location != API_LOCATION else None
        for edge in self._edges.values():
            if edge is own:
                edge.wrote(entry, now_ms)
            else:
                edge.superseded(entry)

    def _limit_writes(self, key: bytes, now_ms: int) -> None:
        interval_ms = self.profile.write_interval_ms
        if not interval_ms:
            return
        last_ms = self._last_put_ms.get(key)
        if last_ms is not None:
            if 0 <= now_ms - last_ms < interval_ms:
                raise WriteRateError("PUT", 429, "Too Many Requests")
            del self._last_put_ms[key]
        self._last_put_ms[key] = now_ms
        while not 0 <= now_ms - next(iter(self._last_put_ms.values())) < interval_ms:
            self._last_put_ms.popitem(last=False)

    def _encode_cursor(self, request: ListRequest, page: Page) -> str | None:
        if page.resume_after is None:
            return None
        if self.profile.opaque_cursors:
            return key_rules.encode_cursor(request.prefix, page.resume_after)
        return key_rules.encode_local_cursor(page.resume_after)

    def _decode_cursor(self, request: ListRequest) -> bytes | None:
        if request.cursor == "":
            return None
        if self.profile.opaque_cursors:
            return key_rules.decode_cursor(request.prefix, request.cursor)
        return key_rules.decode_local_cursor(request.cursor)


def _held(verdict: Verdict | None, now_ms: int) -> dict[str, int]:
    """Until when a write is kept from which location."""
    if verdict is None or verdict.kind != "drop_replication" or verdict.location is None:
        return {}
    return {verdict.location: now_ms + verdict.delay_ms}
