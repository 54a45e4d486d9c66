"""A real namespace behind Cloudflare's REST API, as a binding asks it: the real, distributed KV in place of ours.

What a location sees, and how late, is Cloudflare's business then. Faults, journal and meter work as before ours.
"""

import base64
import binascii
import re
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from queue_emulator.core.bulk import BulkEntry, bulk_entry
from queue_emulator.core.clock import Clock
from queue_emulator.core.dice import Dice
from queue_emulator.core.entries import Entry, Row
from queue_emulator.core.errors import KVError, RemoteError
from queue_emulator.core.faults import REASONS
from queue_emulator.core.javascript import Json, stringify_json, utf8
from queue_emulator.core.limits import CACHE_TTL_S_DEFAULT, OPERATIONS_PER_INVOCATION_MAX
from queue_emulator.core.options import ListRequest, PutRequest
from queue_emulator.core.profiles import Profile
from queue_emulator.kv.cloudflare_answers import BulkValue, ListedKey
from queue_emulator.kv.cloudflare_api import LIST_LIMIT_MIN, CloudflareAPI
from queue_emulator.kv.cloudflare_calls import ApiError
from queue_emulator.kv.gate import NOBODY, Call, Caller, Gate
from queue_emulator.kv.patience import Patience
from queue_emulator.kv.service import Found, Listing
from queue_emulator.kv.waiting import Sleep

# A Worker waits for its KV operation, and its client for the Worker: better a failure after 15 s than an answer later.
SERVING = Patience(silence_ms=10_000, connect_ms=5_000, deadline_ms=15_000, wait_first_ms=200, wait_longest_ms=2_000)

REAL = Profile(
    name="real",
    caches=False,
    opaque_cursors=True,
    tombstone_life_ms=0,
    write_interval_ms=0,
    operations_max=OPERATIONS_PER_INVOCATION_MAX,
)

_QUOTED = re.compile("[a-z ]+: '(.*)'", re.DOTALL)  # as the API wraps what KV says: put: 'Invalid expiration of …'
_UNKNOWN_VERSION = 0  # the API tells none
_BATCH_PAIRS_MAX, _BATCH_BYTES_MAX = 1_000, 10 * 1024 * 1024  # small enough to be through before the patience ends

Result = TypeVar("Result")


class RemoteService:
    """One real namespace. Requests are checked already; raises KVError as a Worker would see it."""

    def __init__(
        self,
        api: CloudflareAPI,
        *,
        title: str = "",
        clock: Clock,
        dice: Dice,
        sleep: Sleep,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        """`title` is the namespace's; `clock` must show the real time; `log` takes a line with the API's words for each
        failure.
        """
        self.clock = clock
        self.profile = REAL
        self._api = api
        self._title = title
        self._gate = Gate(clock, dice, sleep)
        self.faults, self.journal, self.meter = self._gate.faults, self._gate.journal, self._gate.meter
        self._log = log

    @property
    def where(self) -> str:
        """Which namespace this is, in words."""
        access = self._api.access
        return f"namespace {access.namespace_id} ({self._title!r}) at {access.host}"

    async def get(
        self,
        location: str,
        key: bytes,
        *,
        cache_ttl_s: int = CACHE_TTL_S_DEFAULT,
        metadata: bool = True,
        caller: Caller = NOBODY,
    ) -> Found:
        """The entry under `key`. Its metadata takes a second request, so that a write may come between the two."""
        call = await self._admitted("get", location, key, caller)
        entry = await self._ask(call, "GET", self._entry(key, metadata))
        self._gate.done(call)
        return Found(entry, None)

    async def get_bulk(
        self, location: str, keys: Sequence[bytes], *, cache_ttl_s: int = CACHE_TTL_S_DEFAULT, caller: Caller = NOBODY
    ) -> Sequence[Found]:
        """The entries under `keys`, in their order; values as text: U+FFFD for what is not UTF-8."""
        calls = {key: await self._admitted("get_bulk", location, key, caller) for key in keys}
        names = [key.decode() for key in calls]
        values = await self._ask(calls[keys[0]], "GET_BULK", self._api.get_bulk(names))
        for call in calls.values():
            self._gate.done(call)
        return [Found(_bulk_entry(key, values[key.decode()]), None) for key in keys]

    async def put(self, location: str, request: PutRequest, *, caller: Caller = NOBODY) -> None:
        """Write, and be told by Cloudflare that it is written."""
        call = await self._admitted("put", location, request.key, caller)
        put = self._api.put_value(
            request.key.decode(),
            request.value,
            expiration_s=request.expiration_s if request.expiration_ttl_s is None else None,
            expiration_ttl_s=request.expiration_ttl_s,
            metadata=request.metadata,
        )
        await self._ask(call, "PUT", put)
        self._gate.done(call)

    async def load(self, location: str, requests: Sequence[PutRequest]) -> None:
        """Write as bulk writes; raises RemoteError that says how many keys were not, if any: the rest were."""
        written = 0
        try:
            for batch in _batches(map(_pair, requests)):
                written += await self._put_bulk(batch)
        except ApiError as error:
            raise RemoteError(f"{written} of {len(requests)} keys were surely written: {error}") from error
        if written < len(requests):
            raise RemoteError(f"{self.where} did not take {len(requests) - written} of {len(requests)} keys")
        for request in requests:
            self._gate.done(self._gate.call("put", location, request.key, NOBODY))

    async def delete(self, location: str, key: bytes, *, caller: Caller = NOBODY) -> None:
        """Delete; a key that is not there is no error."""
        call = await self._admitted("delete", location, key, caller)
        await self._ask(call, "DELETE", self._api.delete_value(key.decode()))
        self._gate.done(call)

    async def list(self, location: str, request: ListRequest, *, caller: Caller = NOBODY) -> Listing:
        """One page, as short or empty as Cloudflare gives it."""
        place = _Place.of(request.cursor)
        call = await self._admitted("list", location, request.prefix, caller)
        keys, cursor = await self._ask(call, "GET", self._page(request, place))
        self._gate.done(call, keys=len(keys))
        return Listing(tuple(map(_row, keys)), cursor, None)

    async def close(self) -> None:
        await self._api.close()

    async def _admitted(self, operation: str, location: str, key: bytes, caller: Caller) -> Call:
        call = self._gate.call(operation, location, key, caller)
        await self._gate.admit(call)
        return call

    async def _ask(self, call: Call, operation: str, work: Coroutine[Any, Any, Result]) -> Result:
        try:
            return await work
        except ApiError as error:
            self._log(str(error))
            self._gate.refuse(call, _kv_error(operation, error), error)

    async def _entry(self, key: bytes, metadata: bool) -> Entry | None:
        stored = await self._api.get_value(key.decode())
        if stored is None:
            return None
        found = await self._api.get_metadata(key.decode()) if metadata else None
        return Entry(key, stored.value, _UNKNOWN_VERSION, 0, stored.expiration_s, _metadata(found))

    async def _put_bulk(self, batch: Sequence[Mapping[str, Json]]) -> int:
        """Write a batch, and again what of it was not, as long as some more is; returns how many keys were."""
        left = list(batch)
        while left:
            unsuccessful = set((await self._api.put_bulk(left)).unsuccessful)
            still = [each for each in left if each["key"] in unsuccessful]
            if len(still) == len(left):
                break
            left = still
        return len(batch) - len(left)

    async def _page(self, request: ListRequest, place: "_Place") -> tuple[Sequence[ListedKey], str | None]:
        """The API lists no fewer than ten keys: of a page that is cut, the rest is asked for again."""
        keys, following = await self._part(request.prefix, request.limit, place)
        cut = place.after or request.limit < LIST_LIMIT_MIN
        if cut and following is not None and len(keys) < request.limit:
            more, following = await self._part(request.prefix, request.limit - len(keys), following)
            keys = [*keys, *more]
        return keys, None if following is None else following.cursor()

    async def _part(self, prefix: bytes, limit: int, place: "_Place") -> tuple[Sequence[ListedKey], "_Place | None"]:
        page = await self._api.list_keys(
            prefix=prefix.decode(), limit=max(limit, LIST_LIMIT_MIN), cursor=place.api_cursor
        )
        keys = [key for key in page.keys if utf8(key.name) > place.after]
        if len(keys) > limit:
            return keys[:limit], _Place(place.api_cursor, utf8(keys[limit - 1].name))
        return keys, _Place(page.cursor) if page.cursor else None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a list goes on: on the page that the API's cursor gives, after a key."""

    api_cursor: str = ""
    after: bytes = b""

    def cursor(self) -> str:
        return f"{base64.urlsafe_b64encode(self.after).decode()}.{self.api_cursor}"

    @classmethod
    def of(cls, cursor: str) -> "_Place":
        """Raises KVError for a cursor that was not made here; the API refuses one that it did not make."""
        if cursor == "":
            return cls()
        after, dot, api_cursor = cursor.partition(".")
        try:
            decoded = base64.b64decode(after, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            dot = ""
        if not dot:
            raise KVError("GET", 400, "Invalid list keys cursor")
        return cls(api_cursor, decoded)


def _kv_error(operation: str, error: ApiError) -> KVError:
    """What a Worker sees: the status with its usual words, or what KV itself said of the request."""
    status = 503 if error.status is None else error.status
    quoted = _QUOTED.fullmatch(error.reason)
    if status in REASONS:
        reason = REASONS[status]
    elif status >= 500:
        reason = "Internal Server Error"
    else:
        reason = quoted[1] if quoted else error.reason
    return KVError(operation, status, reason, definite=error.definite)


def _pair(request: PutRequest) -> dict[str, Json]:
    expiration_s = request.expiration_s if request.expiration_ttl_s is None else None
    return bulk_entry(BulkEntry(request.key, request.value, expiration_s, request.expiration_ttl_s, request.metadata))


def _batches(pairs: Iterable[dict[str, Json]]) -> Iterator[list[dict[str, Json]]]:
    """The pairs in their order, as many at once as one request should hold."""
    batch: list[dict[str, Json]] = []
    size_bytes = 0
    for pair in pairs:
        pair_bytes = len(stringify_json(pair).encode())
        if batch and (len(batch) == _BATCH_PAIRS_MAX or size_bytes + pair_bytes > _BATCH_BYTES_MAX):
            yield batch
            batch, size_bytes = [], 0
        batch.append(pair)
        size_bytes += pair_bytes
    if batch:
        yield batch


def _bulk_entry(key: bytes, found: BulkValue | None) -> Entry | None:
    if found is None:
        return None
    return Entry(key, utf8(found.value), _UNKNOWN_VERSION, 0, found.expiration_s, _metadata(found.metadata))


def _row(key: ListedKey) -> Row:
    return Row(utf8(key.name), _UNKNOWN_VERSION, 0, key.expiration_s, _metadata(key.metadata), deleted=False)


def _metadata(found: Json) -> str | None:
    return None if found is None else stringify_json(found)
