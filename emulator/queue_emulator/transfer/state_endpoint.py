"""A namespace of an emulator's state file, while no emulator has it open."""

import shlex
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from queue_emulator.core.accounts import find_namespace, namespace_of
from queue_emulator.core.bulk import BulkEntry, put_request
from queue_emulator.core.clock import Clock, MovableClock, SystemClock, iso_8601
from queue_emulator.core.entries import Entry, Row
from queue_emulator.core.errors import StateError
from queue_emulator.core.shown import counted
from queue_emulator.kv.centre import Versions
from queue_emulator.kv.sqlite import SqliteCatalogue, SqliteStore
from queue_emulator.terminal import tell
from queue_emulator.transfer.endpoint import Page

DEFAULT_NAMESPACE = "CACHE"
_ROWS_PER_PAGE, _ROWS_COUNTED = 100, 10_000


class StateEndpoint:
    """Opened for a look and closed again, then opened to read or write. Each batch is written as a whole."""

    asks = False
    whole = False

    def __init__(self, path: Path, namespace: str = DEFAULT_NAMESPACE, *, clock: Clock | None = None) -> None:
        self.name = str(path) if namespace == DEFAULT_NAMESPACE else f"state:{path}#{namespace}"
        self.where = self.name
        self._path = path
        self._namespace = namespace
        self._clock: Clock = clock or SystemClock()
        self._versions = Versions()
        self._store: SqliteStore | None = None
        self._wrote = False
        self._known = False
        self._there: list[str] = []

    async def look(self, *, writing: bool) -> str:
        if not self._path.exists() and not self._path.is_symlink():
            if writing:
                return "a new state file"
            raise StateError(f"there is no state file {self._path}")
        keys = await self._count()
        await self.close()
        if self._known or not self._there:
            return f"a state file with {counted(keys, 'key', 'keys')}"
        if writing:
            return f"a new namespace in a state file that has {', '.join(self._there)}"
        others = ", ".join(f"state:{self._path}#{name}" for name in self._there)
        raise StateError(f"{self._path} has no namespace {self._namespace}; it has {others}")

    async def now_ms(self) -> int:
        return self._clock.now_ms()

    async def set_time(self, now_ms: int, *, hold: bool) -> str:
        self._clock = MovableClock.frozen_at(now_ms)
        start = f"queue-emulator serve --state {shlex.quote(str(self._path))} --as-of {iso_8601(now_ms)}"
        return f"a state file keeps no clock; to start an emulator at the time of this data: {start}"

    async def write(self, batch: Sequence[BulkEntry]) -> Sequence[str]:
        store, now_ms = await self._opened(), self._clock.now_ms()
        self._wrote = True
        if not self._known:
            await store.catalogue().keep(namespace_of(self._namespace))
            self._known = True
        requests = [put_request(entry, now_ms) for entry in batch]
        first = await self._versions.take(len(batch), store)
        await store.write(
            [
                Entry(each.key, each.value, version, now_ms, each.expiration_s, each.metadata)
                for version, each in enumerate(requests, first)
            ]
        )
        return ()

    def hurry(self) -> None:
        pass

    async def finish(self) -> None:
        pass

    async def read(self, keys: Sequence[bytes]) -> list[BulkEntry | None]:
        store, now_ms = await self._opened(), self._clock.now_ms()
        found = await store.read(keys)
        return [_entry(entry) if entry is not None and entry.live(now_ms) else None for entry in found]

    async def pages(self) -> AsyncIterator[Page]:
        async for rows in self._walk(_ROWS_PER_PAGE):
            found = await self.read([row.key for row in rows])
            yield Page([entry for entry in found if entry is not None], [])

    async def close(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            await (store.close() if self._wrote else store.catalogue().discard())

    async def _count(self) -> int:
        """How many keys live there."""
        now_ms = self._clock.now_ms()
        return sum([sum(row.live(now_ms) for row in rows) async for rows in self._walk(_ROWS_COUNTED)])

    async def _walk(self, limit: int) -> AsyncIterator[list[Row]]:
        store, first = await self._opened(), b""
        while rows := await store.walk(first, None, limit):
            yield rows
            first = rows[-1].key + b"\0"

    async def _opened(self) -> SqliteStore:
        if self._store is None:
            catalogue = await SqliteCatalogue.open(self._path)
            if catalogue.warning:
                tell(catalogue.warning)
            there = await catalogue.namespaces()
            found = find_namespace(there, self._namespace)
            self._known, self._there = found is not None, [each.title for each in there]
            self._store = catalogue.store((found or namespace_of(self._namespace)).id)
        return self._store


def _entry(entry: Entry) -> BulkEntry:
    assert entry.value is not None
    return BulkEntry(entry.key, entry.value, entry.expiration_s, None, entry.metadata)
