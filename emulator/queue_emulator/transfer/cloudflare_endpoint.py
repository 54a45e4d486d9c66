"""A namespace behind Cloudflare's REST API."""

from collections.abc import AsyncIterator, Sequence

from queue_emulator.core.bulk import BulkEntry, bulk_entry
from queue_emulator.core.clock import SystemClock
from queue_emulator.core.errors import RemoteError, SettingsError
from queue_emulator.core.javascript import Json, stringify_json
from queue_emulator.kv.cloudflare_access import Access
from queue_emulator.kv.cloudflare_answers import ListedKey
from queue_emulator.kv.cloudflare_api import BULK_GET_KEYS_MAX, CloudflareAPI
from queue_emulator.kv.cloudflare_calls import ApiError
from queue_emulator.terminal import tell
from queue_emulator.transfer.endpoint import Page
from queue_emulator.transfer.paging import Paging

_REPLACEMENT = "\ufffd"


class UncertainError(RemoteError):
    """Some of a batch was written, and nobody says which."""

    definite = False


class CloudflareEndpoint:
    """One namespace; the API obeys Retry-After and tries again what may be tried again."""

    whole = False

    def __init__(self, access: Access, api: CloudflareAPI | None = None) -> None:
        self.name = f"cloudflare:{access.namespace_id}"
        self.where = f"{access.base_url} {access.account_id} {access.namespace_id}"
        self.asks = not access.on_loopback
        self._host = access.host
        self._api = api or CloudflareAPI(access, log=tell)
        self._clock = SystemClock()

    async def look(self, *, writing: bool) -> str:
        namespace = await self._api.get_namespace()
        return f"the namespace {namespace.title!r} at {self._host}"

    async def now_ms(self) -> int:
        return self._clock.now_ms()

    async def set_time(self, now_ms: int, *, hold: bool) -> str:
        raise SettingsError(f"{self.name} has a clock that cannot be moved: use --rebase instead")

    async def write(self, batch: Sequence[BulkEntry]) -> Sequence[str]:
        done = await self._api.put_bulk([bulk_entry(entry) for entry in batch])
        refused = done.unsuccessful
        if done.successful + len(refused) != len(batch):
            raise UncertainError(f"{self._host} says that it wrote {done.successful:,} of {len(batch):,} keys")
        if not refused:
            return ()
        again = [bulk_entry(entry) for entry in batch if entry.key.decode() in set(refused)]
        try:
            return (await self._api.put_bulk(again)).unsuccessful
        except ApiError:
            return refused

    def hurry(self) -> None:
        self._api.hurry()

    async def finish(self) -> None:
        pass

    async def read(self, keys: Sequence[bytes]) -> list[BulkEntry | None]:
        names = [key.decode() for key in keys]
        found = await self._values(names)
        return [found.get(name) for name in names]

    async def pages(self) -> AsyncIterator[Page]:
        paging = Paging(self.name)
        cursor: str | None = None
        while cursor != "":
            page = await self._api.list_keys(cursor=cursor or "")
            paging.check(key.name.encode() for key in page.keys)
            for start in range(0, len(page.keys), BULK_GET_KEYS_MAX):
                listed = page.keys[start : start + BULK_GET_KEYS_MAX]
                yield Page(await self._listed(listed), [])
            cursor = page.cursor

    async def close(self) -> None:
        await self._api.close()

    async def _listed(self, listed: Sequence[ListedKey]) -> list[BulkEntry]:
        """The entries of a part of a list; a key that has gone since then is left out."""
        found = await self._values([key.name for key in listed])
        return [entry for key in listed if (entry := found.get(key.name)) is not None]

    async def _values(self, names: Sequence[str]) -> dict[str, BulkEntry]:
        """Up to 100 keys in one request; in halves if their values are too large together."""
        try:
            bulk = await self._api.get_bulk(names)
        except ApiError as error:
            if not error.too_large:
                raise
            if len(names) == 1:
                return await self._single(names[0])
            half = len(names) // 2
            return await self._values(names[:half]) | await self._values(names[half:])
        found: dict[str, BulkEntry] = {}
        for name, value in bulk.items():
            if value is None:
                continue
            if _REPLACEMENT in value.value:  # perhaps bytes that are no text, which a bulk read cannot give
                found |= await self._single(name, value.metadata)
            else:
                found[name] = _entry(name, value.value.encode(), value.expiration_s, value.metadata)
        return found

    async def _single(self, name: str, metadata: Json = None) -> dict[str, BulkEntry]:
        stored = await self._api.get_value(name)
        if stored is None:
            return {}
        if metadata is None:
            metadata = await self._api.get_metadata(name)
        return {name: _entry(name, stored.value, stored.expiration_s, metadata)}


def _entry(name: str, value: bytes, expiration_s: int | None, metadata: Json) -> BulkEntry:
    return BulkEntry(name.encode(), value, expiration_s, None, None if metadata is None else stringify_json(metadata))
