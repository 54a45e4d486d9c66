"""Many keys in one request: write, delete, read. A write is checked as a whole before anything of it is written.

https://developers.cloudflare.com/api/resources/kv/subresources/namespaces/ , methods bulk_update, bulk_delete, bulk_get
"""

import json
from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from queue_emulator.core import limits
from queue_emulator.core.bulk import check_entry, problem, put_request
from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import (
    Base64Error,
    BulkDataError,
    BulkGetError,
    BulkGetLengthError,
    JavaScriptError,
    KVError,
    KVSyntaxError,
)
from queue_emulator.core.javascript import Json, parse_json, stringify_json, well_formed
from queue_emulator.core.json_members import NotAnArray, members_of
from queue_emulator.core.json_rewriting import Members
from queue_emulator.core.json_size import JsonTooLarge
from queue_emulator.core.keys import check_service_key
from queue_emulator.core.options import PutRequest, check_bulk_get
from queue_emulator.core.wire_names import API_LOCATION
from queue_emulator.kv.waiting import off_loop
from queue_emulator.web.rest import refusals
from queue_emulator.web.rest.calls import Answer, Call

_COUNTED_MAX = 10 * limits.BULK_KEYS_MAX  # tens of millions, which fit in a body, would be counted for a minute
_GET_BODY_BYTES_MAX = 1024 * 1024  # a hundred keys, however they are escaped


class _Get(msgspec.Struct, rename={"with_metadata": "withMetadata"}):
    keys: list[str]
    type: str = "text"
    with_metadata: bool = False


async def put(call: Call) -> Answer:
    """Write up to 10,000 pairs, all or none."""
    content = await call.content(limits.BULK_BYTES_MAX, "Request body")
    requests = await off_loop(len(content), lambda: _pairs(call.operation, content, call.now_ms))
    await call.service.write(API_LOCATION, requests, caller=call.caller, in_steps=True)
    return _done(len(requests))


async def delete(call: Call) -> Answer:
    """Delete up to 10,000 keys, those that are not there included, all or none."""
    content = await call.content(limits.BULK_BYTES_MAX, "Request body")
    keys = await off_loop(len(content), lambda: _keys(call.operation, content))
    await call.service.delete(API_LOCATION, *dict.fromkeys(keys), caller=call.caller, in_steps=True)
    return _done(len(keys))


async def get(call: Call) -> Answer:
    """Up to 100 values as text or JSON, null for each that is not there."""
    asked = await call.shape(_GET_BODY_BYTES_MAX, _Get)
    if not all(map(well_formed, asked.keys)):
        raise refusals.bad_body(call.operation, "keys must be strings without lone surrogates")
    if asked.type == "":
        raise refusals.bad_request(call.operation, '"" is not a valid type. Use "json" or "text"')
    keys, _ = check_bulk_get(asked.keys, asked.type, None)
    read = await call.service.get_bulk(API_LOCATION, keys, caller=call.caller)
    found = {name: each.entry for name, each in zip(asked.keys, read, strict=True)}
    size_bytes = sum(len(entry.value or b"") for entry in found.values() if entry)
    if size_bytes > limits.BULK_GET_BYTES_MAX:
        raise BulkGetLengthError("GET_BULK", 413, "Total size of request exceeds the limit of 25MB")
    members = await off_loop(
        size_bytes,
        lambda: [
            f"{stringify_json(name)}:{'null' if entry is None else _shown(entry, asked.type, asked.with_metadata)}"
            for name, entry in found.items()
        ],
    )
    return Answer(f'{{"values":{{{",".join(members)}}}}}')


def _pairs(operation: str, content: bytes, now_ms: int) -> list[PutRequest]:
    requests: list[PutRequest] = []
    for number, entry in enumerate(_members(operation, content, refusals.too_many_pairs)):
        try:
            requests.append(put_request(check_entry(entry, now_ms), now_ms))
        except Base64Error as error:
            assert isinstance(entry, dict)
            raise refusals.bad_base64(entry, error) from None
        except BulkDataError as error:
            raise refusals.bad_body(operation, problem(number, entry, error)) from None
    return requests


def _keys(operation: str, content: bytes) -> list[bytes]:
    keys: list[bytes] = []
    for number, key in enumerate(_members(operation, content, partial(refusals.too_many_keys, operation))):
        if not isinstance(key, str) or not well_formed(key):
            raise refusals.bad_body(
                operation, f"entry {number}: must be a key name, a string of at most {limits.KEY_BYTES_MAX} bytes"
            )
        keys.append(check_service_key(key, "DELETE"))
    return keys


def _members(operation: str, content: bytes, too_many: Callable[[str], refusals.Refusal]) -> Iterator[Json | Members]:
    number = -1
    try:
        for number, member in enumerate(members_of(content)):
            if number < limits.BULK_KEYS_MAX:
                yield member
            elif number == _COUNTED_MAX:
                raise too_many(f"more than {_COUNTED_MAX}")
        if number >= limits.BULK_KEYS_MAX:
            raise too_many(f"{number + 1}")
    except NotAnArray:
        raise refusals.bad_body(operation, "the request body must be a JSON array") from None
    except JsonTooLarge as error:
        raise refusals.bad_body(operation, f"the request body has {error}") from None
    except (ValueError, RecursionError):
        raise refusals.bad_body(operation, "the request body is not JSON") from None


def _shown(entry: Entry, value_type: str, with_metadata: bool) -> str:
    value = _json_text(entry, value_type)
    if not with_metadata:
        return value
    expiration = "" if entry.expiration_s is None else f',"expiration":{entry.expiration_s}'
    return f'{{"value":{value},"metadata":{entry.metadata or "null"}{expiration}}}'


def _json_text(entry: Entry, value_type: str) -> str:
    """Keys must contain text, says the API's description; so others are refused, not garbled."""
    try:
        text = (entry.value or b"").decode()
    except UnicodeDecodeError:
        raise _unfit(value_type) from None
    if value_type == "text":
        return json.dumps(text, ensure_ascii=False)
    try:
        return stringify_json(parse_json(text.removeprefix("\ufeff")))
    except (KVSyntaxError, JavaScriptError):
        raise _unfit(value_type) from None


def _unfit(value_type: str) -> KVError:
    return BulkGetError("GET_BULK", 400, f"At least one of the requested keys corresponds to a non-{value_type} value")


def _done(count: int) -> Answer:
    return Answer.of({"successful_key_count": count, "unsuccessful_keys": []})
