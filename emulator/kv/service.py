"""The KV service as one location sees it: the store at the centre, an edge a location, the profile's limits."""

from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from emulator.core import keys as key_rules
from emulator.core.clock import Clock
from emulator.core.edge import Edge
from emulator.core.entries import Entry, Page, Row
from emulator.core.errors import KVError
from emulator.core.limits import CACHE_TTL_S_DEFAULT
from emulator.core.options import ListRequest, PutRequest
from emulator.core.profiles import CLOUDFLARE, Profile
from emulator.kv.store import Store

Rows = list[Row]
_FORGOTTEN_WALKED_MAX = 1000  # a list that meets more dead rows than this has them purged


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

    def __init__(self, store: Store, *, clock: Clock, profile: Profile = CLOUDFLARE) -> None:
        self.clock = clock
        self.profile = profile
        self._store = store
        self._edges: defaultdict[str, Edge] = defaultdict(Edge)
        self._last_put_ms: OrderedDict[bytes, int] = OrderedDict()
        self._version: int | None = None

    async def get(self, location: str, key: bytes, *, cache_ttl_s: int = CACHE_TTL_S_DEFAULT) -> Found:
        """The entry under `key`, no fresher than this location's copy of it."""
        (found,) = await self.get_bulk(location, [key], cache_ttl_s=cache_ttl_s)
        return found

    async def get_bulk(
        self, location: str, keys: Sequence[bytes], *, cache_ttl_s: int = CACHE_TTL_S_DEFAULT
    ) -> Sequence[Found]:
        """The entries under `keys`, in their order."""
        if not self.profile.caches:
            now_ms = self.clock.now_ms()
            return [Found(_live(entry, now_ms), None) for entry in await self._store.read(keys)]
        edge, ttl_ms, now_ms = self._edges[location], cache_ttl_s * 1000, self.clock.now_ms()
        copies = {key: edge.value(key, ttl_ms, now_ms) for key in keys}
        found = {key: Found(_live(copy.content, now_ms), "HIT") for key, copy in copies.items() if copy}
        missing = [key for key in copies if key not in found]
        for key, entry in zip(missing, await self._store.read(missing) if missing else (), strict=True):
            edge.keep_value(key, entry, ttl_ms=ttl_ms, now_ms=now_ms)
            found[key] = Found(_live(entry, now_ms), "MISS")
        return [found[key] for key in keys]

    async def put(self, location: str, request: PutRequest) -> Entry:
        """Write at the centre and at this location's edge."""
        self._limit_writes(request.key)
        (entry,) = await self._commit(location, [request])
        return entry

    async def load(self, location: str, requests: Sequence[PutRequest]) -> None:
        """Write all or nothing, as a bulk write does: not limited to one write a second a key."""
        await self._commit(location, requests)

    async def delete(self, location: str, key: bytes) -> None:
        """Leave a tombstone; deleting a key that is not there succeeds."""
        now_ms = self.clock.now_ms()
        await self._write(location, [Entry(key, None, await self._next_version(), now_ms)], now_ms)

    async def list(self, location: str, request: ListRequest, *, cache_ttl_s: int = CACHE_TTL_S_DEFAULT) -> Listing:
        """One page; short or even empty ones with a cursor occur, only `cursor` None says that it is the last."""
        after = self._decode_cursor(request)
        now_ms = self.clock.now_ms()
        if not self.profile.caches:
            return self._listing(request, await self._walk(request, after, now_ms), None, now_ms)
        edge, ttl_ms = self._edges[location], cache_ttl_s * 1000
        copy = edge.page(request, ttl_ms, now_ms)
        if copy is not None:
            return self._listing(request, copy.content, "HIT", now_ms)
        writes = edge.writes
        page = await self._walk(request, after, now_ms)
        edge.keep_page(request, page, ttl_ms=ttl_ms, now_ms=now_ms, writes=writes)
        return self._listing(request, page, "MISS", now_ms)

    async def count(self, prefix: bytes = b"") -> int:
        """How many live keys there are at the centre, whatever any location sees."""
        now_ms, first, total = self.clock.now_ms(), prefix, 0
        while rows := await self._store.walk(first, key_rules.after_prefix(prefix), 10_000):
            total += sum(row.live(now_ms) for row in rows)
            first = rows[-1].key + b"\0"
        return total

    async def reset(self) -> None:
        """Forget everything, at the centre and at every edge."""
        await self._store.clear()
        self._last_put_ms.clear()
        for edge in self._edges.values():
            edge.clear()

    async def close(self) -> None:
        await self._store.close()

    async def _commit(self, location: str, requests: Sequence[PutRequest]) -> Sequence[Entry]:
        now_ms = self.clock.now_ms()
        entries = [
            Entry(r.key, r.value, await self._next_version(), now_ms, r.expiration_s, r.metadata) for r in requests
        ]
        await self._write(location, entries, now_ms)
        return entries

    async def _write(self, location: str, entries: Sequence[Entry], now_ms: int) -> None:
        await self._store.write(entries)
        if self.profile.caches:
            edge = self._edges[location]
            for entry in entries:
                edge.wrote(entry, now_ms)

    async def _next_version(self) -> int:
        if self._version is None:
            last = await self._store.last_version()
            self._version = last if self._version is None else self._version
        self._version += 1
        return self._version

    def _limit_writes(self, key: bytes) -> None:
        interval_ms, now_ms = self.profile.write_interval_ms, self.clock.now_ms()
        if not interval_ms:
            return
        last_ms = self._last_put_ms.pop(key, None)
        if last_ms is not None and 0 <= now_ms - last_ms < interval_ms:
            self._last_put_ms[key] = last_ms
            raise KVError("PUT", 429, "Too Many Requests")
        self._last_put_ms[key] = now_ms
        while not 0 <= now_ms - next(iter(self._last_put_ms.values())) < interval_ms:
            self._last_put_ms.popitem(last=False)

    async def _walk(self, request: ListRequest, after: bytes | None, now_ms: int) -> Page:
        """`limit` keys, those lately gone included; one more tells whether the list goes on."""
        forgotten_ms = now_ms - self.profile.tombstone_life_ms
        first, before = request.prefix if after is None else after + b"\0", key_rules.after_prefix(request.prefix)
        walked: Rows = []
        forgotten = 0
        while len(walked) <= request.limit:
            rows = await self._store.walk(max(first, request.prefix), before, request.limit + 1)
            met = [row for row in rows if not _gone_before(row, forgotten_ms, now_ms)]
            walked += met
            forgotten += len(rows) - len(met)
            if len(rows) <= request.limit:
                break
            first = rows[-1].key + b"\0"
        if forgotten > _FORGOTTEN_WALKED_MAX:
            await self._store.purge(forgotten_ms)
        page = tuple(walked[: request.limit])
        return Page(page, page[-1].key if len(walked) > request.limit else None)

    def _listing(self, request: ListRequest, page: Page, cache_status: str | None, now_ms: int) -> Listing:
        cursor = None
        if page.resume_after is not None and self.profile.opaque_cursors:
            cursor = key_rules.encode_cursor(request.prefix, page.resume_after)
        elif page.resume_after is not None:
            cursor = key_rules.encode_local_cursor(page.resume_after)
        return Listing(tuple(row for row in page.rows if row.live(now_ms)), cursor, cache_status)

    def _decode_cursor(self, request: ListRequest) -> bytes | None:
        if request.cursor == "":
            return None
        if self.profile.opaque_cursors:
            return key_rules.decode_cursor(request.prefix, request.cursor)
        return key_rules.decode_local_cursor(request.cursor)


def _live(entry: Entry | None, now_ms: int) -> Entry | None:
    return entry if entry is not None and entry.live(now_ms) else None


def _gone_before(row: Row, forgotten_ms: int, now_ms: int) -> bool:
    gone_ms = row.gone_since_ms(now_ms)
    return gone_ms is not None and gone_ms <= forgotten_ms
