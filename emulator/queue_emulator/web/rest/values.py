"""Keys one at a time: list, read, write and delete; values travel as bytes.

https://developers.cloudflare.com/api/resources/kv/subresources/namespaces/subresources/ : values, keys, metadata
"""

import re

from queue_emulator.core import limits
from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import JavaScriptError, KeyNameError
from queue_emulator.core.javascript import SAFE_INTEGER_MAX, Json, json_decoder, parse_json, stringify_json
from queue_emulator.core.json_size import JsonTooLarge, check_json
from queue_emulator.core.keys import check_prefix, check_service_key, decode_segment
from queue_emulator.core.options import ListRequest, check_put, metadata_too_long
from queue_emulator.core.wire_names import API_LOCATION
from queue_emulator.kv.waiting import off_loop
from queue_emulator.web.rest import refusals
from queue_emulator.web.rest.calls import Answer, Call
from queue_emulator.web.rest.multipart import MultipartError, is_multipart, parse_parts

_FORM_BYTES_MAX = limits.VALUE_BYTES_MAX + 1024 * 1024  # metadata and what stands around the parts
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_WHOLE = re.compile("-?[0-9]{1,17}")


async def list_keys(call: Call) -> Answer:
    """One page of names in the order of their bytes; the cursor of the last page is empty."""
    given = call.query.get("limit", str(limits.LIST_LIMIT_DEFAULT))
    limit = int(given) if _WHOLE.fullmatch(given) else 0
    if not limits.API_LIST_LIMIT_MIN <= limit <= limits.LIST_LIMIT_MAX:
        allowed = f"an integer between {limits.API_LIST_LIMIT_MIN} and {limits.LIST_LIMIT_MAX}"
        raise refusals.bad_parameter("limit", call.operation, given, allowed)
    request = ListRequest(check_prefix(call.query.get("prefix", "")), limit, call.query.get("cursor", ""))
    listing = await call.service.list(API_LOCATION, request, caller=call.caller)
    keys = []
    for row in listing.rows:
        key: dict[str, Json] = {"name": row.key.decode()}
        if row.expiration_s is not None:
            key["expiration"] = row.expiration_s
        if row.metadata is not None:
            key["metadata"] = parse_json(row.metadata)
        keys.append(key)
    return Answer.of(keys, {"count": len(keys), "cursor": listing.cursor or ""})


async def get_value(call: Call) -> Answer:
    """The bytes themselves, and when they expire as a header."""
    entry = await _read(call)
    if entry is None or entry.value is None:
        raise refusals.no_key()
    headers = {} if entry.expiration_s is None else {"expiration": str(entry.expiration_s)}
    return Answer(raw=entry.value, headers=headers)


async def get_metadata(call: Call) -> Answer:
    """The metadata of a key, null if it has none."""
    entry = await _read(call)
    if entry is None:
        raise refusals.no_key()
    return Answer.of(None if entry.metadata is None else parse_json(entry.metadata))


async def put_value(call: Call) -> Answer:
    """Replace all that stood under the key; the body is the value, or a form with it and its metadata."""
    key = _key(call)
    expiration_s, ttl_s = _seconds(call, "expiration"), _seconds(call, "expiration_ttl")
    value, metadata = await _content(call)
    request = check_put(
        key, value, expiration_s=expiration_s, expiration_ttl_s=ttl_s, metadata=metadata, now_ms=call.now_ms
    )
    await call.service.put(API_LOCATION, request, caller=call.caller)
    return Answer()


async def delete_value(call: Call) -> Answer:
    """Deleting a key that is not there succeeds."""
    await call.service.delete(API_LOCATION, _key(call), caller=call.caller)
    return Answer()


async def _read(call: Call) -> Entry | None:
    return (await call.service.get(API_LOCATION, _key(call), caller=call.caller)).entry


def _key(call: Call) -> bytes:
    """The key that the path names, percent-decoded once."""
    operation = "PUT" if call.operation == "put" else "GET"
    decoded = None if _BAD_PERCENT.search(call.key_segment) else decode_segment(call.key_segment)
    if decoded is None:
        raise KeyNameError(operation, 400, "Could not URL-decode key name")
    return check_service_key(decoded, operation)


def _seconds(call: Call, name: str) -> int | None:
    given = call.query.get(name)
    if given is None:
        return None
    if not _WHOLE.fullmatch(given) or abs(int(given)) > SAFE_INTEGER_MAX:
        raise refusals.bad_parameter(name, call.operation, given, "integer greater than 0")
    return int(given)


async def _content(call: Call) -> tuple[bytes, str | None]:
    """The value and its metadata, as JSON text."""
    content_type = call.headers.get("content-type", "")
    if not is_multipart(content_type):
        return await call.content(limits.VALUE_BYTES_MAX, "Value"), None
    content = await call.content(_FORM_BYTES_MAX, "Request body")
    try:
        parts = await off_loop(len(content), lambda: parse_parts(content_type, content))
    except MultipartError as error:
        raise refusals.bad_body(call.operation, f"not multipart/form-data: {error}") from None
    if "value" not in parts:
        raise refusals.bad_body(call.operation, "the form has no part named value")
    metadata = parts.get("metadata")
    return parts["value"], None if metadata is None else await off_loop(len(metadata), lambda: _metadata(metadata))


def _metadata(part: bytes) -> str | None:
    """As it is kept; of so many values that they cannot fit, however they are written, none is made."""
    try:
        text = part.decode()
        check_json(text, values_max=limits.METADATA_BYTES_MAX)
        metadata = _DECODER.decode(text)
        text = stringify_json(metadata)
    except JsonTooLarge:
        raise metadata_too_long(len(part)) from None
    except (ValueError, RecursionError, JavaScriptError):
        raise refusals.bad_metadata() from None
    return None if metadata is None else text


_DECODER = json_decoder()
