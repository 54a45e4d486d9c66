"""Many keys in one request: write, delete, read. A write is checked as a whole before anything of it is written.

https://developers.cloudflare.com/api/resources/kv/subresources/namespaces/ , methods bulk_update, bulk_delete, bulk_get
"""

import json
import re
from collections.abc import Iterator

from queue_emulator.core import limits
from queue_emulator.core.bulk import check_entry, problem, put_request
from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import BulkDataError, JavaScriptError, KVError, KVSyntaxError
from queue_emulator.core.javascript import Json, json_decoder, parse_json, stringify_json
from queue_emulator.core.keys import check_service_key
from queue_emulator.core.options import PutRequest, check_bulk_get
from queue_emulator.core.surface import API_LOCATION
from queue_emulator.web.rest import refusals
from queue_emulator.web.rest.calls import Answer, Call, off_loop

_GET_BODY_BYTES_MAX = 1024 * 1024  # a hundred keys, however they are escaped
_SPACE = re.compile(r"[ \t\n\r]*")


async def put(call: Call) -> Answer:
    """Write up to 10,000 pairs, all or none."""
    content = await call.content(limits.BULK_BYTES_MAX, "Request body")
    requests = await off_loop(len(content), lambda: _pairs(call.operation, content, call.now_ms))
    await call.service.write(API_LOCATION, requests, caller=call.caller)
    return _done(len(requests))


async def delete(call: Call) -> Answer:
    """Delete up to 10,000 keys, those that are not there included, all or none."""
    content = await call.content(limits.BULK_BYTES_MAX, "Request body")
    keys = await off_loop(len(content), lambda: _keys(call.operation, content))
    await call.service.delete(API_LOCATION, *dict.fromkeys(keys), caller=call.caller)
    return _done(len(keys))


async def get(call: Call) -> Answer:
    """Up to 100 values as text or JSON, null for each that is not there."""
    body = await call.json(_GET_BODY_BYTES_MAX)
    names, value_type, with_metadata = _asked(call.operation, body)
    keys, _ = check_bulk_get(names, value_type, None)
    read = await call.service.get_bulk(API_LOCATION, keys, caller=call.caller)
    found = {name: each.entry for name, each in zip(names, read, strict=True)}
    size_bytes = sum(len(entry.value or b"") for entry in found.values() if entry)
    if size_bytes > limits.BULK_GET_BYTES_MAX:
        raise KVError("GET_BULK", 413, "Total size of request exceeds the limit of 25MB")
    members = await off_loop(
        size_bytes,
        lambda: [
            f"{stringify_json(name)}:{'null' if entry is None else _shown(entry, value_type, with_metadata)}"
            for name, entry in found.items()
        ],
    )
    return Answer(f'{{"values":{{{",".join(members)}}}}}')


def _pairs(operation: str, content: bytes, now_ms: int) -> list[PutRequest]:
    requests: list[PutRequest] = []
    for number, entry in enumerate(_members(operation, content)):
        try:
            requests.append(put_request(check_entry(entry, now_ms), now_ms))
        except BulkDataError as error:
            raise refusals.bad_body(operation, problem(number, entry, error)) from None
    return requests


def _keys(operation: str, content: bytes) -> list[bytes]:
    keys: list[bytes] = []
    for number, key in enumerate(_members(operation, content)):
        if not isinstance(key, str) or not _encodable(key):
            raise refusals.bad_body(operation, f"entry {number}: must be a key name, a string")
        keys.append(check_service_key(key, "DELETE"))
    return keys


def _members(operation: str, content: bytes) -> Iterator[Json]:
    """The members of a JSON array one by one, so that other requests go on between them."""
    try:
        text = content.decode("utf-8-sig")
        at = _skip(text, 0)
        if text[at : at + 1] != "[":
            raise refusals.bad_body(operation, "the request body must be a JSON array")
        at = _skip(text, at + 1)
        count, more = 0, text[at : at + 1] != "]"
        while more:
            count += 1
            if count > limits.BULK_KEYS_MAX:
                raise refusals.too_many_keys(operation, f"You can send a maximum of {limits.BULK_KEYS_MAX} keys")
            member, at = _DECODER.raw_decode(text, at)
            yield member
            at = _skip(text, at)
            more = text[at : at + 1] == ","
            at = _skip(text, at + 1) if more else at
        if text[at : at + 1] != "]" or _skip(text, at + 1) != len(text):
            raise ValueError("does not end as an array does")
    except (ValueError, RecursionError):
        raise refusals.bad_body(operation, "the request body is not JSON") from None


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()


def _asked(operation: str, body: Json) -> tuple[list[str], str, bool]:
    if not isinstance(body, dict) or not isinstance(body.get("keys"), list):
        raise refusals.bad_body(operation, 'the request body must be as {"keys": ["a", "b"]}')
    given, value_type, with_metadata = body["keys"], body.get("type", "text"), body.get("withMetadata", False)
    assert isinstance(given, list)
    keys = [key for key in given if isinstance(key, str) and _encodable(key)]
    if len(keys) < len(given):
        raise refusals.bad_body(operation, "keys must be strings")
    if not isinstance(value_type, str) or not isinstance(with_metadata, bool):
        raise refusals.bad_body(operation, "type must be a string and withMetadata true or false")
    if value_type == "":
        raise refusals.bad_request(operation, '"" is not a valid type. Use "json" or "text"')
    return keys, value_type, with_metadata


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
    return KVError("GET_BULK", 400, f"At least one of the requested keys corresponds to a non-{value_type} value")


def _done(count: int) -> Answer:
    return Answer.of({"successful_key_count": count, "unsuccessful_keys": []})


def _encodable(text: str) -> bool:
    """Whether it is without lone surrogates, which JSON can spell and UTF-8 cannot."""
    return text == text.encode("utf-8", "replace").decode()


_DECODER = json_decoder()
