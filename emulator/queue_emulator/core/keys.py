"""Key names: what the runtime and the service accept, how they order, and the cursors made of them."""

import base64
import binascii
import re
from hashlib import blake2b
from urllib.parse import unquote_to_bytes

from queue_emulator.core.errors import CursorError, KeyLengthError, KeyNameError, KVTypeError
from queue_emulator.core.javascript import from_utf8, utf8
from queue_emulator.core.limits import KEY_BYTES_MAX

_DIGEST_BYTES = 6


def check_key(key: str, operation: str) -> bytes:
    """The UTF-8 bytes of a key name; bytes order as the service's lists do.

    Raises KVTypeError or KVError, in the order of `check_name` and `check_decodable`.
    """
    encoded = check_name(key, operation)
    check_decodable(encoded, operation)
    return encoded


def check_name(key: str, operation: str) -> bytes:
    """The runtime's own checks, in its order (workerd, `validateKeyName`): empty, ".", "..", more than 512 bytes."""
    if key == "":
        raise KVTypeError("Key name cannot be empty.")
    if key in (".", ".."):
        raise KVTypeError(f'"{key}" is not allowed as a key name.')
    encoded = utf8(key)
    _check_length(encoded, operation)
    return encoded


def check_decodable(key: bytes, operation: str) -> None:
    """The service's first look at a key that the runtime let pass: a lone surrogate is not UTF-8."""
    try:
        key.decode("utf-8")
    except UnicodeDecodeError:
        raise KeyNameError(operation, 400, "Could not URL-decode key name") from None


def check_service_key(key: str, operation: str) -> bytes:
    """As `check_key`, in the words of the service: for keys that the runtime passes on unchecked."""
    if key == "":
        raise KeyNameError(operation, 400, "Key names must not be empty")
    if key in (".", ".."):
        raise KeyNameError(operation, 400, f'Illegal key name "{key}". Please use a different name.')
    encoded = utf8(key)
    _check_length(encoded, operation)
    return encoded


def check_prefix(prefix: str) -> bytes:
    encoded = utf8(from_utf8(utf8(prefix)))  # in the query, a lone surrogate is three U+FFFD
    _check_length(encoded, "GET")
    return encoded


def decode_segment(segment: bytes) -> str | None:
    """A raw path segment, percent-decoded once; None if the bytes are not UTF-8."""
    try:
        return unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError:
        return None


def encode_cursor(prefix: bytes, after: bytes) -> str:
    """An opaque cursor that is good for lists of this prefix only."""
    return base64.urlsafe_b64encode(_digest(prefix, after) + after).decode().rstrip("=")


def decode_cursor(prefix: bytes, cursor: str) -> bytes:
    """The key that the page before ended on; raises KVError for a cursor that no list of this prefix gave."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    digest, after = raw[:_DIGEST_BYTES], raw[_DIGEST_BYTES:]
    if not raw or digest != _digest(prefix, after):
        raise CursorError("GET", 400, "Invalid list keys cursor")
    return after


def encode_local_cursor(after: bytes) -> str:
    """The vendor's local runtime: base64 of the last key, good for any list."""
    return base64.b64encode(after).decode()


def decode_local_cursor(cursor: str) -> bytes:
    """Whatever the text decodes to, as Node's Buffer reads base64: the local runtime refuses no cursor.

    workerd's Buffer takes the low byte of each UTF-16 unit: U+0161 counts as "a".
    """
    text = cursor.encode("utf-16-le", "replace")[::2].decode("latin-1")
    kept = re.sub(r"[^A-Za-z0-9+/]", "", text.partition("=")[0].replace("-", "+").replace("_", "/"))
    whole = kept[: len(kept) - (len(kept) % 4 == 1)]
    return utf8(from_utf8(base64.b64decode(whole + "=" * (-len(whole) % 4))))


def after_prefix(prefix: bytes) -> bytes | None:
    """The first key beyond every key that starts with `prefix`; None if there is none."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else None


def _check_length(encoded: bytes, operation: str) -> None:
    if len(encoded) > KEY_BYTES_MAX:
        reason = f"UTF-8 encoded length of {len(encoded)} exceeds key length limit of {KEY_BYTES_MAX}."
        raise KeyLengthError(operation, 414, reason)


def _digest(prefix: bytes, after: bytes) -> bytes:
    return blake2b(after, key=blake2b(prefix).digest(), digest_size=_DIGEST_BYTES).digest()
