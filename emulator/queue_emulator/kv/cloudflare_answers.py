"""What Cloudflare's API answers about KV, parsed: envelopes, and the shapes inside them.

Shapes: https://developers.cloudflare.com/api/resources/kv/ . A parser raises one of UNEXPECTED for anything else. Large
answers are parsed into these shapes and nothing else: of a hundred million lists in a list no object is ever made.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Literal, NamedTuple, TypeVar

import msgspec

from queue_emulator.core.errors import JavaScriptError
from queue_emulator.core.javascript import Json, json_decoder
from queue_emulator.core.keys import check_key

UNEXPECTED = (
    *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError),
    *(JavaScriptError, msgspec.MsgspecError),
)
Shape = TypeVar("Shape")

_NULL = msgspec.Raw(b"null")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATES_BYTES_MAX = 4_194_304  # a thousand keys with the largest metadata, some of it escaped
_WHOLE_MAX = 2**53 - 1  # what JavaScript counts exactly
_METADATA_BYTES_MAX = 65_536  # KV takes 1,024, which spaces and escapes may make longer


class StoredValue(NamedTuple):
    """What stands under a key; expiration in unix seconds."""

    value: bytes
    expiration_s: int | None


class BulkValue(NamedTuple):
    """What a bulk read gives of a key: text only, with U+FFFD for what is not UTF-8."""

    value: str
    expiration_s: int | None
    metadata: Json


class ListedKey(NamedTuple):
    """One key of a list."""

    name: str
    expiration_s: int | None
    metadata: Json


class KeyPage(NamedTuple):
    """One page of a list; `cursor` "" says that it is the last."""

    keys: tuple[ListedKey, ...]
    cursor: str


class BulkDone(NamedTuple):
    """How many keys a bulk write changed, and which it did not: those may be sent again."""

    successful: int
    unsuccessful: tuple[str, ...]


class Namespace(NamedTuple):
    """A namespace of the account."""

    id: str
    title: str


def parse_envelope(content: bytes) -> dict[str, Json]:
    """The JSON object around every answer but a value."""
    try:
        envelope = _DECODER.decode(content.decode())
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(envelope, dict):
        raise ValueError("not an object")
    return envelope


def first_error(content: bytes) -> tuple[int | None, str | None]:
    """Code and message of the first error of an envelope; None for what is not there."""
    try:
        error = _object(_array(parse_envelope(content)["errors"])[0])
        code, message = error.get("code"), error.get("message")
    except UNEXPECTED:
        return None, None
    return code if isinstance(code, int) else None, message if isinstance(message, str) else None


def parse_result(envelope: dict[str, Json]) -> Json:
    """What the envelope is around."""
    return envelope["result"]


def parse_namespace(envelope: dict[str, Json]) -> Namespace:
    """One namespace by itself."""
    return _namespace(msgspec.convert(envelope["result"], _Named))


def parse_namespaces(envelope: dict[str, Json]) -> list[Namespace]:
    """A page of namespaces."""
    return [_namespace(each) for each in msgspec.convert(envelope["result"], list[_Named])]


def parse_values(content: bytes, keys: Sequence[str]) -> dict[str, BulkValue | None]:
    """What a bulk read with metadata found under each key; a key that is left out is not there."""
    values = _shaped(content, _Values, lambda envelope: _entries(envelope).values()).result.values
    return {key: None if (found := values.get(key)) is None else _bulk_value(found) for key in keys}


def parse_page(content: bytes) -> KeyPage:
    """A page of keys, in key order; a cursor that is empty, null or left out ends the list."""
    page = _shaped(content, _Page, lambda envelope: _array(envelope["result"]))
    keys = tuple(ListedKey(_key(each.name), _whole(each.expiration), _metadata(each.metadata)) for each in page.result)
    return KeyPage(keys, _text((page.result_info and page.result_info.cursor) or ""))


def parse_done(envelope: dict[str, Json], count: int) -> BulkDone:
    """What became of `count` keys. Before 2024-11-14 the API did not say: then all were written.

    https://developers.cloudflare.com/kv/platform/release-notes/
    """
    done = msgspec.convert(envelope.get("result") or {}, _Done)
    unsuccessful = tuple(map(_text, done.unsuccessful_keys or ()))
    successful = _whole(done.successful_key_count)
    return BulkDone(count - len(unsuccessful) if successful is None else successful, unsuccessful)


class _Named(msgspec.Struct):
    id: str
    title: str


class _Done(msgspec.Struct):
    unsuccessful_keys: list[str] | None = None
    successful_key_count: int | float | None = None


class _Listed(msgspec.Struct):
    name: str
    expiration: int | float | None = None
    metadata: msgspec.Raw = _NULL


class _Info(msgspec.Struct):
    cursor: str | None = None


class _Page(msgspec.Struct):
    success: Literal[True]
    result: Annotated[list[_Listed], msgspec.Meta(max_length=1000)]
    result_info: _Info | None = None


class _Value(msgspec.Struct):
    value: str
    expiration: int | float | None = None
    metadata: msgspec.Raw = _NULL


class _Result(msgspec.Struct):
    values: dict[str, _Value | None]


class _Values(msgspec.Struct):
    success: Literal[True]
    result: _Result


def _shaped(content: bytes, shape: type[Shape], holders: Callable[[dict[str, Json]], Iterable[Json]]) -> Shape:
    """The answer in its shape; `holders` are what has metadata in it.

    JSON.stringify writes half of a surrogate pair as an escape, which msgspec refuses: then Python's parser reads it.
    """
    try:
        return msgspec.json.decode(content, type=shape)
    except msgspec.DecodeError:
        if len(content) > _SURROGATES_BYTES_MAX or not _SURROGATE.search(content):
            raise
    envelope = parse_envelope(content)
    for each in holders(envelope):
        if isinstance(each, dict) and "metadata" in each:
            metadata: dict[str, object] = each  # type: ignore[assignment]  # what is not JSON stays in here
            metadata["metadata"] = msgspec.Raw(json.dumps(each["metadata"]).encode())
    return msgspec.convert(envelope, shape)


def _entries(envelope: dict[str, Json]) -> dict[str, Json]:
    return _object(_object(envelope["result"])["values"])


def _namespace(given: _Named) -> Namespace:
    return Namespace(_text(given.id), _text(given.title))


def _bulk_value(found: _Value) -> BulkValue:
    return BulkValue(found.value, _whole(found.expiration), _metadata(found.metadata))


def _metadata(raw: msgspec.Raw) -> Json:
    content = bytes(raw)
    if len(content) > _METADATA_BYTES_MAX:
        raise ValueError("metadata that KV does not take")
    metadata: Json = _DECODER.decode(content.decode())
    return metadata


def _key(given: str) -> str:
    """Raises for what KV takes for no key: it could not be asked for."""
    check_key(_text(given), "LIST")
    return given


def _object(given: Json) -> dict[str, Json]:
    if not isinstance(given, dict):
        raise TypeError
    return given


def _array(given: Json) -> list[Json]:
    if not isinstance(given, list):
        raise TypeError
    return given


def _text(given: str) -> str:
    given.encode()  # no half of a surrogate pair
    return given


def _whole(given: int | float | None) -> int | None:
    if given is None:
        return None
    if abs(given) > _WHOLE_MAX:
        raise ValueError("a number that no count and no time is")
    return int(given)


_DECODER = json_decoder()
