"""The centre: the one store, the order of its writes, and what of it each location can see yet.

A write draws its version and is written in one turn, so that the order of versions is the order on the disk.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from msgspec import structs

from queue_emulator.core.copies import shallow
from queue_emulator.core.dice import Dice
from queue_emulator.core.entries import Entry, Page, Row
from queue_emulator.core.errors import DamageError
from queue_emulator.core.keys import after_prefix
from queue_emulator.core.options import ListRequest
from queue_emulator.core.profiles import Profile
from queue_emulator.core.replication import Replication
from queue_emulator.kv.operation import Operation, Way, Written
from queue_emulator.kv.read_cache import FOREVER_MS, ReadCache
from queue_emulator.kv.store import Staged, Store
from queue_emulator.kv.waiting import STEP_BYTES, STEP_ENTRIES, others_first, steps

_FORGOTTEN_WALKED_MAX = 1000  # a list that meets more dead rows than this has them purged
_COUNTED_AT_ONCE = 10_000
_ALL = slice(None)

Arrived = Callable[[Operation[Any], Way, Entry], None]
"""Told of an entry that an operation has written."""


class Sight(NamedTuple):
    """What a location sees under a key, and the last version of it if that is another."""

    entry: Entry | None
    newer_version: int | None


@dataclass(slots=True)
class _Walked:
    """What a list has walked so far.

    rows       those that it still walks past, gone or not
    forgotten  how many rows were gone for so long that it skips them
    until_ms   until when it stays the same, if nothing is written
    newer      the last version of each key that its location cannot see yet
    """

    rows: list[Row] = field(default_factory=list)
    forgotten: int = 0
    until_ms: int = FOREVER_MS
    newer: dict[bytes, int] = field(default_factory=dict)

    def add(self, rows: Sequence[Row], ends_ms: Sequence[int], now_ms: int) -> None:
        """The next rows, each with the time from which it is skipped."""
        first_end_ms = min(ends_ms, default=FOREVER_MS)
        if first_end_ms <= now_ms:  # most pages have no row that is skipped
            known = [row for row, end_ms in zip(rows, ends_ms, strict=True) if end_ms > now_ms]
            self.forgotten += len(rows) - len(known)
            rows, first_end_ms = known, min(filter(now_ms.__lt__, ends_ms), default=FOREVER_MS)
        self.rows += rows
        self.until_ms = min(self.until_ms, first_end_ms)

    def page(self, limit: int) -> Page:
        page = tuple(self.rows[:limit])
        resume_after = page[-1].key if len(self.rows) > limit else None
        on_page = (version for key, version in self.newer.items() if resume_after is None or key <= resume_after)
        return Page(page, resume_after, max(on_page, default=None))


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
        return self.draw(count)

    def copy(self) -> "Versions":
        """The same order, which goes on by itself."""
        other = Versions()
        other._last = self._last
        return other

    def draw(self, count: int) -> int:
        """As `take`, if the last version is known already; 0 if not."""
        if self._last is None:
            return 0
        self._last += count
        return self._last - count + 1


class Centre:
    """The store, with a version for each write."""

    def __init__(self, store: Store, profile: Profile, dice: Dice, versions: Versions) -> None:
        self._store = store
        self._profile = profile
        self._replication = Replication(dice, profile.lag_ms)
        self._versions = versions
        self._read = ReadCache(store)

    async def read(self, location: str | None, keys: Sequence[bytes], now_ms: int) -> list[Sight]:
        """What the location sees under each key, dead entries included; None sees what is there."""
        current = await self._read.entries(keys, now_ms)
        if location is None or not self._replication.any_underway:
            return [Sight(entry, None) for entry in current]
        return [self._sight(key, entry, location, now_ms) for key, entry in zip(keys, current, strict=True)]

    def copy(self, store: Store) -> "Centre":
        """The same over a copy of the store, which goes on by itself."""
        other = shallow(self)
        other._store, other._versions = store, self._versions.copy()
        other._replication, other._read = self._replication.copy(), self._read.copy(store)
        return other

    @property
    def any_underway(self) -> bool:
        """Whether some location may not see a write yet."""
        return self._replication.any_underway

    async def page(self, location: str | None, request: ListRequest, after: bytes | None, now_ms: int) -> Page:
        """`limit` keys, those lately gone included; one more tells whether the list goes on.

        As the location sees it, or, if it is None, as it is.
        """
        if self._replication.any_underway:
            return (await self._walk(location, request, after, now_ms))[0]
        known = self._read.page(request, now_ms)
        if known is not None:
            return known
        writes = self._read.writes
        page, until_ms = await self._walk(location, request, after, now_ms)
        self._read.keep_page(request, page, until_ms=until_ms, now_ms=now_ms, writes=writes)
        return page

    async def write(
        self, operation: Operation[Any], way: Way, *, still: Callable[[Operation[Any], Way], None], arrived: Arrived
    ) -> Written:
        """Write all or nothing, with a version for each key. Nobody's cancellation ends it half-way.

        `still` raises if it is not to be done any more; `arrived` is told of each entry before anybody can see it.
        """
        store, replication, turn = self._store, self._replication, self._versions.turn
        await turn.acquire()  # not `async with`: each write pays for it
        try:
            still(operation, way)
            before = None
            if replication.any_underway or replication.needs_before(way.held_ms):
                before = await _before(store, operation.keys)
            versions = self._versions
            first = versions.draw(len(operation.keys)) or await versions.take(len(operation.keys), store)
            entries = _entries(operation, way.begun_ms, first)
            await store.write(entries, partial(self._written, operation, way, entries, before, arrived))
        finally:
            turn.release()
        return Written(entries)

    async def write_in_steps(
        self, operation: Operation[Any], way: Way, *, still: Callable[[Operation[Any], Way], None], arrived: Arrived
    ) -> Written:
        """As `write`, of what is long: others go on until it is written, which takes a moment, and after it.

        So nobody sees half of it, but a location's copies follow one by one before it is acknowledged.
        """
        still(operation, way)
        turn = self._versions.turn
        entries: list[Entry] = []  # made before its turn comes: meanwhile nobody else writes
        staged = await self._store.stage(_drafts(operation, way.begun_ms, entries))
        try:
            await turn.acquire()
            try:
                await self._write_staged(operation, way, staged, entries, still)
            finally:
                turn.release()
            for part in steps(len(entries)):
                for entry in entries[part]:
                    arrived(operation, way, entry)
                await others_first()
                still(operation, way)
        finally:
            await staged.end()
        return Written(entries)

    async def expect_clear(self) -> None:
        """Its entries are about to be dropped by the catalogue: no version that they have is drawn again.

        What was read of the store stays until `clear`, and a write with a lower version would seem older than it.
        """
        async with self._versions.turn:
            await self._versions.take(0, self._store)

    async def count(self, now_ms: int) -> int:
        """How many keys live."""
        first, total = b"", 0
        while rows := await self._store.walk(first, None, _COUNTED_AT_ONCE):
            total += sum(row.live(now_ms) for row in rows)
            first = rows[-1].key + b"\0"
        return total

    async def next_expiry_s(self, now_ms: int) -> int | None:
        """When the next living key expires, in unix seconds; None if none does."""
        first, next_s = b"", None
        while rows := await self._store.walk(first, None, _COUNTED_AT_ONCE):
            ends = [row.expiration_s for row in rows if row.expiration_s is not None and row.live(now_ms)]
            next_s = min([*ends, *([] if next_s is None else [next_s])], default=None)
            first = rows[-1].key + b"\0"
            await others_first()
        return next_s

    async def clear(self) -> None:
        """Forget everything; what was begun before is over, written and forgotten with the rest, or not written."""
        async with self._versions.turn:
            await self._store.clear()
            self._replication.clear()
            self._read.clear()

    async def close(self) -> None:
        await self._store.close()

    async def _write_staged(
        self,
        operation: Operation[Any],
        way: Way,
        staged: Staged,
        entries: Sequence[Entry],
        still: Callable[[Operation[Any], Way], None],
    ) -> None:
        store, replication, keys = self._store, self._replication, operation.keys
        still(operation, way)
        before = None
        if replication.any_underway or replication.needs_before(way.held_ms):
            before = await _before(store, keys)
        first = await self._versions.take(len(keys), store)
        for version, entry in enumerate(entries, first):
            structs.force_setattr(entry, "version", version)
        await staged.write(entries, partial(self._written_many, operation, way, entries, before))

    def _written_many(
        self,
        operation: Operation[Any],
        way: Way,
        entries: Sequence[Entry],
        before: Mapping[bytes, Entry | None] | None,
    ) -> None:
        """Of many entries, what was read already is read again: to look at each of them would take longer."""
        if before is not None:
            self._set_out(operation, way, entries, before)
        if len(entries) > STEP_ENTRIES:
            self._read.clear()
        else:
            for entry in entries:
                self._read.wrote(entry, way.begun_ms)

    def _written(
        self,
        operation: Operation[Any],
        way: Way,
        entries: Sequence[Entry],
        before: Mapping[bytes, Entry | None] | None,
        arrived: Arrived,
    ) -> None:
        if before is not None:
            self._set_out(operation, way, entries, before)
        for entry in entries:
            self._read.wrote(entry, way.begun_ms)
            arrived(operation, way, entry)

    def _set_out(
        self,
        operation: Operation[Any],
        way: Way,
        entries: Sequence[Entry],
        before: Mapping[bytes, Entry | None],
    ) -> None:
        """The writes are on their way to the other locations."""
        now_ms = way.begun_ms
        self._replication.forget(now_ms)
        for entry in entries:
            until_ms = {at: now_ms + held_ms for at, held_ms in way.held_ms.get(entry.key, {}).items()}
            self._replication.wrote(before[entry.key], entry, operation.location, until_ms)

    async def _walk(
        self, location: str | None, request: ListRequest, after: bytes | None, now_ms: int
    ) -> tuple[Page, int]:
        """The page, and until when it stays the same if nothing is written."""
        before, count = after_prefix(request.prefix), request.limit + 1
        first = request.prefix if after is None else max(after + b"\0", request.prefix)
        walked = _Walked()
        while len(walked.rows) < count:
            rows = await self._store.walk(first, before, count)
            seen = await self._seen_rows(rows, location, now_ms, walked.newer)
            walked.add(seen, self._walked_until_ms(seen), now_ms)
            if len(rows) < count:
                break
            first = rows[-1].key + b"\0"
        if walked.forgotten > _FORGOTTEN_WALKED_MAX:
            await self._store.purge(now_ms - self._profile.tombstone_life_ms)
        return walked.page(request.limit), walked.until_ms

    def _sight(self, key: bytes, current: Entry | None, location: str, now_ms: int) -> Sight:
        seen = self._replication.seen(current, key, location, now_ms)
        unseen = current is not None and current.version > (seen.version if seen else 0)
        return Sight(seen, current.version if current is not None and unseen else None)

    async def _seen_rows(
        self, rows: Sequence[Row], location: str | None, now_ms: int, newer: dict[bytes, int]
    ) -> Sequence[Row]:
        """The rows as the location sees them; puts into `newer` the last versions that it does not see."""
        if location is None or not self._replication.any_underway:
            return rows
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
            else (FOREVER_MS if row.expiration_s is None else row.expiration_s * 1000 + life_ms)
            for row in rows
        ]


async def _before(store: Store, keys: Sequence[bytes]) -> dict[bytes, Entry | None]:
    """What stands under keys that are about to be written: nothing, where it is damaged and the write mends it."""
    try:
        return dict(zip(keys, await store.read(keys), strict=True))
    except DamageError:
        found: dict[bytes, Entry | None] = {}
        for key in keys:
            with suppress(DamageError):
                found[key] = None
                (found[key],) = await store.read((key,))
        return found


def _entries(operation: Operation[Any], now_ms: int, first: int, part: slice = _ALL) -> Sequence[Entry]:
    """What a write or a delete leaves under its keys, or under a part of them, with as many versions."""
    if not operation.writes:
        return [Entry(key, None, version, now_ms) for version, key in enumerate(operation.keys[part], first)]
    return [
        Entry(each.key, each.value, version, now_ms, each.expires_s(now_ms), each.metadata)
        for version, each in enumerate(operation.writes[part], first)
    ]


def _drafts(operation: Operation[Any], now_ms: int, made: list[Entry]) -> Iterator[Sequence[Entry]]:
    """The entries in steps, numbered from 1; of two with one key the last. All that are `made` are kept there."""
    replaced = _replaced(operation.keys)
    draft: list[Entry] = []
    size_bytes = 0
    for part in steps(len(operation.keys)):
        made += _entries(operation, now_ms, part.start + 1, part)
        for entry in made[part]:
            if entry.version in replaced:
                continue
            draft.append(entry)
            size_bytes += len(entry.value or b"")
            if size_bytes > STEP_BYTES:
                yield draft
                draft, size_bytes = [], 0
        if draft:
            yield draft
            draft, size_bytes = [], 0


def _replaced(keys: Sequence[bytes]) -> set[int]:
    """Which of them, numbered from 1, come again later."""
    if len(set(keys)) == len(keys):  # mostly; numbers for all of them would take as much as the entries
        return set()
    last = {key: number for number, key in enumerate(keys, 1)}
    return {number for number, key in enumerate(keys, 1) if last[key] != number}
