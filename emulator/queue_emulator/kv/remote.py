"""A real namespace behind Cloudflare's REST API, as a binding asks it: the real, distributed KV in place of ours.

What a location sees, and how late, is Cloudflare's business then. Faults, limits and journal are those of the pipeline.
"""

import base64
import binascii
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from queue_emulator.core.batches import batches
from queue_emulator.core.bulk import BulkEntry, bulk_entry
from queue_emulator.core.clock import Clock
from queue_emulator.core.dice import Dice
from queue_emulator.core.entries import Entry, Row
from queue_emulator.core.errors import CursorError, KVError, RemoteError
from queue_emulator.core.faults import REASONS
from queue_emulator.core.javascript import Json, stringify_json, utf8
from queue_emulator.core.kinds import DELETE, GET, GET_BULK, LIST, LOAD, PUT, Kind
from queue_emulator.core.limits import OPERATIONS_PER_INVOCATION_MAX
from queue_emulator.core.options import ListRequest, PutRequest
from queue_emulator.core.profiles import Profile
from queue_emulator.core.put_requests import keys_of
from queue_emulator.kv.cloudflare_answers import BulkValue, ListedKey
from queue_emulator.kv.cloudflare_api import LIST_LIMIT_MIN, CloudflareAPI
from queue_emulator.kv.cloudflare_calls import ApiError
from queue_emulator.kv.limiting import Limits
from queue_emulator.kv.operation import Found, Invocation, Listing, Operation, Outcome, Reading, Way, Written
from queue_emulator.kv.pipeline import Pipeline
from queue_emulator.kv.retry import Patience
from queue_emulator.kv.waiting import STEP_ENTRIES, Sleep

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
# Small enough to be through before the patience ends: mostly a sixth of these bytes.
_BATCH_PAIRS_MAX, _BATCH_BYTES_MAX = 1_000, 60 * 1024 * 1024

Result = TypeVar("Result")


class RemoteService:
    """One real namespace as an end of the pipeline. Raises KVError as a Worker would see it."""

    namespace = None

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
        self.pipeline = Pipeline(clock, dice, sleep)
        self.faults, self.journal, self.meter = self.pipeline.faults, self.pipeline.journal, self.pipeline.meter
        self.limits = Limits(REAL, self.pipeline.quota)
        self._doing = {
            GET: self._get,
            GET_BULK: self._get_bulk,
            PUT: self._put,
            LOAD: self._load,
            DELETE: self._delete,
            LIST: self._list,
        }
        self._log = log

    @property
    def where(self) -> str:
        """Which namespace this is, in words."""
        access = self._api.access
        return f"namespace {access.namespace_id} ({self._title!r}) at {access.host}"

    def perform(self, operation: Operation[Outcome]) -> Coroutine[Any, Any, Outcome]:
        """Any operation, all the way; raises JavaScriptError for what is refused or fails."""
        return self.pipeline.perform(operation, self)

    async def load(
        self, location: str, requests: Sequence[PutRequest], *, in_steps: bool = False, epoch: int | None = None
    ) -> None:
        """Write as bulk writes; raises RemoteError that says how many keys were not, if any: the rest were."""
        keys, caller, now_ms = keys_of(requests), Invocation(None, epoch=epoch), self.clock.now_ms()
        in_steps = in_steps and len(keys) > STEP_ENTRIES
        await self.perform(Operation(LOAD, self.namespace, location, keys, caller, now_ms, requests, in_steps=in_steps))

    def check(self, operation: Operation[Any]) -> None:
        """Raises KVError for a cursor that was not made here."""
        if operation.page is not None:
            _ListPosition.of(operation.page.cursor)

    async def carry_out(self, operation: Operation[Outcome], way: Way) -> Outcome:
        """The operation at Cloudflare; what it says of a failure is logged, and told as a Worker hears it."""
        doing: Any = self._doing[operation.kind]
        try:
            outcome: Outcome = await doing(operation)
        except ApiError as error:
            self._log(str(error))
            raise _kv_error(operation.kind, error) from error
        return outcome

    async def close(self) -> None:
        await self._api.close()

    async def _get(self, operation: Operation[Any]) -> Reading:
        """Metadata takes a second request, so that a write may come between the two."""
        (key,) = operation.keys
        return Reading([Found(await self._entry(key, operation.metadata), None)])

    async def _get_bulk(self, operation: Operation[Any]) -> Reading:
        """Values as text: U+FFFD for what is not UTF-8."""
        values = await self._api.get_bulk([key.decode() for key in operation.keys])
        return Reading([Found(_bulk_entry(key, values[key.decode()]), None) for key in operation.keys])

    async def _put(self, operation: Operation[Any]) -> Written:
        """Write, and be told by Cloudflare that it is written."""
        (request,) = operation.writes
        await self._api.put_value(
            request.key.decode(),
            request.value,
            expiration_s=request.expiration_s if request.expiration_ttl_s is None else None,
            expiration_ttl_s=request.expiration_ttl_s,
            metadata=request.metadata,
        )
        return Written()

    async def _load(self, operation: Operation[Any]) -> Written:
        written, count = 0, len(operation.writes)
        try:
            for batch in batches(
                map(_as_bulk, operation.writes), pairs_max=_BATCH_PAIRS_MAX, bytes_max=_BATCH_BYTES_MAX
            ):
                replaced = batch.count - len(batch.entries)
                written += replaced + await self._put_bulk(list(map(bulk_entry, batch.entries)))
        except ApiError as error:
            raise RemoteError(f"at least {written} of {count} keys were written: {error}") from error
        if written < count:
            raise RemoteError(f"{self.where} refused {count - written} of {count} keys")
        return Written()

    async def _delete(self, operation: Operation[Any]) -> Written:
        (key,) = operation.keys
        await self._api.delete_value(key.decode())
        return Written()

    async def _list(self, operation: Operation[Any]) -> Listing:
        """One page, as short or empty as Cloudflare gives it."""
        assert operation.page is not None
        keys, cursor = await self._page(operation.page, _ListPosition.of(operation.page.cursor))
        return Listing(tuple(map(_row, keys)), cursor, None)

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

    async def _page(self, request: ListRequest, position: "_ListPosition") -> tuple[Sequence[ListedKey], str | None]:
        """The API lists no fewer than ten keys: of a page that is cut, the rest is asked for again."""
        keys, following = await self._part(request.prefix, request.limit, position)
        cut = position.after or request.limit < LIST_LIMIT_MIN
        if cut and following is not None and len(keys) < request.limit:
            more, following = await self._part(request.prefix, request.limit - len(keys), following)
            keys = [*keys, *more]
        return keys, None if following is None else following.cursor()

    async def _part(
        self, prefix: bytes, limit: int, position: "_ListPosition"
    ) -> tuple[Sequence[ListedKey], "_ListPosition | None"]:
        page = await self._api.list_keys(
            prefix=prefix.decode(), limit=max(limit, LIST_LIMIT_MIN), cursor=position.api_cursor
        )
        keys = [key for key in page.keys if utf8(key.name) > position.after]
        if len(keys) > limit:
            return keys[:limit], _ListPosition(position.api_cursor, utf8(keys[limit - 1].name))
        return keys, _ListPosition(page.cursor) if page.cursor else None


@dataclass(frozen=True, slots=True)
class _ListPosition:
    """Where a list goes on: on the page that the API's cursor gives, after a key."""

    api_cursor: str = ""
    after: bytes = b""

    def cursor(self) -> str:
        return f"{base64.urlsafe_b64encode(self.after).decode()}.{self.api_cursor}"

    @classmethod
    def of(cls, cursor: str) -> "_ListPosition":
        """Raises KVError for a cursor that was not made here; the API refuses one that it did not make."""
        if cursor == "":
            return cls()
        after, dot, api_cursor = cursor.partition(".")
        try:
            decoded = base64.b64decode(after, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            dot = ""
        if not dot:
            raise CursorError("GET", 400, "Invalid list keys cursor")
        return cls(api_cursor, decoded)


def _kv_error(kind: Kind, error: ApiError) -> KVError:
    """What a Worker sees: the status with its usual words, or what KV itself said of the request."""
    status = 503 if error.status is None else error.status
    quoted = _QUOTED.fullmatch(error.reason)
    if status in REASONS:
        reason = REASONS[status]
    elif status >= 500:
        reason = "Internal Server Error"
    else:
        reason = quoted[1] if quoted else error.reason
    return KVError(kind.wire, status, reason, definite=error.definite)


def _as_bulk(request: PutRequest) -> BulkEntry:
    expiration_s = request.expiration_s if request.expiration_ttl_s is None else None
    return BulkEntry(request.key, request.value, expiration_s, request.expiration_ttl_s, request.metadata)


def _bulk_entry(key: bytes, found: BulkValue | None) -> Entry | None:
    if found is None:
        return None
    return Entry(key, utf8(found.value), _UNKNOWN_VERSION, 0, found.expiration_s, _metadata(found.metadata))


def _row(key: ListedKey) -> Row:
    return Row(utf8(key.name), _UNKNOWN_VERSION, 0, key.expiration_s, _metadata(key.metadata), deleted=False)


def _metadata(found: Json) -> str | None:
    return None if found is None else stringify_json(found)
