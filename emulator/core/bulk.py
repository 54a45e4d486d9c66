"""Bulk data: the JSON that `wrangler kv bulk put` takes, checked as a whole before any of it is written.

Format: https://developers.cloudflare.com/kv/reference/kv-commands/#kv-bulk-put
"""

import base64
import binascii
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from emulator.core.entries import Entry
from emulator.core.errors import BulkDataError, JavaScriptError
from emulator.core.javascript import SAFE_INTEGER_MAX, Json, from_utf8, json_decoder, stringify_json
from emulator.core.keys import check_service_key
from emulator.core.options import PutRequest, check_put

_FIELDS = {"key", "value", "base64", "expiration", "expiration_ttl", "metadata"}
_PROBLEMS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class BulkData:
    """Checked writes in file order, and how many entries had each field that is not in the format."""

    requests: tuple[PutRequest, ...]
    unknown_fields: dict[str, int]


def parse_bulk(content: bytes, now_ms: int, *, checked: Callable[[], object] = lambda: None) -> BulkData:
    """Check `content`, a UTF-8 JSON array of `{key, value, …}`; calls `checked` after each entry.

    Raises BulkDataError naming the entries that are wrong.
    """
    entries = _entries(content)
    requests: list[PutRequest] = []
    problems: list[str] = []
    for number, entry in enumerate(entries):
        try:
            requests.append(_request(entry, now_ms))
        except (BulkDataError, JavaScriptError) as error:
            problems.append(f"entry {number}{_named(entry)}: {error}")
        checked()
    if problems:
        shown = "; ".join(problems[:_PROBLEMS_SHOWN])
        more = len(problems) - _PROBLEMS_SHOWN
        raise BulkDataError(f"{shown}; and {more} more" if more > 0 else shown)
    unknown = Counter(name for entry in entries for name in entry if name not in _FIELDS)
    return BulkData(tuple(requests), dict(unknown))


def bulk_entry(entry: Entry) -> dict[str, Json]:
    """A live entry as `parse_bulk` takes it: base64 where the value is not UTF-8, `expiration` in unix seconds."""
    assert entry.value is not None
    named: dict[str, Json] = {"key": from_utf8(entry.key)}
    try:
        named["value"] = entry.value.decode()
    except UnicodeDecodeError:
        named |= {"value": base64.b64encode(entry.value).decode(), "base64": True}
    if entry.expiration_s is not None:
        named["expiration"] = entry.expiration_s
    if entry.metadata is not None:
        named["metadata"] = json_decoder().decode(entry.metadata)
    return named


def _entries(content: bytes) -> list[Json]:
    try:
        entries = _DECODER.decode(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BulkDataError(f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise BulkDataError("JSON nested too deep") from None
    except ValueError as error:
        raise BulkDataError(f"not JSON: {error}") from None
    if not isinstance(entries, list):
        raise BulkDataError("must be a JSON array of {key, value, expiration?, expiration_ttl?, metadata?, base64?}")
    return entries


def _request(entry: Json, now_ms: int) -> PutRequest:
    if not isinstance(entry, dict):
        raise BulkDataError("must be an object with key and value")
    key = check_service_key(_string(entry, "key"), "PUT")
    metadata = entry.get("metadata")
    return check_put(
        key,
        _value(entry),
        expiration_s=_seconds(entry, "expiration"),
        expiration_ttl_s=_seconds(entry, "expiration_ttl"),
        metadata=None if metadata is None else stringify_json(metadata),
        now_ms=now_ms,
    )


def _string(entry: dict[str, Json], name: str) -> str:
    text = entry.get(name)
    if not isinstance(text, str):
        raise BulkDataError(f"{name} must be a string" if name in entry else f"{name} is missing")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BulkDataError(f"{name} holds a lone surrogate, which UTF-8 cannot encode") from None
    return text


def _value(entry: dict[str, Json]) -> bytes:
    text = _string(entry, "value")
    if not isinstance(entry.get("base64"), bool | None):
        raise BulkDataError("base64 must be true or false")
    if not entry.get("base64"):
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BulkDataError("value is not base64, as its base64 field says") from None


def _seconds(entry: dict[str, Json], name: str) -> int | None:
    seconds = entry.get(name)
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int)):
        raise BulkDataError(f"{name} must be an integer, in seconds")
    if seconds is not None and abs(seconds) > SAFE_INTEGER_MAX:
        raise BulkDataError(f"{name} of {seconds} is further away than {SAFE_INTEGER_MAX} seconds")
    return seconds


def _named(entry: Json) -> str:
    key = entry.get("key") if isinstance(entry, dict) else None
    return f" (key {key[:80]!r})" if isinstance(key, str) else ""


_DECODER = json_decoder()
