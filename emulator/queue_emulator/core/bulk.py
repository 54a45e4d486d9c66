"""Bulk data: the JSON that `wrangler kv bulk put` takes, checked as a whole before any of it is written.

Format: https://developers.cloudflare.com/kv/reference/kv-commands/#kv-bulk-put
"""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring

from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import Base64Error, BulkDataError, JavaScriptError
from queue_emulator.core.javascript import SAFE_INTEGER_MAX, Json, from_utf8, json_decoder, stringify_json
from queue_emulator.core.json_members import NotAnArray, members_of
from queue_emulator.core.json_rewriting import Members, utf8_of
from queue_emulator.core.json_size import JsonTooDeep, JsonTooLarge
from queue_emulator.core.json_text import JsonText
from queue_emulator.core.keys import check_service_key
from queue_emulator.core.limits import METADATA_BYTES_MAX
from queue_emulator.core.options import PutRequest, check_put, ends_s, metadata_too_long
from queue_emulator.core.put_requests import PutRequests
from queue_emulator.core.threads import give_way

FIELDS = frozenset(("key", "value", "base64", "expiration", "expiration_ttl", "metadata"))
PROBLEMS_SHOWN = 5
_ENTRIES_AT_ONCE = 100  # about a millisecond
_NAMES_MAX, _NAME_CHARACTERS_MAX = 50, 80  # of members that are not of the format
OTHER_NAMES = "(others)"
_PROBLEMS_MAX = 1_000  # of a file that is something else altogether nobody needs the exact number
NOT_AN_ARRAY = "must be a JSON array of {key, value, expiration?, expiration_ttl?, metadata?, base64?}"


@dataclass(frozen=True, slots=True)
class BulkData:
    """Checked writes in file order, and how many entries had each field that is not in the format."""

    requests: PutRequests
    unknown_fields: dict[str, int]


@dataclass(frozen=True, slots=True)
class BulkEntry:
    """One entry as the format says it: a lifetime may still be relative, and begins with the write.

    `expiration_s` in unix seconds or `expiration_ttl_s` in seconds, not both; `metadata` is serialized JSON.
    """

    key: bytes
    value: bytes
    expiration_s: int | None = None
    expiration_ttl_s: int | None = None
    metadata: str | None = None


def parse_bulk(content: bytes, now_ms: int, *, entries_max: int | None = None) -> BulkData:
    """Check `content`, a UTF-8 JSON array of `{key, value, …}`.

    Raises BulkDataError naming the entries that are wrong, or if there are more than `entries_max`.
    """
    requests = PutRequests()
    problems: list[str] = []
    unknown: Counter[str] = Counter()
    for number, entry in enumerate(_entries(content)):
        if number % _ENTRIES_AT_ONCE == 0:
            give_way()
        if number == entries_max:
            raise BulkDataError(f"more than {entries_max:,} entries; `queue-emulator seed` writes a file in parts")
        try:
            requests.append(put_request(check_entry(entry, now_ms), now_ms))
            assert isinstance(entry, dict)
            count_unknown(unknown, entry)
        except (BulkDataError, JavaScriptError) as error:
            problems.append(problem(number, entry, error))
        if len(problems) == _PROBLEMS_MAX:
            raise BulkDataError(f"{'; '.join(problems[:PROBLEMS_SHOWN])}; and {_PROBLEMS_MAX - PROBLEMS_SHOWN} or more")
    if problems:
        raise BulkDataError(all_problems(problems[:PROBLEMS_SHOWN], len(problems)))
    return BulkData(requests, dict(unknown))


def check_entry(member: Json | Members, now_ms: int) -> BulkEntry:
    """One member of the array; raises BulkDataError or JavaScriptError, the service's own words."""
    return checked(stored_entry(member), now_ms)


def checked(entry: BulkEntry, now_ms: int) -> BulkEntry:
    """The entry, if KV takes it at that time; raises as `check_entry`."""
    check_put(
        entry.key,
        entry.value,
        expiration_s=entry.expiration_s,
        expiration_ttl_s=entry.expiration_ttl_s,
        metadata=entry.metadata,
        now_ms=now_ms,
    )
    return entry


def stored_entry(member: Json | Members) -> BulkEntry:
    """As `check_entry`, of what is in a store already: its lifetime may end at any moment."""
    if not isinstance(member, dict):
        raise BulkDataError("must be an object with key and value")
    entry: Members = {**member}
    key = check_service_key(_string(entry, "key").decode(), "PUT")
    value, metadata = _value(entry), entry.get("metadata")
    expiration_s, ttl_s = _seconds(entry, "expiration"), _seconds(entry, "expiration_ttl")
    return BulkEntry(
        key,
        value,
        expiration_s if ttl_s is None else None,
        ttl_s,
        None if metadata is None else metadata_json(metadata),
    )


def metadata_json(value: Json | JsonText) -> str:
    """Metadata as JSON; raises MetadataLengthError for what stayed text and is too long."""
    if not isinstance(value, JsonText):
        return stringify_json(value)
    if len(value.content) > METADATA_BYTES_MAX:  # not decoded: characters may take four times as much
        raise metadata_too_long(len(value.content))
    return value.content.decode()


def put_request(entry: BulkEntry, now_ms: int) -> PutRequest:
    """What a store writes for a checked entry at `now_ms`."""
    if entry.expiration_ttl_s is None:
        return PutRequest(entry.key, entry.value, entry.expiration_s, entry.metadata)
    ends = ends_s(entry.expiration_ttl_s, now_ms)
    return PutRequest(entry.key, entry.value, ends, entry.metadata, entry.expiration_ttl_s)


def bulk_entry(entry: Entry | BulkEntry) -> dict[str, Json]:
    """A live entry as `parse_bulk` takes it: base64 where the value is not UTF-8, `expiration` in unix seconds."""
    assert entry.value is not None
    named: dict[str, Json] = {"key": from_utf8(entry.key)}
    try:
        named["value"] = entry.value.decode()
    except UnicodeDecodeError:
        named |= {"value": base64.b64encode(entry.value).decode(), "base64": True}
    if isinstance(entry, BulkEntry) and entry.expiration_ttl_s is not None:
        named["expiration_ttl"] = entry.expiration_ttl_s
    elif entry.expiration_s is not None:
        named["expiration"] = entry.expiration_s
    if entry.metadata is not None:
        named["metadata"] = _DECODER.decode(entry.metadata)
    return named


def bulk_json(entry: BulkEntry) -> str:
    """As `bulk_entry`, written as JSON."""
    try:
        members = f'"key":{_QUOTED(entry.key.decode())},"value":{_QUOTED(entry.value.decode())}'
    except UnicodeDecodeError:
        value = base64.b64encode(entry.value).decode()
        members = f'"key":{_QUOTED(from_utf8(entry.key))},"value":"{value}","base64":true'
    if entry.expiration_ttl_s is not None:
        members += f',"expiration_ttl":{entry.expiration_ttl_s}'
    elif entry.expiration_s is not None:
        members += f',"expiration":{entry.expiration_s}'
    if entry.metadata is not None:
        members += f',"metadata":{entry.metadata}'
    return f"{{{members}}}"


def count_unknown(counts: Counter[str], entry: Collection[str]) -> None:
    """Note which members of an entry are not of the format: by name, or where there are many names, as others."""
    for name in entry:
        if name not in FIELDS:
            shown = name[:_NAME_CHARACTERS_MAX]
            counts[shown if shown in counts or len(counts) < _NAMES_MAX else OTHER_NAMES] += 1


def problem(number: int, entry: Json | Members, error: Exception) -> str:
    """What is wrong with one entry, counted from 0."""
    key = entry.get("key") if isinstance(entry, dict) else None
    named = f" (key {key[:80]!r})" if isinstance(key, str) else ""
    return f"entry {number}{named}: {error}"


def all_problems(shown: Sequence[str], count: int) -> str:
    """The first problems, and how many more there are."""
    text = "; ".join(shown)
    return f"{text}; and {count - len(shown)} more" if count > len(shown) else text


def _entries(content: bytes) -> Iterator[Json | Members]:
    """The members of the array, parsed one by one: so others can go on meanwhile."""
    try:
        yield from members_of(content)
    except NotAnArray:
        raise BulkDataError(NOT_AN_ARRAY) from None
    except UnicodeDecodeError as error:
        raise BulkDataError(f"not UTF-8 at byte {error.start}") from None
    except (RecursionError, JsonTooDeep):
        raise BulkDataError("JSON nested too deep") from None
    except JsonTooLarge as error:
        raise BulkDataError(str(error)) from None
    except ValueError as error:
        raise BulkDataError(f"not JSON: {error}") from None


def _string(entry: Members, name: str) -> bytes:
    text = entry.get(name)
    is_text = text.is_string if isinstance(text, JsonText) else isinstance(text, str)
    if not is_text:
        raise BulkDataError(f"{name} must be a string" if name in entry else f"{name} is missing")
    try:
        return utf8_of(text) if isinstance(text, JsonText) else str(text).encode()
    except UnicodeEncodeError:
        raise BulkDataError(f"{name} holds a lone surrogate, which UTF-8 cannot encode") from None


def _value(entry: Members) -> bytes:
    content = _string(entry, "value")
    flag = entry.get("base64")
    if flag is None or flag is False:
        return content
    if flag is not True:
        raise BulkDataError("base64 must be true or false")
    digits = _BASE64_DIGITS.match(content)
    assert digits is not None
    try:
        if len(content) % 4 == 0:  # which the library takes more lightly
            return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise Base64Error(digits.end())


def _seconds(entry: Members, name: str) -> int | None:
    seconds = entry.get(name)
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int)):
        raise BulkDataError(f"{name} must be an integer, in seconds")
    if seconds is not None and abs(seconds) > SAFE_INTEGER_MAX:
        raise BulkDataError(f"{name} of {seconds} is more than {SAFE_INTEGER_MAX} seconds")
    return seconds


_BASE64_DIGITS = re.compile(rb"[A-Za-z0-9+/]*")
_DECODER = json_decoder()
_QUOTED: Callable[[str], str] = encode_basestring  # a string as JSON, ASCII or not
