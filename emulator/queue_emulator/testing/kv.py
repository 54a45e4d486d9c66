"""The KV namespace of an emulator inside a test."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar, overload

from queue_emulator.core.javascript import UNDEFINED, Json, ToJson, Undefined
from queue_emulator.kv.binding import Binding, ListResult, Read, ValueWithMetadata

if TYPE_CHECKING:
    from queue_emulator.testing.emulator import Emulator

Seconds: TypeAlias = int | Undefined
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class KV:
    """`env.CACHE` at one location, each call an invocation of its own.

    Methods as https://developers.cloudflare.com/kv/api/ in Python's spelling. A key has 1 to 512 bytes of UTF-8, times
    are whole seconds, an option that is left out is JavaScript's `undefined`. Every method raises KVError where KV
    refuses or a fault says so, KVTypeError where the runtime refuses, both with production's text.
    """

    emulator: "Emulator"
    location: str
    named: str | None = None

    def at(self, location: str) -> "KV":
        """The same namespace as it is seen at another location."""
        return replace(self.emulator.at(location).kv, named=self.named)

    def of(self, binding: str) -> "KV":
        """Another namespace of the Worker, by the name of its binding; raises EmulatorError if there is none."""
        self.emulator.binding(self.location, binding)
        return replace(self, named=binding)

    @overload
    def get(self, key: str, type: Literal["text"] = "text", *, cache_ttl: Seconds = UNDEFINED) -> str | None: ...
    @overload
    def get(self, key: str, type: Literal["json"], *, cache_ttl: Seconds = UNDEFINED) -> Json: ...
    @overload
    def get(self, key: str, type: Literal["arrayBuffer"], *, cache_ttl: Seconds = UNDEFINED) -> bytes | None: ...
    def get(self, key: str, type: str = "text", *, cache_ttl: Seconds = UNDEFINED) -> Read:
        """The value, None for a miss. `cache_ttl`: how old a copy of this location may be, 30 or more, 60 if left out.

        As "text" it is str, with U+FFFD for what is not UTF-8; as "json" it is parsed, KVSyntaxError if it is not JSON;
        as "arrayBuffer" it is bytes. https://developers.cloudflare.com/kv/api/read-key-value-pairs/
        """
        return self._run(lambda kv: kv.get(key, type, cache_ttl=cache_ttl))

    @overload
    def get_with_metadata(
        self, key: str, type: Literal["text"] = "text", *, cache_ttl: Seconds = UNDEFINED
    ) -> ValueWithMetadata[str | None]: ...
    @overload
    def get_with_metadata(
        self, key: str, type: Literal["json"], *, cache_ttl: Seconds = UNDEFINED
    ) -> ValueWithMetadata[Json]: ...
    @overload
    def get_with_metadata(
        self, key: str, type: Literal["arrayBuffer"], *, cache_ttl: Seconds = UNDEFINED
    ) -> ValueWithMetadata[bytes | None]: ...
    def get_with_metadata(
        self, key: str, type: str = "text", *, cache_ttl: Seconds = UNDEFINED
    ) -> ValueWithMetadata[Read]:
        """As `get`, with the metadata, and whether a copy was served; value and metadata are None for a miss."""
        return self._run(lambda kv: kv.get_with_metadata(key, type, cache_ttl=cache_ttl))

    @overload
    def get_bulk(
        self, keys: Sequence[str], type: Literal["text"] = "text", *, cache_ttl: Seconds = UNDEFINED
    ) -> dict[str, str | None]: ...
    @overload
    def get_bulk(
        self, keys: Sequence[str], type: Literal["json"], *, cache_ttl: Seconds = UNDEFINED
    ) -> dict[str, Json]: ...
    def get_bulk(
        self, keys: Sequence[str], type: str = "text", *, cache_ttl: Seconds = UNDEFINED
    ) -> Mapping[str, Json]:
        """The values of 1 to 100 keys, None for each miss; one operation, at most 25 MB."""
        return self._run(lambda kv: kv.get_bulk(keys, type, cache_ttl=cache_ttl))

    def put(
        self,
        key: str,
        value: str | bytes,
        *,
        expiration: Seconds = UNDEFINED,
        expiration_ttl: Seconds = UNDEFINED,
        metadata: ToJson | Undefined = UNDEFINED,
    ) -> None:
        """Write up to 25 MiB and 1,024 bytes of metadata, as JSON; value, expiry and metadata before it are gone.

        `expiration` in seconds since 1970, `expiration_ttl` from now, both at least 60 ahead; the ttl wins. More than
        one write a second to one key is KVError 429. https://developers.cloudflare.com/kv/api/write-key-value-pairs/
        """
        self._run(
            lambda kv: kv.put(key, value, expiration=expiration, expiration_ttl=expiration_ttl, metadata=metadata)
        )

    def delete(self, key: str) -> None:
        """Delete; a key that is not there is no error. https://developers.cloudflare.com/kv/api/delete-key-value-pairs/"""
        self._run(lambda kv: kv.delete(key))

    def list(
        self,
        *,
        prefix: str | Undefined = UNDEFINED,
        limit: int | Undefined = UNDEFINED,
        cursor: str | Undefined | None = UNDEFINED,
    ) -> ListResult:
        """A page of at most `limit` key names, 1 to 1,000, in the order of their UTF-8 bytes.

        `cursor` is the cursor of the page before. Only `list_complete` says that a page is the last: one without keys
        may have a cursor. https://developers.cloudflare.com/kv/api/list-keys/
        """
        return self._run(lambda kv: kv.list(prefix=prefix, limit=limit, cursor=cursor))

    def _run(self, call: Callable[[Binding], Coroutine[object, None, Result]]) -> Result:
        async def called() -> Result:
            return await call(self.emulator.binding(self.location, self.named))

        return self.emulator.where.run(called())
