"""A namespace of an emulator's state file, while no emulator has it open."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from emulator.core.bulk import BulkEntry, put_request
from emulator.core.clock import Clock, SystemClock
from emulator.core.entries import Entry
from emulator.core.errors import StateError
from emulator.kv.service import KVService
from emulator.kv.sqlite import SqliteStore
from emulator.transfer.place import Page

DEFAULT_NAMESPACE = "CACHE"
_ROWS_PER_PAGE = 500


class StatePlace:
    """Opened for a look and closed again, then opened to read or write. Each batch is written as a whole."""

    asks = False
    whole = False

    def __init__(self, path: Path, namespace: str = DEFAULT_NAMESPACE, *, clock: Clock | None = None) -> None:
        self.name = str(path) if namespace == DEFAULT_NAMESPACE else f"state:{path}#{namespace}"
        self._path = path
        self._namespace = namespace
        self._clock = clock or SystemClock()
        self._store: SqliteStore | None = None
        self._service: KVService | None = None

    async def look(self, *, writing: bool) -> str:
        if not self._path.exists():
            if not writing:
                raise StateError(f"there is no state file {self._path}")
            return "a new state file"
        service = await self._opened()
        keys = await service.count()
        await self.close()
        return f"a state file that holds {keys:,} {'key' if keys == 1 else 'keys'}"

    async def now_ms(self) -> int:
        return self._clock.now_ms()

    async def write(self, batch: Sequence[BulkEntry]) -> Sequence[str]:
        now_ms = self._clock.now_ms()
        await (await self._opened()).load("seed", [put_request(entry, now_ms) for entry in batch])
        return ()

    async def finish(self) -> None:
        pass

    async def read(self, keys: Sequence[bytes]) -> list[BulkEntry | None]:
        await self._opened()
        assert self._store is not None
        now_ms = self._clock.now_ms()
        return [
            _entry(entry) if entry is not None and entry.live(now_ms) else None
            for entry in await self._store.read(keys)
        ]

    async def pages(self) -> AsyncIterator[Page]:
        await self._opened()
        assert self._store is not None
        first = b""
        while rows := await self._store.walk(first, None, _ROWS_PER_PAGE):
            found = await self.read([row.key for row in rows])
            yield Page([entry for entry in found if entry is not None], [])
            first = rows[-1].key + b"\0"

    async def close(self) -> None:
        service, self._service, self._store = self._service, None, None
        if service is not None:
            await service.close()

    async def _opened(self) -> KVService:
        if self._service is None:
            self._store = await SqliteStore.open(self._path, namespace=self._namespace)
            self._service = KVService(self._store, clock=self._clock)
        return self._service


def _entry(entry: Entry) -> BulkEntry:
    assert entry.value is not None
    return BulkEntry(entry.key, entry.value, entry.expiration_s, None, entry.metadata)
