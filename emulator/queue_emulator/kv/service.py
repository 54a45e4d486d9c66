"""The KV service as one location sees it: faults, limits, the location's edge, the centre, the journal."""

from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from queue_emulator.core import keys as key_rules
from queue_emulator.core.clock import Clock
from queue_emulator.core.dice import Dice
from queue_emulator.core.edge import Edge
from queue_emulator.core.entries import Entry, Page, Row
from queue_emulator.core.errors import WriteRateError
from queue_emulator.core.limits import CACHE_TTL_S_DEFAULT
from queue_emulator.core.options import ListRequest, PutRequest
from queue_emulator.core.profiles import CLOUDFLARE, Profile
from queue_emulator.core.surface import API_LOCATION
from queue_emulator.kv.centre import Centre, HeldUntil, Versions
from queue_emulator.kv.gate import NOBODY, Call, Caller, Gate
from queue_emulator.kv.store import Store
from queue_emulator.kv.waiting import Sleep, sleep_really


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


class KVService:
    """One namespace. Requests are checked already (core/options.py); raises KVError for what is refused here."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        profile: Profile = CLOUDFLARE,
        dice: Dice | None = None,
        sleep: Sleep = sleep_really,
        versions: Versions | None = None,
        gate: Gate | None = None,
    ) -> None:
        """`gate` is that of an account with other namespaces; `sleep` is then its own."""
        dice = dice or Dice()
        self.clock = clock
        self.profile = profile
        self._gate = gate or Gate(clock, dice, sleep, profile.plan)
        self.faults, self.journal, self.meter = self._gate.faults, self._gate.journal, self._gate.meter
        self._centre = Centre(store, profile, dice, versions or Versions())
        self._edges: defaultdict[str, Edge] = defaultdict(Edge)
        self._last_put_ms: OrderedDict[bytes, int] = OrderedDict()

    def beside(self, store: Store, namespace: str, dice: Dice) -> "KVService":
        """Another namespace of the account."""
        return KVService(store, clock=self.clock, profile=self.profile, dice=dice, gate=self._gate.before(namespace))

    async def get(
        self,
        location: str,
        key: bytes,
        *,
        cache_ttl_s: int = CACHE_TTL_S_DEFAULT,
        metadata: bool = True,
        caller: Caller = NOBODY,
    ) -> Found:
        """The entry under `key`, no fresher than this location's copy of it; metadata comes along, asked for or not."""
        (found,) = await self._read("get", location, [key], cache_ttl_s, caller)
        return found

    async def get_bulk(
        self,
        location: str,
        keys: Sequence[bytes],
        *,
        cache_ttl_s: int = CACHE_TTL_S_DEFAULT,
        caller: Caller = NOBODY,
    ) -> Sequence[Found]:
        """The entries under `keys`, in their order."""
        return await self._read("get_bulk", location, keys, cache_ttl_s, caller)

    async def put(self, location: str, request: PutRequest, *, caller: Caller = NOBODY) -> Entry:
        """Write at the centre and at this location's edge."""
        call = self._gate.call("put", location, request.key, caller)
        await self._gate.admit(call, self._limit)
        (entry,) = await self._centre.put(location, [request], call.now_ms, _held([call]))
        self._wrote(location, entry, call.now_ms)
        self._gate.done(call, version=entry.version)
        return entry

    async def load(self, location: str, requests: Sequence[PutRequest]) -> None:
        """Write all or nothing, as a bulk write does: neither limited to one write a second a key nor metered."""
        now_ms = self.clock.now_ms()
        for entry in await self._centre.put(location, requests, now_ms, {}):
            self._wrote(location, entry, now_ms)
            self._gate.done(Call("put", location, entry.key, NOBODY, now_ms), version=entry.version)

    async def delete(self, location: str, key: bytes, *, caller: Caller = NOBODY) -> None:
        """Leave a tombstone; deleting a key that is not there succeeds."""
        call = self._gate.call("delete", location, key, caller)
        await self._gate.admit(call, self._limit)
        (tombstone,) = await self._centre.delete(location, [key], call.now_ms, _held([call]))
        self._wrote(location, tombstone, call.now_ms)
        self._gate.done(call, version=tombstone.version)

    async def list(
        self,
        location: str,
        request: ListRequest,
        *,
        cache_ttl_s: int = CACHE_TTL_S_DEFAULT,
        caller: Caller = NOBODY,
    ) -> Listing:
        """One page; short or even empty ones with a cursor occur, only `cursor` None says that it is the last."""
        after = self._decode_cursor(request)
        call = self._gate.call("list", location, request.prefix, caller)
        await self._gate.admit(call, self._limit)
        page, status, age_ms, newer_version = await self._page(call, request, after, cache_ttl_s * 1000)
        rows = page.live_rows(call.now_ms)
        self._gate.done(call, keys=len(rows), cache_status=status, age_ms=age_ms, newer_version=newer_version)
        return Listing(rows, self._encode_cursor(request, page), status)

    async def central_read(
        self, keys: Sequence[bytes], *, operation: str = "get", caller: Caller = NOBODY
    ) -> Sequence[Entry | None]:
        """The live entries under `keys` as the centre has them, past every edge; `operation` is get or get_bulk."""
        calls = [self._gate.call(operation, API_LOCATION, key, caller) for key in keys]
        await self._gate.admit_all(calls, self._limit_all)
        now_ms = self.clock.now_ms()
        current = await self._centre.current(keys, now_ms)
        live = [entry if entry is not None and entry.live(now_ms) else None for entry in current]
        self._gate.all_done(calls, live)
        return live

    async def central_page(self, request: ListRequest, *, caller: Caller = NOBODY) -> Listing:
        """One page as the centre has it, short or empty as a location's may be. Its cursors are opaque, always."""
        after = key_rules.decode_cursor(request.prefix, request.cursor) if request.cursor else None
        call = self._gate.call("list", API_LOCATION, request.prefix, caller)
        await self._gate.admit_all([call], self._limit_all)
        page = await self._centre.page(None, request, after, call.now_ms)
        rows = page.live_rows(call.now_ms)
        self._gate.done(call, keys=len(rows))
        cursor = None if page.resume_after is None else key_rules.encode_cursor(request.prefix, page.resume_after)
        return Listing(rows, cursor, None)

    async def central_write(self, requests: Sequence[PutRequest], *, caller: Caller = NOBODY) -> None:
        """Write all or nothing at the centre; each location sees it as late as another location's write.

        The limit of one write a second to a key is the binding's: https://developers.cloudflare.com/kv/reference/faq/
        """
        calls = [self._gate.call("put", API_LOCATION, request.key, caller) for request in requests]
        await self._gate.admit_all(calls, self._limit_all)
        now_ms = self.clock.now_ms()
        entries = await self._centre.put(API_LOCATION, requests, now_ms, _held(calls))
        for entry in entries:
            self._wrote(API_LOCATION, entry, now_ms)
        self._gate.all_done(calls, entries)

    async def central_delete(self, keys: Sequence[bytes], *, caller: Caller = NOBODY) -> None:
        """Delete all or nothing at the centre; keys that are not there are no failure."""
        calls = [self._gate.call("delete", API_LOCATION, key, caller) for key in keys]
        await self._gate.admit_all(calls, self._limit_all)
        now_ms = self.clock.now_ms()
        tombstones = await self._centre.delete(API_LOCATION, keys, now_ms, _held(calls))
        for tombstone in tombstones:
            self._wrote(API_LOCATION, tombstone, now_ms)
        self._gate.all_done(calls, tombstones)

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
        self._gate.clear()
        for edge in self._edges.values():
            edge.clear()

    async def close(self) -> None:
        await self._centre.close()

    def _limit(self, call: Call) -> None:
        """The limits of one operation."""
        self._gate.quota.count(call.operation, call.now_ms)
        if call.operation == "put":
            self._limit_writes(call.key, call.now_ms)

    def _limit_all(self, calls: Sequence[Call]) -> None:
        """The limits of one request to the API."""
        if calls:
            self._gate.quota.count(calls[0].operation, calls[0].now_ms, len(calls))

    async def _read(
        self, operation: str, location: str, keys: Sequence[bytes], cache_ttl_s: int, caller: Caller
    ) -> Sequence[Found]:
        calls = {key: self._gate.call(operation, location, key, caller) for key in keys}
        for call in calls.values():
            await self._gate.admit(call, self._limit)
        found = self._from_edge(calls, cache_ttl_s * 1000)
        missing = [key for key in calls if key not in found]
        if missing:
            found |= await self._from_centre(calls, missing, cache_ttl_s * 1000)
        return [found[key] for key in keys]

    def _from_edge(self, calls: Mapping[bytes, Call], ttl_ms: int) -> dict[bytes, Found]:
        found: dict[bytes, Found] = {}
        if not self.profile.caches:
            return found
        for key, call in calls.items():
            copy = self._edges[call.location].value(key, ttl_ms, call.now_ms)
            if copy is not None:
                found[key] = self._found(call, copy.content, "HIT", copy.fetched_ms, copy.newer_version)
        return found

    async def _from_centre(self, calls: Mapping[bytes, Call], keys: Sequence[bytes], ttl_ms: int) -> dict[bytes, Found]:
        found: dict[bytes, Found] = {}
        location, now_ms = calls[keys[0]].location, calls[keys[0]].now_ms
        status = "MISS" if self.profile.caches else None
        for key, sight in zip(keys, await self._centre.read(location, keys, now_ms), strict=True):
            if self.profile.caches:
                self._edges[location].keep_value(
                    key, sight.entry, ttl_ms=ttl_ms, now_ms=now_ms, newer_version=sight.newer_version
                )
            found[key] = self._found(calls[key], sight.entry, status, now_ms, sight.newer_version)
        return found

    def _found(
        self,
        call: Call,
        entry: Entry | None,
        status: str | None,
        fetched_ms: int,
        newer_version: int | None,
    ) -> Found:
        live = entry if entry is not None and entry.live(call.now_ms) else None
        self._gate.done(
            call,
            cache_status=status,
            age_ms=call.now_ms - fetched_ms,
            version=live.version if live else None,
            newer_version=newer_version,
        )
        return Found(live, status)

    async def _page(
        self, call: Call, request: ListRequest, after: bytes | None, ttl_ms: int
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


def _held(calls: Sequence[Call]) -> HeldUntil:
    """Until when which write is kept from which location."""
    return {
        call.key: {call.verdict.location: call.now_ms + call.verdict.delay_ms}
        for call in calls
        if call.verdict is not None and call.verdict.kind == "drop_replication" and call.verdict.location is not None
    }
