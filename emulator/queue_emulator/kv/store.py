"""Where entries are kept: rows in key order that know no rule of KV's.

A store belongs to one namespace. It keeps expired entries and tombstones until told to purge them, and
answers what it holds; what a reader may see of that is decided above.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from queue_emulator.core.entries import Entry, Row
from queue_emulator.kv.waiting import others_first

Written = Callable[[], None]
"""Called once, when a write is in the store and before anybody can read it there."""


def tell_nobody() -> None:
    """For a write that nobody has to be told of."""


class Staged(Protocol):
    """Entries on their way into a store: those of a write that is too long to be made in one go."""

    async def write(self, entries: Sequence[Entry], written: Written = tell_nobody) -> None:
        """As `Store.write`, of the entries that were staged, under their versions; it does not take long."""
        ...

    async def end(self) -> None:
        """Do in steps what is left to do, which is to forget them if they were not written. To be called always."""
        ...


class Store(Protocol):
    """What the service needs of a store. Writes are atomic, and durable once awaited."""

    async def read(self, keys: Sequence[bytes]) -> list[Entry | None]:
        """What stands under each key, in the order asked."""
        ...

    async def walk(self, first: bytes, before: bytes | None, limit: int) -> list[Row]:
        """At most `limit` rows with first <= key < before (None: to the end), in key order."""
        ...

    async def write(self, entries: Sequence[Entry], written: Written = tell_nobody) -> None:
        """Put every entry under its key, or none. Cancelled, it ends when it is clear which: `written` tells."""
        ...

    async def stage(self, drafts: Iterable[Sequence[Entry]]) -> Staged:
        """Begin a long write, in steps between which others go on; nothing of it can be read yet.

        Each draft is a step: entries with different keys, numbered from 1 on by `version`, whose versions come later.
        """
        ...

    async def purge(self, gone_before_ms: int) -> int:
        """Drop tombstones and expired entries that were gone before this time; returns how many."""
        ...

    async def clear(self) -> None:
        """Drop everything."""
        ...

    async def last_version(self) -> int:
        """The highest version held; 0 for an empty store."""
        ...

    async def close(self) -> None:
        """Finish what was begun; the store is of no use after that."""
        ...


class MemoryStore:
    """Entries in a dictionary beside a sorted list of keys."""

    def __init__(self) -> None:
        self._entries: dict[bytes, Entry] = {}
        self._keys: list[bytes] = []

    def copy(self) -> "MemoryStore":
        """One with the same entries."""
        other = MemoryStore()
        other._entries, other._keys = self._entries.copy(), self._keys.copy()
        return other

    async def read(self, keys: Sequence[bytes]) -> list[Entry | None]:
        return [self._entries.get(key) for key in keys]

    async def walk(self, first: bytes, before: bytes | None, limit: int) -> list[Row]:
        start = bisect_left(self._keys, first)
        end = len(self._keys) if before is None else bisect_left(self._keys, before, start)
        return [Row.of(self._entries[key]) for key in self._keys[start : min(end, start + limit)]]

    async def write(self, entries: Sequence[Entry], written: Written = tell_nobody) -> None:
        known = len(self._entries)
        for entry in entries:
            self._entries[entry.key] = entry
        if len(self._entries) > known:
            if len(entries) == 1:
                self._keys.insert(bisect_left(self._keys, entries[0].key), entries[0].key)
            else:
                self._keys = sorted(self._entries)
        written()

    async def stage(self, drafts: Iterable[Sequence[Entry]]) -> Staged:
        for _ in drafts:
            await others_first()
        return _InMemory(self)

    async def purge(self, gone_before_ms: int) -> int:
        gone = {entry.key for entry in self._entries.values() if _gone_before(entry, gone_before_ms)}
        for key in gone:
            del self._entries[key]
        if gone:
            self._keys = sorted(self._entries)
        return len(gone)

    async def clear(self) -> None:
        self._entries.clear()
        self._keys.clear()

    async def last_version(self) -> int:
        return max((entry.version for entry in self._entries.values()), default=0)

    async def close(self) -> None:
        pass


class _InMemory:
    """There is nothing to prepare: to put a hundred thousand entries into a dictionary does not take long."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def write(self, entries: Sequence[Entry], written: Written = tell_nobody) -> None:
        await self._store.write(entries, written)

    async def end(self) -> None:
        pass


def _gone_before(entry: Entry, gone_before_ms: int) -> bool:
    gone_ms = entry.written_ms if entry.value is None else _expiration_ms(entry)
    return gone_ms is not None and gone_ms < gone_before_ms


def _expiration_ms(entry: Entry) -> int | None:
    return None if entry.expiration_s is None else entry.expiration_s * 1000
