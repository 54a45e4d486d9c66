"""Checksums of what a state file holds: SQLite has none, and reads a byte that has changed as if it were right.

CRC-32 finds accidents: a disk, a copy, an editor. It stops nobody who means to change a file.
"""

from typing import NamedTuple
from zlib import crc32

from queue_emulator.core.errors import DamageError
from queue_emulator.core.shown import one_line

_DELETED, _IN_PARTS = 0xFFFFFFFF, 0x55555555
_KEY_SHOWN_MAX = 80


class Parts(NamedTuple):
    """The number of a value that is kept in parts, and how many it has."""

    number: int
    parts: int


def of_entry(
    namespace: object, key: object, written_ms: object, expiration_s: object, metadata: object, kept: object
) -> int:
    """Of one entry. `kept` is its value, None for a tombstone, or `Parts`; other types come of damage alone."""
    head = f"{namespace} {written_ms} {expiration_s} {metadata} ".encode("utf-8", "surrogatepass")
    found = crc32(key if type(key) is bytes else _bytes(key), crc32(head))
    if type(kept) is bytes:
        return crc32(kept, found)
    if kept is None:
        return found ^ _DELETED
    if isinstance(kept, Parts):
        return crc32(f"{kept.number} {kept.parts}".encode(), found ^ _IN_PARTS)
    return crc32(_bytes(kept), found)


def of_part(value: object, number: object, content: object) -> int:
    """Of one part of a large value."""
    return crc32(_bytes(content), crc32(f"{value} {number} ".encode()))


def damaged(key: object) -> DamageError:
    """What to say where a checksum is another one."""
    shown = one_line(key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key))
    return DamageError(
        f"the state file is damaged: what it holds under key {shown[:_KEY_SHOWN_MAX]!r} is not what was written; "
        "delete or write that key, or restore the file from a copy"
    )


def _bytes(held: object) -> bytes | memoryview:
    return held if isinstance(held, (bytes, memoryview)) else repr(held).encode()
