"""Raw options in, checked frozen requests out, each check in the order in which production makes it.

Two doors. The runtime (workerd) refuses some arguments before anything is sent: `binding_*`. The service
checks what arrives, whoever sent it: `check_*`. Texts and order as in miniflare's validator, whose wording a
KV engineer confirmed to be production's (cloudflare/workers-sdk pull request 11391).
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from queue_emulator.core import limits
from queue_emulator.core.errors import (
    BulkGetError,
    ExpirationError,
    ExpirationTtlError,
    KVError,
    MetadataLengthError,
    ValueLengthError,
)
from queue_emulator.core.javascript import SAFE_INTEGER_MAX, UNDEFINED, JavaScript, to_int32
from queue_emulator.core.keys import check_service_key


class PutRequest(msgspec.Struct, frozen=True, gc=False):
    """A write that the service accepts. `value` in bytes, `expiration_s` in unix seconds, `metadata` as JSON.

    `expiration_ttl_s` is what `expiration_s` was made of, if it was: a lifetime that begins when it is written.
    """

    key: bytes
    value: bytes
    expiration_s: int | None = None
    metadata: str | None = None
    expiration_ttl_s: int | None = None

    def expires_s(self, now_ms: int) -> int | None:
        """When it expires if it is written now: a lifetime begins with the write, however long that had to wait."""
        return self.expiration_s if self.expiration_ttl_s is None else ends_s(self.expiration_ttl_s, now_ms)


class ListRequest(NamedTuple):
    """A page that the service is asked for; `cursor` "" is the first page. A tuple, because copies are found by it."""

    prefix: bytes = b""
    limit: int = limits.LIST_LIMIT_DEFAULT
    cursor: str = ""


def binding_number(option: JavaScript) -> int | None:
    """A numeric option as the runtime sends it on; None if it was not given."""
    return None if option is UNDEFINED else to_int32(option)


def check_put(
    key: bytes,
    value: bytes,
    *,
    expiration_s: int | None,
    expiration_ttl_s: int | None,
    metadata: str | None,
    now_ms: int,
) -> PutRequest:
    """The service's checks of a write: lifetime, metadata, value. A ttl wins over an absolute expiration."""
    now_s = now_ms // 1000
    if expiration_ttl_s is not None:
        _check_ttl(expiration_ttl_s)
        expiration_s = ends_s(expiration_ttl_s, now_ms)
    elif expiration_s is not None:
        _check_expiration(expiration_s, now_s)
    if metadata is not None:
        size_bytes = len(metadata.encode("utf-8", "replace"))
        if size_bytes > limits.METADATA_BYTES_MAX:
            raise metadata_too_long(size_bytes)
    if len(value) > limits.VALUE_BYTES_MAX:
        raise ValueLengthError("PUT", 413, _too_long("Value", len(value), limits.VALUE_BYTES_MAX))
    return PutRequest(key, value, expiration_s, metadata, expiration_ttl_s)


def metadata_too_long(size_bytes: int) -> MetadataLengthError:
    """For metadata of so many bytes."""
    return MetadataLengthError("PUT", 413, _too_long("Metadata", size_bytes, limits.METADATA_BYTES_MAX))


def ends_s(ttl_s: int, now_ms: int) -> int:
    """When a lifetime ends that begins now, in unix seconds; the furthest that JavaScript counts exactly, if later."""
    return min(now_ms // 1000 + ttl_s, SAFE_INTEGER_MAX)


def check_cache_ttl(cache_ttl_s: int | None, operation: str = "GET") -> int:
    """How long the reader lets the edge's copy be used, in seconds."""
    if cache_ttl_s is None:
        return limits.CACHE_TTL_S_DEFAULT
    if cache_ttl_s < limits.CACHE_TTL_S_MIN:
        reason = f"Invalid cache_ttl of {cache_ttl_s}. Cache TTL must be at least {limits.CACHE_TTL_S_MIN}."
        raise KVError(operation, 400, reason)
    return cache_ttl_s


def check_list_limit(limit: int | None) -> int:
    """1..1000. The text says "less than 1000" although 1000 is accepted."""
    if limit is None:
        return limits.LIST_LIMIT_DEFAULT
    if limit > limits.LIST_LIMIT_MAX:
        reason = f"Invalid key_count_limit of {limit}. Please specify an integer less than 1000."
        raise KVError("GET", 400, reason)
    return limit


def check_bulk_get(keys: Sequence[str], value_type: str, cache_ttl_s: int | None) -> tuple[list[bytes], int]:
    """1..100 keys as "text" or "json" ("" is text); duplicates count. Returns their bytes and the cacheTtl."""
    if value_type not in ("", "text", "json"):
        raise BulkGetError("GET_BULK", 400, f'"{value_type}" is not a valid type. Use "json" or "text"')
    if len(keys) > limits.BULK_GET_KEYS_MAX:
        raise BulkGetError("GET_BULK", 400, f"You can request a maximum of {limits.BULK_GET_KEYS_MAX} keys")
    if not keys:
        raise BulkGetError("GET_BULK", 400, "You must request a minimum of 1 key")
    first = check_service_key(keys[0], "GET_BULK")
    checked_ttl_s = check_cache_ttl(cache_ttl_s, "GET_BULK")
    return [first, *(check_service_key(key, "GET_BULK") for key in keys[1:])], checked_ttl_s


def _check_ttl(ttl_s: int) -> None:
    if ttl_s <= 0:
        reason = f"Invalid expiration_ttl of {ttl_s}. Please specify integer greater than 0."
    elif ttl_s < limits.TTL_S_MIN:
        reason = f"Invalid expiration_ttl of {ttl_s}. Expiration TTL must be at least {limits.TTL_S_MIN}."
    else:
        return
    raise ExpirationTtlError("PUT", 400, reason)


def _check_expiration(expiration_s: int, now_s: int) -> None:
    if expiration_s <= now_s:
        why = "Please specify integer greater than the current number of seconds since the UNIX epoch."
    elif expiration_s < now_s + limits.TTL_S_MIN:
        why = f"Expiration times must be at least {limits.TTL_S_MIN} seconds in the future."
    else:
        return
    raise ExpirationError("PUT", 400, f"Invalid expiration of {expiration_s}. {why}")


def _too_long(what: str, size_bytes: int, limit_bytes: int) -> str:
    return f"{what} length of {size_bytes} exceeds limit of {limit_bytes}."
