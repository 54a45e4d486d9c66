"""What was read of the store already, and is not written since; of a store in memory only the pages of lists.

Nobody else writes to the store, so what was read of it is remembered until it is written: a read of the store is a hop
to another thread, a hundred times the price of looking it up. Nothing here is a rule of KV's: no location sees it.
"""

from collections.abc import Sequence

from queue_emulator.core.clock import LATEST_MS
from queue_emulator.core.copies import shallow
from queue_emulator.core.edge import Edge
from queue_emulator.core.entries import Entry, Page
from queue_emulator.core.options import ListRequest
from queue_emulator.kv.store import MemoryStore, Store

FOREVER_MS = LATEST_MS


class ReadCache:
    """The entries and pages of one store that were looked at last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._copies = Edge()
        self._near = type(store) is MemoryStore  # one of another class may be slow
        self._cleared = 0

    @property
    def writes(self) -> int:
        """How often something was written: a page that was walked before a write is not kept after it."""
        return self._copies.writes

    async def entries(self, keys: Sequence[bytes], now_ms: int) -> list[Entry | None]:
        """What the store holds under each key, dead entries included."""
        if self._near:
            return await self._store.read(keys)
        copies = [self._copies.value(key, FOREVER_MS, now_ms) for key in keys]
        missing = [key for key, copy in zip(keys, copies, strict=True) if copy is None]
        if not missing:
            return [copy.content for copy in copies if copy is not None]
        cleared = self._cleared
        read = dict(zip(missing, await self._store.read(missing), strict=True))
        if cleared == self._cleared:
            for key, entry in read.items():
                self._copies.keep_value(key, entry, ttl_ms=FOREVER_MS, now_ms=now_ms)
        return [read[key] if copy is None else copy.content for key, copy in zip(keys, copies, strict=True)]

    def page(self, request: ListRequest, now_ms: int) -> Page | None:
        """A page as it was walked last, if it is still that."""
        copy = self._copies.page(request, FOREVER_MS, now_ms)
        return None if copy is None else copy.content

    def keep_page(self, request: ListRequest, page: Page, *, until_ms: int, now_ms: int, writes: int) -> None:
        """Keep a page that stays the same until then, if nothing is written; `writes` is as of before it was walked."""
        self._copies.keep_page(request, page, ttl_ms=until_ms - now_ms, now_ms=now_ms, writes=writes)

    def wrote(self, entry: Entry, now_ms: int) -> None:
        """The store holds this entry now."""
        if self._near:
            self._copies.unlist(entry.key)
        else:
            self._copies.wrote(entry, now_ms)

    def copy(self, store: Store) -> "ReadCache":
        """The same of a copy of the store."""
        other = shallow(self)
        other._store, other._copies = store, self._copies.copy()
        return other

    def clear(self) -> None:
        self._cleared += 1
        self._copies.clear()
