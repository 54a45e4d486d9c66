"""`env.CACHE` for one invocation: what a Worker's code holds, with the runtime's own conversions and budget.

Methods and options as https://developers.cloudflare.com/kv/api/ in Python's spelling. An option that is not given
is UNDEFINED; None is JavaScript's null, which is not the same (a `null` ttl is 0, and refused).
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, Protocol

from queue_emulator.core import limits, options
from queue_emulator.core.clock import Clock
from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import KVError, KVSyntaxError, KVTypeError, OperationBudgetError
from queue_emulator.core.javascript import (
    UNDEFINED,
    Json,
    from_utf8,
    is_array_index,
    parse_json,
    stringify_json,
    to_string,
    utf8,
)
from queue_emulator.core.keys import check_decodable, check_key, check_name, check_prefix
from queue_emulator.core.meter import Meter
from queue_emulator.kv.gate import Caller
from queue_emulator.kv.service import Found, Listing

_CHUNK_BYTES = 65_536


class Service(Protocol):
    """A namespace as a binding asks it: ours, or a real one. Requests are checked; raises KVError."""

    @property
    def clock(self) -> Clock:
        """By what expirations are reckoned."""
        ...

    @property
    def meter(self) -> Meter:
        """What counts the operations."""
        ...

    async def get(
        self, location: str, key: bytes, *, cache_ttl_s: int = ..., metadata: bool = ..., caller: Caller = ...
    ) -> Found:
        """The entry under `key`, with its metadata only if that is asked for."""
        ...

    async def get_bulk(
        self, location: str, keys: Sequence[bytes], *, cache_ttl_s: int = ..., caller: Caller = ...
    ) -> Sequence[Found]:
        """The entries under `keys`, in their order."""
        ...

    async def put(self, location: str, request: options.PutRequest, *, caller: Caller = ...) -> object:
        """Write, replacing all there was."""
        ...

    async def load(self, location: str, requests: Sequence[options.PutRequest]) -> None:
        """Write as a bulk write does."""
        ...

    async def delete(self, location: str, key: bytes, *, caller: Caller = ...) -> None:
        """Delete; a key that is not there is no error."""
        ...

    async def list(self, location: str, request: options.ListRequest, *, caller: Caller = ...) -> Listing:
        """One page."""
        ...


@dataclass(slots=True)
class Invocation:
    """One run of a Worker: how many KV operations it has made, and may make (None: unlimited).

    `name` and `route` are what the journal calls it.
    """

    operations_max: int | None = limits.OPERATIONS_PER_INVOCATION_MAX
    operations: int = 0
    name: str = ""
    route: str = ""

    def count(self) -> None:
        """One more operation; raises OperationBudgetError past the limit."""
        if self.operations_max is not None and self.operations >= self.operations_max:
            raise OperationBudgetError(limits.BUDGET_TEXT)
        self.operations += 1

    def caller(self) -> Caller:
        """How the service notes what is done in this run."""
        return Caller(self.name, self.route)


@dataclass(frozen=True, slots=True)
class ValueWithMetadata:
    """What getWithMetadata gives; all None for a miss."""

    value: Any
    metadata: Json
    cache_status: str | None = None


class ListKey(NamedTuple):
    """One key of a list; expiration in unix seconds, metadata parsed; None where there is none."""

    name: str
    expiration: int | None = None
    metadata: Json = None


_list_key = partial(tuple.__new__, ListKey)  # a page makes a thousand, and its own constructor takes twice as long


@dataclass(frozen=True, slots=True)
class ListResult:
    """One page of a list. Only `list_complete` says that it is the last."""

    keys: tuple[ListKey, ...]
    list_complete: bool
    cursor: str | None = None
    cache_status: str | None = None


@dataclass(slots=True)
class Binding:
    """A KV namespace as one invocation at one location holds it."""

    service: Service
    location: str
    invocation: Invocation = field(default_factory=Invocation)

    async def get(self, key: Json, type: Json = "text", *, cache_ttl: Json = UNDEFINED) -> Any:
        """The value: str, JSON, bytes or an async iterator of bytes by `type`; None for a miss."""
        return (await self._get(key, type, cache_ttl, metadata=False)).value

    async def get_with_metadata(
        self, key: Json, type: Json = "text", *, cache_ttl: Json = UNDEFINED
    ) -> ValueWithMetadata:
        """Value and metadata; raises KVSyntaxError for a value that is not JSON when asked for "json"."""
        return await self._get(key, type, cache_ttl, metadata=True)

    async def get_bulk(
        self, keys: Sequence[Json], type: Json = UNDEFINED, *, cache_ttl: Json = UNDEFINED
    ) -> dict[str, Any]:
        """Up to 100 values as text or JSON, None for each miss; one operation."""
        return {name: value for name, (_, value) in (await self._bulk(keys, type, cache_ttl)).items()}

    async def get_bulk_with_metadata(
        self, keys: Sequence[Json], type: Json = UNDEFINED, *, cache_ttl: Json = UNDEFINED
    ) -> dict[str, ValueWithMetadata | None]:
        """As `get_bulk`, with metadata; None for each miss; one operation."""
        return {
            name: None if entry is None or value is None else ValueWithMetadata(value, _metadata(entry.metadata))
            for name, (entry, value) in (await self._bulk(keys, type, cache_ttl)).items()
        }

    async def put(
        self,
        key: Json,
        value: Json | bytes,
        *,
        expiration: Json = UNDEFINED,
        expiration_ttl: Json = UNDEFINED,
        metadata: Json = UNDEFINED,
    ) -> None:
        """Write str or bytes (numbers, booleans and null are written as their text), replacing all there was.

        `expiration` in unix seconds, `expiration_ttl` in seconds from now; at least 60 s ahead, the ttl wins.
        """
        sent_expiration_s = options.binding_number(expiration)
        sent_ttl_s = options.binding_number(expiration_ttl)
        name = check_name(to_string(key), "PUT")
        sent_metadata = None if metadata is None or metadata is UNDEFINED else stringify_json(metadata)
        content = _content(value)
        self.invocation.count()
        check_decodable(name, "PUT")
        request = options.check_put(
            name,
            content,
            expiration_s=sent_expiration_s,
            expiration_ttl_s=sent_ttl_s,
            metadata=sent_metadata,
            now_ms=self.service.clock.now_ms(),
        )
        await self.service.put(self.location, request, caller=self.invocation.caller())

    async def delete(self, key: Json) -> None:
        """Delete; a key that is not there is no error."""
        name = check_key(to_string(key), "DELETE")
        self.invocation.count()
        await self.service.delete(self.location, name, caller=self.invocation.caller())

    async def list(self, *, prefix: Json = UNDEFINED, limit: Json = UNDEFINED, cursor: Json = UNDEFINED) -> ListResult:
        """One page of key names in the order of their UTF-8 bytes, at most 1,000."""
        sent_limit = options.binding_number(limit)
        sent_prefix = "" if prefix is None or prefix is UNDEFINED else to_string(prefix)
        sent_cursor = "" if cursor is None or cursor is UNDEFINED else to_string(cursor)
        self.invocation.count()
        # The runtime drops a limit that is not positive: workerd, kv.c++, `list`.
        checked = options.check_list_limit(sent_limit if sent_limit is not None and sent_limit > 0 else None)
        request = options.ListRequest(check_prefix(sent_prefix), checked, sent_cursor)
        listing = await self.service.list(self.location, request, caller=self.invocation.caller())
        keys = tuple([_list_key((row.key.decode(), row.expiration_s, _metadata(row.metadata))) for row in listing.rows])
        return ListResult(keys, listing.cursor is None, listing.cursor, listing.cache_status)

    async def _get(self, key: Json, type: Json, cache_ttl: Json, *, metadata: bool) -> ValueWithMetadata:
        sent_ttl_s = options.binding_number(cache_ttl)
        name = check_key(to_string(key), "GET")
        self.invocation.count()
        found = await self.service.get(
            self.location,
            name,
            cache_ttl_s=options.check_cache_ttl(sent_ttl_s),
            metadata=metadata,
            caller=self.invocation.caller(),
        )
        if found.entry is None:
            return ValueWithMetadata(None, None, found.cache_status)
        value = _convert(found.entry.value or b"", type)
        return ValueWithMetadata(value, _metadata(found.entry.metadata), found.cache_status)

    async def _bulk(self, keys: Sequence[Json], type: Json, cache_ttl: Json) -> dict[str, tuple[Entry | None, Any]]:
        sent_type = "" if type is None or type is UNDEFINED else to_string(type)
        sent_ttl_s = options.binding_number(cache_ttl)
        names = [from_utf8(utf8(to_string(key))) for key in keys]
        self.invocation.count()
        requested, cache_ttl_s = options.check_bulk_get(names, sent_type, sent_ttl_s)
        found = await self.service.get_bulk(
            self.location, requested, cache_ttl_s=cache_ttl_s, caller=self.invocation.caller()
        )
        entries = [each.entry for each in found]
        values = [None if entry is None else _bulk_value(entry, sent_type) for entry in entries]
        if sum(_utf16_length(entry) for entry in entries if entry) > limits.BULK_GET_BYTES_MAX:
            raise KVError("GET_BULK", 413, "Total size of request exceeds the limit of 25MB")
        answers = zip(names, zip(entries, values, strict=True), strict=True)
        return {name: answer for name, answer in answers if not _lost_in_bulk(name)}


def _lost_in_bulk(name: str) -> bool:
    """The runtime copies the answer's properties without array indexes: workerd, kv.c++, `getBulk`."""
    return is_array_index(name) or name == "__proto__"


def _utf16_length(entry: Entry) -> int:
    return len(from_utf8(entry.value or b"").encode("utf-16-le")) // 2


def _convert(value: bytes, type: Json) -> Any:
    match "text" if type is None or type is UNDEFINED else to_string(type):
        case "text":
            return from_utf8(value)
        case "json":
            return parse_json(from_utf8(value))
        case "arrayBuffer":
            return value
        case "stream":
            return _stream(value)
    raise KVTypeError('Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".')


async def _stream(value: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(value), _CHUNK_BYTES):
        yield value[start : start + _CHUNK_BYTES]


def _bulk_value(entry: Entry, type: str) -> Any:
    text = (entry.value or b"").decode("utf-8-sig", "replace")
    if type != "json":
        return text
    try:
        return parse_json(text)
    except KVSyntaxError as error:
        reason = "At least one of the requested keys corresponds to a non-json value"
        raise KVError("GET_BULK", 400, reason) from error


def _content(value: Json | bytes) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, (dict, list, tuple)):
        raise KVTypeError(
            "KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values."
        )
    return utf8(to_string(value))


def _metadata(text: str | None) -> Json:
    return None if text is None else parse_json(text)
