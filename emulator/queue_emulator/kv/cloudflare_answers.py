"""What Cloudflare's API answers about KV, parsed: envelopes, and the shapes inside them.

Shapes: https://developers.cloudflare.com/api/resources/kv/ . A parser raises one of UNEXPECTED for anything else.
"""

from collections.abc import Sequence
from typing import NamedTuple

from queue_emulator.core.errors import JavaScriptError
from queue_emulator.core.javascript import Json, json_decoder
from queue_emulator.core.keys import check_key

UNEXPECTED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, JavaScriptError)


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
        error = parse_envelope(content)["errors"][0]
        code, message = error.get("code"), error.get("message")
    except UNEXPECTED:
        return None, None
    return code if isinstance(code, int) else None, message if isinstance(message, str) else None


def parse_namespace(result: Json) -> Namespace:
    """One namespace, of a list or by itself."""
    return Namespace(_text(result["id"]), _text(result["title"]))


def parse_values(envelope: Json, keys: Sequence[str]) -> dict[str, BulkValue | None]:
    """What a bulk read with metadata found under each key; a key that is left out is not there."""
    values = envelope["result"]["values"]
    return {key: None if values.get(key) is None else _bulk_value(values[key]) for key in keys}


def parse_page(envelope: Json) -> KeyPage:
    """A page of keys; a cursor that is empty, null or left out ends the list."""
    keys = (
        ListedKey(_key(key["name"]), _whole(key.get("expiration")), key.get("metadata")) for key in envelope["result"]
    )
    return KeyPage(tuple(keys), _text((envelope.get("result_info") or {}).get("cursor") or ""))


def parse_done(envelope: Json, count: int) -> BulkDone:
    """What became of `count` keys. Before 2024-11-14 the API did not say: then all were written.

    https://developers.cloudflare.com/kv/platform/release-notes/
    """
    result = envelope.get("result") or {}
    unsuccessful = tuple(_text(key) for key in result.get("unsuccessful_keys") or ())
    successful = _whole(result.get("successful_key_count"))
    return BulkDone(count - len(unsuccessful) if successful is None else successful, unsuccessful)


def _bulk_value(found: Json) -> BulkValue:
    return BulkValue(_text(found["value"]), _whole(found.get("expiration")), found.get("metadata"))


def _key(given: Json) -> str:
    """Raises for what KV takes for no key: it could not be asked for."""
    check_key(_text(given), "LIST")
    return str(given)


def _text(given: Json) -> str:
    if not isinstance(given, str):
        raise TypeError
    given.encode()  # no half of a surrogate pair
    return given


def _whole(given: Json) -> int | None:
    if given is not None and not isinstance(given, (int, float)):
        raise TypeError
    return None if given is None else int(given)


_DECODER = json_decoder()
