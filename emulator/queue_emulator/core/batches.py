"""Entries in as few writes as the strictest place takes, none of them with one key twice."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from queue_emulator.core.bulk import BulkEntry

PAIRS_MAX = 10_000  # of one bulk write: https://developers.cloudflare.com/kv/api/write-key-value-pairs/
BYTES_MAX = 100 * 1024 * 1024  # of its request
_ESCAPED_BYTES_MAX = 6  # \u0001: what a byte of a key or value takes in JSON at most
_SYNTAX_BYTES = 120  # around key, value, expiration and metadata


@dataclass(frozen=True, slots=True)
class Batch:
    """`entries` have different keys; `count` is how many of the file it stands for, replaced ones included."""

    entries: tuple[BulkEntry, ...]
    count: int


def batches(entries: Iterable[BulkEntry], *, pairs_max: int = PAIRS_MAX, bytes_max: int = BYTES_MAX) -> Iterator[Batch]:
    """In order; of two entries with one key the last stays, in one batch as over several.

    `bytes_max` is of a request whose every character is escaped, which makes six of one.
    """
    kept: dict[bytes, BulkEntry] = {}
    count, size_bytes = 0, 0
    for entry in entries:
        entry_bytes = request_bytes(entry)
        if count and (count == pairs_max or size_bytes + entry_bytes > bytes_max):
            yield Batch(tuple(kept.values()), count)
            kept, count, size_bytes = {}, 0, 0
        kept.pop(entry.key, None)
        kept[entry.key] = entry
        count += 1
        size_bytes += entry_bytes
    if count:
        yield Batch(tuple(kept.values()), count)


def request_bytes(entry: BulkEntry) -> int:
    """At most so many bytes of a request, without encoding it."""
    return _ESCAPED_BYTES_MAX * (len(entry.key) + len(entry.value) + len(entry.metadata or "")) + _SYNTAX_BYTES
