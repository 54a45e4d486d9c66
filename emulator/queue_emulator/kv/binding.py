"""`env.CACHE` for one invocation: what a Worker's code holds, with the runtime's own conversions and budget.

Methods and options as https://developers.cloudflare.com/kv/api/ in Python's spelling. An option that is not given
is UNDEFINED; None is JavaScript's null, which is not the same (a `null` ttl is 0, and refused).
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, Literal, NamedTuple, Protocol, TypeAlias, TypeVar, overload

from queue_emulator.core import limits, options
from queue_emulator.core.clock import Clock
from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import BulkGetError, BulkGetLengthError, KVError, KVSyntaxError, KVTypeError
from queue_emulator.core.javascript import (
    UNDEFINED,
    JavaScript,
    Json,
    from_utf8,
    is_array_index,
    parse_json,
    stringify_json,
    to_string,
    utf8,
    utf16_length,
)
from queue_emulator.core.keys import check_decodable, check_key, check_name, check_prefix
from queue_emulator.core.kinds import DELETE, GET, GET_BULK, LIST, PUT
from queue_emulator.kv.operation import Invocation, Listing, Operation, Outcome, Reading, Written
from queue_emulator.kv.pipeline import Pipeline
from queue_emulator.kv.waiting import off_loop

_CHUNK_BYTES = 65_536

Read: TypeAlias = Json | bytes | AsyncIterator[bytes]
"""What a value can be read as."""
Value_co = TypeVar("Value_co", covariant=True)


class Service(Protocol):
    """A namespace as a binding asks it: ours, or a real one."""

    @property
    def clock(self) -> Clock:
        """By what expirations are reckoned."""
        ...

    @property
    def namespace(self) -> str | None:
        """Its name in journal and fault rules."""
        ...

    @property
    def pipeline(self) -> Pipeline:
        """What its operations go through."""
        ...

    def perform(self, operation: Operation[Outcome]) -> Coroutine[object, None, Outcome]:
        """The operation, all the way; raises JavaScriptError."""
        ...


@dataclass(frozen=True, slots=True)
class ValueWithMetadata(Generic[Value_co]):
    """What getWithMetadata gives; all None for a miss."""

    value: Value_co
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

    def runs(self, route: str) -> None:
        """The invocation is a run of this route of the Worker: journal and meter call it so."""
        self.invocation.route = route
        self.service.pipeline.meter.invoked(route, self.service.clock.now_ms())

    @overload
    async def get(
        self, key: JavaScript, type: Literal["text"] = "text", *, cache_ttl: JavaScript = UNDEFINED
    ) -> str | None: ...
    @overload
    async def get(self, key: JavaScript, type: Literal["json"], *, cache_ttl: JavaScript = UNDEFINED) -> Json: ...
    @overload
    async def get(
        self, key: JavaScript, type: Literal["arrayBuffer"], *, cache_ttl: JavaScript = UNDEFINED
    ) -> bytes | None: ...
    @overload
    async def get(
        self, key: JavaScript, type: Literal["stream"], *, cache_ttl: JavaScript = UNDEFINED
    ) -> AsyncIterator[bytes] | None: ...
    @overload
    async def get(self, key: JavaScript, type: JavaScript, *, cache_ttl: JavaScript = UNDEFINED) -> Read: ...
    async def get(self, key: JavaScript, type: JavaScript = "text", *, cache_ttl: JavaScript = UNDEFINED) -> Read:
        """The value: str, JSON, bytes or an async iterator of bytes by `type`; None for a miss."""
        return (await self._get(key, type, cache_ttl, metadata=False)).value

    @overload
    async def get_with_metadata(
        self, key: JavaScript, type: Literal["text"] = "text", *, cache_ttl: JavaScript = UNDEFINED
    ) -> ValueWithMetadata[str | None]: ...
    @overload
    async def get_with_metadata(
        self, key: JavaScript, type: Literal["json"], *, cache_ttl: JavaScript = UNDEFINED
    ) -> ValueWithMetadata[Json]: ...
    @overload
    async def get_with_metadata(
        self, key: JavaScript, type: Literal["arrayBuffer"], *, cache_ttl: JavaScript = UNDEFINED
    ) -> ValueWithMetadata[bytes | None]: ...
    @overload
    async def get_with_metadata(
        self, key: JavaScript, type: JavaScript, *, cache_ttl: JavaScript = UNDEFINED
    ) -> ValueWithMetadata[Read]: ...
    async def get_with_metadata(
        self, key: JavaScript, type: JavaScript = "text", *, cache_ttl: JavaScript = UNDEFINED
    ) -> ValueWithMetadata[Read]:
        """Value and metadata; raises KVSyntaxError for a value that is not JSON when asked for "json"."""
        return await self._get(key, type, cache_ttl, metadata=True)

    @overload
    async def get_bulk(
        self, keys: Sequence[JavaScript], type: Literal["text"], *, cache_ttl: JavaScript = UNDEFINED
    ) -> dict[str, str | None]: ...
    @overload
    async def get_bulk(
        self, keys: Sequence[JavaScript], type: JavaScript = UNDEFINED, *, cache_ttl: JavaScript = UNDEFINED
    ) -> dict[str, Json]: ...
    async def get_bulk(
        self, keys: Sequence[JavaScript], type: JavaScript = UNDEFINED, *, cache_ttl: JavaScript = UNDEFINED
    ) -> Mapping[str, Json]:
        """Up to 100 values as text or JSON, None for each miss; one operation."""
        return {name: value for name, (_, value) in (await self._bulk(keys, type, cache_ttl)).items()}

    async def get_bulk_with_metadata(
        self, keys: Sequence[JavaScript], type: JavaScript = UNDEFINED, *, cache_ttl: JavaScript = UNDEFINED
    ) -> dict[str, ValueWithMetadata[Json] | None]:
        """As `get_bulk`, with metadata; None for each miss; one operation."""
        return {
            name: None if entry is None or value is None else ValueWithMetadata(value, _metadata(entry.metadata))
            for name, (entry, value) in (await self._bulk(keys, type, cache_ttl)).items()
        }

    async def put(
        self,
        key: JavaScript,
        value: JavaScript | bytes,
        *,
        expiration: JavaScript = UNDEFINED,
        expiration_ttl: JavaScript = UNDEFINED,
        metadata: JavaScript = UNDEFINED,
    ) -> None:
        """Write str or bytes (numbers, booleans and null are written as their text), replacing all there was.

        `expiration` in unix seconds, `expiration_ttl` in seconds from now; at least 60 s ahead, the ttl wins.
        """
        sent_expiration_s = options.binding_number(expiration)
        sent_ttl_s = options.binding_number(expiration_ttl)
        name = check_name(to_string(key), "PUT")
        sent_metadata = None if metadata is None or metadata is UNDEFINED else stringify_json(metadata)
        content = _content(value)

        def operation(now_ms: int) -> Operation[Written]:
            check_decodable(name, "PUT")
            request = options.check_put(
                name,
                content,
                expiration_s=sent_expiration_s,
                expiration_ttl_s=sent_ttl_s,
                metadata=sent_metadata,
                now_ms=now_ms,
            )
            return Operation(PUT, self.service.namespace, self.location, (name,), self.invocation, now_ms, (request,))

        await self._ask(operation)

    async def delete(self, key: JavaScript) -> None:
        """Delete; a key that is not there is no error."""
        name = check_key(to_string(key), "DELETE")

        def operation(now_ms: int) -> Operation[Written]:
            return Operation(DELETE, self.service.namespace, self.location, (name,), self.invocation, now_ms)

        await self._ask(operation)

    async def list(
        self, *, prefix: JavaScript = UNDEFINED, limit: JavaScript = UNDEFINED, cursor: JavaScript = UNDEFINED
    ) -> ListResult:
        """One page of key names in the order of their UTF-8 bytes, at most 1,000."""
        sent_limit = options.binding_number(limit)
        sent_prefix = "" if prefix is None or prefix is UNDEFINED else to_string(prefix)
        sent_cursor = "" if cursor is None or cursor is UNDEFINED else to_string(cursor)

        def operation(now_ms: int) -> Operation[Listing]:
            # The runtime drops a limit that is not positive: workerd, kv.c++, `list`.
            checked = options.check_list_limit(sent_limit if sent_limit is not None and sent_limit > 0 else None)
            page = options.ListRequest(check_prefix(sent_prefix), checked, sent_cursor)
            keys = (page.prefix,)
            return Operation(LIST, self.service.namespace, self.location, keys, self.invocation, now_ms, (), page)

        listing = await self._ask(operation)
        keys = tuple([_list_key((row.key.decode(), row.expiration_s, _metadata(row.metadata))) for row in listing.rows])
        return ListResult(keys, listing.cursor is None, listing.cursor, listing.cache_status)

    async def _get(
        self, key: JavaScript, type: JavaScript, cache_ttl: JavaScript, *, metadata: bool
    ) -> ValueWithMetadata[Read]:
        sent_ttl_s = options.binding_number(cache_ttl)
        name = check_key(to_string(key), "GET")

        def operation(now_ms: int) -> Operation[Reading]:
            ttl_s = options.check_cache_ttl(sent_ttl_s)
            keys = (name,)
            return Operation(
                GET, self.service.namespace, self.location, keys, self.invocation, now_ms, (), None, ttl_s, metadata
            )

        (found,) = (await self._ask(operation)).found
        if found.entry is None:
            return ValueWithMetadata(None, None, found.cache_status)
        content = found.entry.value or b""
        value = await off_loop(len(content), partial(_convert, content, type))
        return ValueWithMetadata(value, _metadata(found.entry.metadata), found.cache_status)

    async def _bulk(
        self, keys: Sequence[JavaScript], type: JavaScript, cache_ttl: JavaScript
    ) -> dict[str, tuple[Entry | None, Json]]:
        sent_type = "" if type is None or type is UNDEFINED else to_string(type)
        sent_ttl_s = options.binding_number(cache_ttl)
        names = [from_utf8(utf8(to_string(key))) for key in keys]

        def operation(now_ms: int) -> Operation[Reading]:
            requested, ttl_s = options.check_bulk_get(names, sent_type, sent_ttl_s)
            keys = tuple(dict.fromkeys(requested))
            return Operation(
                GET_BULK, self.service.namespace, self.location, keys, self.invocation, now_ms, (), None, ttl_s
            )

        found = dict(zip(dict.fromkeys(names), (await self._ask(operation)).found, strict=True))
        entries = [found[name].entry for name in names]
        values = [None if entry is None else _bulk_value(entry, sent_type) for entry in entries]
        if sum(utf16_length(from_utf8(entry.value or b"")) for entry in entries if entry) > limits.BULK_GET_BYTES_MAX:
            raise BulkGetLengthError("GET_BULK", 413, "Total size of request exceeds the limit of 25MB")
        answers = zip(names, zip(entries, values, strict=True), strict=True)
        return {name: answer for name, answer in answers if not _lost_in_bulk(name)}

    async def _ask(self, operation: Callable[[int], Operation[Outcome]]) -> Outcome:
        """Have an operation performed; what the service refuses in it counts too, for the runtime had sent it."""
        try:
            asked = operation(self.service.clock.now_ms())
        except KVError:
            self.invocation.spend()
            raise
        return await self.service.perform(asked)


def _lost_in_bulk(name: str) -> bool:
    """The runtime copies the answer's properties without array indexes: workerd, kv.c++, `getBulk`."""
    return is_array_index(name) or name == "__proto__"


def _convert(value: bytes, type: JavaScript) -> Read:
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


def _bulk_value(entry: Entry, type: str) -> Json:
    text = (entry.value or b"").decode("utf-8-sig", "replace")
    if type != "json":
        return text
    try:
        return parse_json(text)
    except KVSyntaxError as error:
        reason = "At least one of the requested keys corresponds to a non-json value"
        raise BulkGetError("GET_BULK", 400, reason) from error


def _content(value: JavaScript | bytes) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, (Mapping, Sequence)) and not isinstance(value, str):
        raise KVTypeError(
            "KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values."
        )
    return utf8(to_string(value))


def _metadata(text: str | None) -> Json:
    return None if text is None else parse_json(text)
