"""What a namespace holds under a key, and the one rule of when it is gone."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One write. `value` None is a tombstone: the key was deleted. A struct, because each write makes one.

    version      order of writes in the store, from 1
    written_ms   when, in milliseconds since the UNIX epoch
    expiration_s unix seconds, or None
    metadata     serialized JSON, or None
    """

    key: bytes
    value: bytes | None
    version: int
    written_ms: int
    expiration_s: int | None = None
    metadata: str | None = None

    def live(self, now_ms: int) -> bool:
        return self.value is not None and not expired(self.expiration_s, now_ms)


class Row(NamedTuple):
    """An entry as a list walks it: without its value. A tuple, because a page makes a thousand of them."""

    key: bytes
    version: int
    written_ms: int
    expiration_s: int | None
    metadata: str | None
    deleted: bool

    def live(self, now_ms: int) -> bool:
        return not (self.deleted or expired(self.expiration_s, now_ms))

    @classmethod
    def of(cls, entry: Entry) -> "Row":
        return cls(entry.key, entry.version, entry.written_ms, entry.expiration_s, entry.metadata, entry.value is None)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: rows in key order, and where the next page starts (None on the last).

    `newer_version` is the last version of a key on the page that its location cannot see yet.
    """

    rows: tuple[Row, ...]
    resume_after: bytes | None
    newer_version: int | None = None
    _first_gone_ms: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        gone_s = [row.expiration_s for row in self.rows if row.expiration_s is not None]
        first_gone_ms = min(gone_s) * 1000 if gone_s else math.inf
        if any(row.deleted for row in self.rows):
            first_gone_ms = -math.inf
        object.__setattr__(self, "_first_gone_ms", first_gone_ms)

    def live_rows(self, now_ms: int) -> tuple[Row, ...]:
        """The rows whose keys live; a page that is shown often is looked through again only when one has gone."""
        if now_ms < self._first_gone_ms:
            return self.rows
        return tuple(row for row in self.rows if row.live(now_ms))


def expired(expiration_s: int | None, now_ms: int) -> bool:
    """A key is gone from the first millisecond of its expiration on."""
    return expiration_s is not None and expiration_s * 1000 <= now_ms
