"""One emulated namespace: what the pipeline ends in, the locations' edges before their centre; and for libraries."""

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import structs

from queue_emulator.core import keys as key_rules
from queue_emulator.core.clock import Clock
from queue_emulator.core.copies import shallow
from queue_emulator.core.dice import Dice
from queue_emulator.core.edge import Edge
from queue_emulator.core.entries import Entry, Page, Row
from queue_emulator.core.errors import ResetError
from queue_emulator.core.kinds import DELETE, GET, GET_BULK, LIST, LOAD, PUT, Kind
from queue_emulator.core.limits import CACHE_TTL_S_DEFAULT
from queue_emulator.core.options import ListRequest, PutRequest
from queue_emulator.core.profiles import CLOUDFLARE, Profile
from queue_emulator.core.put_requests import keys_of
from queue_emulator.core.wire_names import API_LOCATION
from queue_emulator.kv.centre import Centre, Versions
from queue_emulator.kv.limiting import Limits
from queue_emulator.kv.operation import Found, Invocation, Listing, Operation, Outcome, Reading, Way, Written
from queue_emulator.kv.pipeline import Pipeline
from queue_emulator.kv.sights import Kept, KeySight, Seen, seen_at_edge, seen_late
from queue_emulator.kv.store import Store
from queue_emulator.kv.waiting import STEP_BYTES, STEP_ENTRIES, Sleep, sleep_really

NOBODY = Invocation(None, mixed=True)
"""Who asks without being a run of a Worker."""


@dataclass(slots=True)
class _View:
    """How one location sees the namespace.

    edge            its copies; None where nothing is copied
    lags_as         the location whose lag it has; None sees every write at once
    opaque_cursors  whether its cursors are checked
    """

    edge: Edge | None
    lags_as: str | None
    opaque_cursors: bool


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
        pipeline: Pipeline | None = None,
        namespace: str | None = None,
    ) -> None:
        """`pipeline` is that of an account with other namespaces, among which this one has the name `namespace`."""
        dice = dice or Dice()
        self.clock = clock
        self.profile = profile
        self.namespace = namespace
        self.pipeline = pipeline or Pipeline(clock, dice, sleep, profile.plan)
        self.faults, self.journal, self.meter = self.pipeline.faults, self.pipeline.journal, self.pipeline.meter
        self.limits = Limits(profile, self.pipeline.quota)
        self._centre = Centre(store, profile, dice, versions or Versions())
        self._edges: list[Edge] = [Edge()] if profile.api_caches else []
        self._views = {API_LOCATION: _View(next(iter(self._edges), None), lags_as=None, opaque_cursors=True)}
        self._retired = False

    def beside(self, store: Store, namespace: str, dice: Dice) -> "KVService":
        """Another namespace of the account."""
        return KVService(
            store, clock=self.clock, profile=self.profile, dice=dice, pipeline=self.pipeline, namespace=namespace
        )

    def copy(self, store: Store, clock: Clock) -> "KVService":
        """The same over a copy of its store, which goes on by itself under another clock; it shares no account."""
        other = shallow(self)
        other.clock, other.pipeline = clock, self.pipeline.copy(clock)
        other.faults, other.journal, other.meter = other.pipeline.faults, other.pipeline.journal, other.pipeline.meter
        other.limits = self.limits.copy(other.pipeline.quota)
        other._centre = self._centre.copy(store)
        copies = {id(edge): edge.copy() for edge in self._edges}
        other._edges = list(copies.values())
        other._views = {
            name: _View(None if view.edge is None else copies[id(view.edge)], view.lags_as, view.opaque_cursors)
            for name, view in self._views.items()
        }
        return other

    def perform(self, operation: Operation[Outcome]) -> Coroutine[Any, Any, Outcome]:
        """Any operation, all the way; raises JavaScriptError for what is refused or fails."""
        return self.pipeline.perform(operation, self)

    async def get(
        self, location: str, key: bytes, *, cache_ttl_s: int = CACHE_TTL_S_DEFAULT, caller: Invocation = NOBODY
    ) -> Found:
        """The entry under `key`, no fresher than this location's copy of it."""
        now_ms = self.clock.now_ms()
        reading: Reading = await self.pipeline.perform(
            Operation(GET, self.namespace, location, (key,), caller, now_ms, cache_ttl_s=cache_ttl_s), self
        )
        return reading.found[0]

    async def get_bulk(
        self,
        location: str,
        keys: Sequence[bytes],
        *,
        cache_ttl_s: int = CACHE_TTL_S_DEFAULT,
        caller: Invocation = NOBODY,
    ) -> Sequence[Found]:
        """The entries under `keys`, in their order, as of one moment."""
        each, now_ms = tuple(dict.fromkeys(keys)), self.clock.now_ms()
        reading: Reading = await self.pipeline.perform(
            Operation(GET_BULK, self.namespace, location, each, caller, now_ms, cache_ttl_s=cache_ttl_s), self
        )
        found = dict(zip(each, reading.found, strict=True))
        return [found[key] for key in keys]

    async def put(self, location: str, request: PutRequest, *, caller: Invocation = NOBODY) -> Entry:
        """Write at the centre and at this location's edge."""
        keys, now_ms = (request.key,), self.clock.now_ms()
        written: Written = await self.pipeline.perform(
            Operation(PUT, self.namespace, location, keys, caller, now_ms, (request,)), self
        )
        return written.entries[0]

    async def write(
        self, location: str, requests: Sequence[PutRequest], *, caller: Invocation = NOBODY, in_steps: bool = False
    ) -> Sequence[Entry]:
        """Write all or nothing, in their order; with `in_steps` others go on meanwhile, if it is long."""
        written: Written = await self.pipeline.perform(
            self._writing(PUT, location, requests, caller=caller, in_steps=in_steps), self
        )
        return written.entries

    async def load(
        self, location: str, requests: Sequence[PutRequest], *, in_steps: bool = False, epoch: int | None = None
    ) -> None:
        """As `write`, as a seed: no rule, limit or count is for it. `epoch`: of the reset after which it was sent."""
        caller = NOBODY if epoch is None else Invocation(None, mixed=True, epoch=epoch)
        await self.pipeline.perform(self._writing(LOAD, location, requests, caller=caller, in_steps=in_steps), self)

    async def delete(self, location: str, *keys: bytes, caller: Invocation = NOBODY, in_steps: bool = False) -> None:
        """Leave tombstones, all or none; deleting a key that is not there succeeds; `in_steps` as in `write`."""
        now_ms, in_steps = self.clock.now_ms(), in_steps and len(keys) > STEP_ENTRIES
        operation: Operation[Written] = Operation(
            DELETE, self.namespace, location, keys, caller, now_ms, in_steps=in_steps
        )
        await self.pipeline.perform(operation, self)

    async def list(
        self,
        location: str,
        request: ListRequest,
        *,
        cache_ttl_s: int = CACHE_TTL_S_DEFAULT,
        caller: Invocation = NOBODY,
    ) -> Listing:
        """One page; short or even empty ones with a cursor occur, only `cursor` None says that it is the last."""
        keys, now_ms = (request.prefix,), self.clock.now_ms()
        listing: Listing = await self.pipeline.perform(
            Operation(LIST, self.namespace, location, keys, caller, now_ms, (), request, cache_ttl_s), self
        )
        return listing

    async def entries(self, request: ListRequest) -> tuple[Sequence[Entry], str | None]:
        """A page of live entries as the centre has them, values included, and its cursor; noted nowhere."""
        now_ms, opaque = self.clock.now_ms(), self.profile.opaque_cursors
        page = await self._centre.page(None, request, _decode_cursor(request, opaque), now_ms)
        keys = [row.key for row in page.live_rows(now_ms)]
        current = [sight.entry for sight in await self._centre.read(None, keys, now_ms)]
        live = [entry for entry in current if entry is not None and entry.live(now_ms)]
        return live, _encode_cursor(request, page, opaque)

    async def sights(self, request: ListRequest, locations: Sequence[str]) -> tuple[Sequence[KeySight], str | None]:
        """A page of keys, those included that are gone and still shown somewhere, and its cursor; noted nowhere."""
        now_ms, opaque = self.clock.now_ms(), self.profile.opaque_cursors
        page = await self._centre.page(None, request, _decode_cursor(request, opaque), now_ms)
        rows = {row.key: row for row in page.rows}
        looked = await self._look(rows, locations, now_ms)
        return [each for each in looked if each.told(now_ms)], _encode_cursor(request, page, opaque)

    async def sight(self, key: bytes, locations: Sequence[str]) -> tuple[Entry | None, KeySight]:
        """One key: what the centre holds, a tombstone or what has expired included, and the locations."""
        now_ms = self.clock.now_ms()
        entry = (await self._centre.read(None, (key,), now_ms))[0].entry
        (sight,) = await self._look({key: None if entry is None else Row.of(entry)}, locations, now_ms)
        return entry, sight

    async def next_expiry_s(self) -> int | None:
        """When the next key expires, in unix seconds; None if none does."""
        return await self._centre.next_expiry_s(self.clock.now_ms())

    async def _look(
        self, rows: Mapping[bytes, Row | None], locations: Sequence[str], now_ms: int
    ) -> Sequence[KeySight]:
        keys, seen = list(rows), dict[bytes, dict[str, Seen]]()
        for location in locations:
            view = self._views.get(location)
            edge = None if view is None else view.edge
            lags_as = location.partition(" ")[0]  # all machines of a location are at it
            late = await self._centre.read(lags_as, keys, now_ms) if self._centre.any_underway else None
            for position, key in enumerate(keys):
                at_edge = seen_at_edge(None if edge is None else edge.kept(key, now_ms), now_ms)
                if late is not None and at_edge.kept is Kept.NOTHING and late[position].newer_version is not None:
                    at_edge = seen_late(late[position].entry, now_ms)
                seen.setdefault(key, {})[location] = at_edge
        return [KeySight(key, row, seen.get(key, {})) for key, row in rows.items()]

    async def count(self) -> int:
        """How many keys live at the centre, whatever any location sees."""
        return await self._centre.count(self.clock.now_ms())

    async def reset(self) -> None:
        """Forget everything: data, copies, faults, journal and counts. What was begun before is not done after it."""
        self.pipeline.reset()
        await self._centre.clear()
        self.limits.clear()
        for edge in self._edges:
            edge.clear()

    async def expect_reset(self) -> None:
        """A reset begins, which drops the entries before it comes here."""
        await self._centre.expect_clear()

    def retire(self) -> None:
        """The namespace is deleted: what was begun is not done any more."""
        self._retired = True

    async def close(self) -> None:
        await self._centre.close()

    def check(self, operation: Operation[Any]) -> None:
        """Raises KVError for a cursor that is none of ours."""
        if operation.page is not None and operation.page.cursor:
            _decode_cursor(operation.page, self._view(operation).opaque_cursors)

    def carry_out(self, operation: Operation[Outcome], way: Way) -> Coroutine[Any, Any, Outcome]:
        """The operation at its location's edge and at the centre."""
        doing: Any = _DOING[operation.kind]
        return doing(self, operation, way)  # type: ignore[no-any-return]  # a kind has its own outcome

    async def _read(self, operation: Operation[Any], way: Way) -> Reading:
        view, now_ms = self._view(operation), way.begun_ms
        if view.edge is None:
            sights = await self._centre.read(view.lags_as, operation.keys, now_ms)
            self._still(operation, way)
            return Reading([_found(sight.entry, None, now_ms, 0, sight.newer_version) for sight in sights])
        edge, ttl_ms, found = view.edge, operation.cache_ttl_s * 1000, dict[bytes, Found]()
        for key in operation.keys:
            copy = edge.value(key, ttl_ms, now_ms)
            if copy is not None:
                found[key] = _found(copy.content, "HIT", now_ms, now_ms - copy.fetched_ms, copy.newer_version)
        missing = [key for key in operation.keys if key not in found]
        if missing:
            sights = await self._centre.read(view.lags_as, missing, now_ms)
            self._still(operation, way)
            for key, sight in zip(missing, sights, strict=True):
                newer = sight.newer_version
                edge.keep_value(key, sight.entry, ttl_ms=ttl_ms, now_ms=now_ms, newer_version=newer)
                found[key] = _found(sight.entry, "MISS", now_ms, 0, newer)
        return Reading([found[key] for key in operation.keys])

    async def _list(self, operation: Operation[Any], way: Way) -> Listing:
        request, view, now_ms = operation.page, self._view(operation), way.begun_ms
        assert request is not None
        after = _decode_cursor(request, view.opaque_cursors)
        ttl_ms, status, age_ms = operation.cache_ttl_s * 1000, None, 0
        copy = None if view.edge is None else view.edge.page(request, ttl_ms, now_ms)
        if copy is not None:
            page, status, age_ms, newer = copy.content, "HIT", now_ms - copy.fetched_ms, copy.newer_version
        else:
            writes = 0 if view.edge is None else view.edge.writes
            page = await self._centre.page(view.lags_as, request, after, now_ms)
            self._still(operation, way)
            newer = page.newer_version
            if view.edge is not None:
                status = "MISS"
                view.edge.keep_page(request, page, ttl_ms=ttl_ms, now_ms=now_ms, writes=writes, after=after)
        rows = page.live_rows(now_ms)
        return Listing(rows, _encode_cursor(request, page, view.opaque_cursors), status, age_ms, newer)

    def _writing(
        self, kind: Kind, location: str, requests: Sequence[PutRequest], *, caller: Invocation, in_steps: bool
    ) -> Operation[Written]:
        keys, now_ms = keys_of(requests), self.clock.now_ms()
        if in_steps and len(requests) <= STEP_ENTRIES:
            in_steps = sum(len(request.value) for request in requests) > STEP_BYTES
        return Operation(kind, self.namespace, location, keys, caller, now_ms, requests, in_steps=in_steps)

    def _write(self, operation: Operation[Any], way: Way) -> Coroutine[Any, Any, Written]:
        writes = operation.writes
        if operation.in_steps or (len(writes) == 1 and len(writes[0].value) > STEP_BYTES):
            in_steps = structs.replace(operation, in_steps=True)
            return self._centre.write_in_steps(in_steps, way, still=self._still, arrived=self._arrived)
        return self._centre.write(operation, way, still=self._still, arrived=self._arrived)

    def _arrived(self, operation: Operation[Any], way: Way, entry: Entry) -> None:
        """The writer's edge follows the write; to every other edge its copies are stale now."""
        sees_its_own = self.profile.read_your_writes and operation.location != API_LOCATION
        own = self._view(operation).edge if sees_its_own else None
        for edge in self._edges:
            if edge is own:
                edge.wrote(entry, way.begun_ms)
            else:
                edge.superseded(entry, written=operation.in_steps)

    def _still(self, operation: Operation[Any], way: Way) -> None:
        """Raises ResetError for what was begun before a reset, or before the namespace was deleted."""
        if way.epoch != self.pipeline.epoch or self._retired:
            raise ResetError(operation.kind.wire, deleted=way.epoch == self.pipeline.epoch)

    def _view(self, operation: Operation[Any]) -> _View:
        """Of the machine that serves it. What holds for a location holds for all its machines, but each has copies."""
        location, machine = operation.location, operation.caller.machine
        name = location if machine == 1 else f"{location} {machine}"
        view = self._views.get(name)
        if view is None:
            edge = Edge() if self.profile.caches else None
            if edge is not None:
                self._edges.append(edge)
            view = self._views[name] = _View(edge, location, self.profile.opaque_cursors)
        return view


_DOING = {
    GET: KVService._read,
    GET_BULK: KVService._read,
    PUT: KVService._write,
    LOAD: KVService._write,
    DELETE: KVService._write,
    LIST: KVService._list,
}


def _found(entry: Entry | None, status: str | None, now_ms: int, age_ms: int, newer_version: int | None) -> Found:
    return Found(entry if entry is not None and entry.live(now_ms) else None, status, age_ms, newer_version)


def _encode_cursor(request: ListRequest, page: Page, opaque: bool) -> str | None:
    if page.resume_after is None:
        return None
    if opaque:
        return key_rules.encode_cursor(request.prefix, page.resume_after)
    return key_rules.encode_local_cursor(page.resume_after)


def _decode_cursor(request: ListRequest, opaque: bool) -> bytes | None:
    if request.cursor == "":
        return None
    if opaque:
        return key_rules.decode_cursor(request.prefix, request.cursor)
    return key_rules.decode_local_cursor(request.cursor)
