"""The centre: the one store, the order of its writes, and what of it each location can see yet.

A write draws its version and is written in one turn, so that the order of versions is the order on the disk.

Nobody else writes to the store, so what was read from it is remembered until it is written: a read of the store is a
hop to another thread, a hundred times the price of looking it up.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from queue_emulator.core.clock import LATEST_MS
from queue_emulator.core.dice import Dice
from queue_emulator.core.edge import Edge
from queue_emulator.core.entries import Entry, Page, Row
from queue_emulator.core.keys import after_prefix
from queue_emulator.core.options import ListRequest, PutRequest
from queue_emulator.core.profiles import Profile
from queue_emulator.core.replication import Replication
from queue_emulator.kv.store import Store

_FOREVER_MS = LATEST_MS
_FORGOTTEN_WALKED_MAX = 1000  # a list that meets more dead rows than this has them purged
_COUNTED_AT_ONCE = 10_000

HeldUntil = Mapping[bytes, Mapping[str, int]]
"""For each key that a fault keeps away: from which locations, and until when, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a location sees under a key, and the last version of it if that is another."""

    entry: Entry | None
    newer_version: int | None


class Versions:
    """The order of the writes to one state file, whose namespaces share it: numbers from 1, each used once.

    Whoever takes numbers holds `turn` until what they are given to is written.
    """

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self._last: int | None = None

    async def take(self, count: int, store: Store) -> int:
        """The first of the next `count` versions; `store` says which was the last before this process."""
        if self._last is None:
            self._last = await store.last_version()
        self._last += count
        return self._last - count + 1


class Centre:
    """The store, with a version for each write."""

    def __init__(self, store: Store, profile: Profile, dice: Dice, versions: Versions) -> None:
        self._store = store
        self._profile = profile
        self._replication = Replication(dice, profile.lag_ms)
        self._versions = versions
        self._remembered = Edge()

    async def read(self, location: str, keys: Sequence[bytes], now_ms: int) -> list[Sight]:
        """What the location sees under each key, dead entries included."""
        return [
            self._sight(key, current, location, now_ms)
            for key, current in zip(keys, await self.current(keys, now_ms), strict=True)
        ]

    async def page(self, location: str | None, request: ListRequest, after: bytes | None, now_ms: int) -> Page:
        """`limit` keys, those lately gone included; one more tells whether the list goes on.

        As the location sees it, or, if it is None, as it is.
        """
        if self._replication.any_underway:
            return (await self._walk(location, request, after, now_ms))[0]
        copy = self._remembered.page(request, _FOREVER_MS, now_ms)
        if copy is not None:
            return copy.content
        writes = self._remembered.writes
        page, until_ms = await self._walk(location, request, after, now_ms)
        self._remembered.keep_page(request, page, ttl_ms=until_ms - now_ms, now_ms=now_ms, writes=writes)
        return page

    async def _walk(
        self, location: str | None, request: ListRequest, after: bytes | None, now_ms: int
    ) -> tuple[Page, int]:
        """The page, and until when it stays the same if nothing is written."""
        before = after_prefix(request.prefix)
        first = request.prefix if after is None else max(after + b"\0", request.prefix)
        walked: list[Row] = []
        forgotten, until_ms = 0, _FOREVER_MS
        newer: dict[bytes, int] = {}
        while len(walked) <= request.limit:
            rows = await self._store.walk(first, before, request.limit + 1)
            seen = rows
            if location is not None and self._replication.any_underway:
                seen = await self._seen_rows(rows, location, now_ms, newer)
            ends_ms = self._walked_until_ms(seen)
            known = [row for row, end_ms in zip(seen, ends_ms, strict=True) if end_ms > now_ms]
            until_ms = min([until_ms, *(end_ms for end_ms in ends_ms if end_ms > now_ms)])
            forgotten += len(seen) - len(known)
            walked += known
            if len(rows) <= request.limit:
                break
            first = rows[-1].key + b"\0"
        if forgotten > _FORGOTTEN_WALKED_MAX:
            await self._store.purge(now_ms - self._profile.tombstone_life_ms)
        page = tuple(walked[: request.limit])
        resume_after = page[-1].key if len(walked) > request.limit else None
        on_page = (version for key, version in newer.items() if resume_after is None or key <= resume_after)
        return Page(page, resume_after, max(on_page, default=None)), until_ms

    async def put(self, location: str, requests: Sequence[PutRequest], now_ms: int, held: HeldUntil) -> list[Entry]:
        """Write all or nothing from `location`; what is `held` comes to the locations named there no earlier."""
        async with self._versions.turn:
            before = await self._before([request.key for request in requests], held)
            first = await self._versions.take(len(requests), self._store)
            entries = [
                Entry(each.key, each.value, version, now_ms, each.expiration_s, each.metadata)
                for version, each in enumerate(requests, first)
            ]
            await self._store.write(entries, partial(self._written, location, entries, before, held, now_ms))
        return entries

    async def delete(self, location: str, keys: Sequence[bytes], now_ms: int, held: HeldUntil) -> list[Entry]:
        """Leave tombstones, all or none."""
        async with self._versions.turn:
            before = await self._before(keys, held)
            first = await self._versions.take(len(keys), self._store)
            tombstones = [Entry(key, None, version, now_ms) for version, key in enumerate(keys, first)]
            await self._store.write(tombstones, partial(self._written, location, tombstones, before, held, now_ms))
        return tombstones

    async def count(self, now_ms: int) -> int:
        """How many keys live."""
        first, total = b"", 0
        while rows := await self._store.walk(first, None, _COUNTED_AT_ONCE):
            total += sum(row.live(now_ms) for row in rows)
            first = rows[-1].key + b"\0"
        return total

    async def clear(self) -> None:
        async with self._versions.turn:
            await self._store.clear()
            self._replication.clear()
            self._remembered.clear()

    async def close(self) -> None:
        await self._store.close()

    def _written(
        self,
        location: str,
        entries: Sequence[Entry],
        before: Mapping[bytes, Entry | None] | None,
        held: HeldUntil,
        now_ms: int,
    ) -> None:
        if before is not None:
            self._replication.forget(now_ms)
            for entry in entries:
                self._replication.wrote(before[entry.key], entry, location, held.get(entry.key, {}))
        for entry in entries:
            self._remembered.wrote(entry, now_ms)

    async def _before(self, keys: Sequence[bytes], held: HeldUntil) -> dict[bytes, Entry | None] | None:
        """What stands under the keys, if a write of them may be seen late or follows one that is."""
        if not self._replication.needs_before(held) and not any(map(self._replication.underway, keys)):
            return None
        return dict(zip(keys, await self._store.read(keys), strict=True))

    def _sight(self, key: bytes, current: Entry | None, location: str, now_ms: int) -> Sight:
        seen = self._replication.seen(current, key, location, now_ms)
        unseen = current is not None and current.version > (seen.version if seen else 0)
        return Sight(seen, current.version if current is not None and unseen else None)

    async def _seen_rows(self, rows: Sequence[Row], location: str, now_ms: int, newer: dict[bytes, int]) -> list[Row]:
        """The rows as the location sees them; puts into `newer` the last versions that it does not see."""
        late = [row.key for row in rows if self._replication.underway(row.key)]
        sights = dict(zip(late, await self.read(location, late, now_ms) if late else (), strict=True))
        seen: list[Row] = []
        for row in rows:
            sight = sights.get(row.key)
            if sight is None:
                seen.append(row)
                continue
            if sight.newer_version is not None:
                newer[row.key] = sight.newer_version
            if sight.entry is not None:
                seen.append(Row.of(sight.entry))
        return seen

    def _walked_until_ms(self, rows: Sequence[Row]) -> list[int]:
        """Up to when a list still walks each key, if it is not written again; from then on it is forgotten."""
        life_ms = self._profile.tombstone_life_ms
        return [
            (row.written_ms + life_ms if life_ms else 0)
            if row.deleted
            else (_FOREVER_MS if row.expiration_s is None else row.expiration_s * 1000 + life_ms)
            for row in rows
        ]

    async def current(self, keys: Sequence[bytes], now_ms: int) -> list[Entry | None]:
        """What the store holds under each key, dead entries included, whatever any location sees."""
        copies = [self._remembered.value(key, _FOREVER_MS, now_ms) for key in keys]
        missing = [key for key, copy in zip(keys, copies, strict=True) if copy is None]
        read = dict(zip(missing, await self._store.read(missing) if missing else (), strict=True))
        for key, entry in read.items():
            self._remembered.keep_value(key, entry, ttl_ms=_FOREVER_MS, now_ms=now_ms)
        return [read[key] if copy is None else copy.content for key, copy in zip(keys, copies, strict=True)]
