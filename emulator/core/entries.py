"""What a namespace holds under a key, and the one rule of when it is gone."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One write. `value` None is a tombstone: the key was deleted.

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


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as a list walks it: without its value."""

    key: bytes
    version: int
    written_ms: int
    expiration_s: int | None
    metadata: str | None
    deleted: bool

    def live(self, now_ms: int) -> bool:
        return not self.deleted and not expired(self.expiration_s, now_ms)

    @classmethod
    def of(cls, entry: Entry) -> "Row":
        return cls(entry.key, entry.version, entry.written_ms, entry.expiration_s, entry.metadata, entry.value is None)

    def gone_since_ms(self, now_ms: int) -> int | None:
        """When the key went, in milliseconds since the UNIX epoch, or None while it lives."""
        if self.deleted:
            return self.written_ms
        if self.expiration_s is not None and expired(self.expiration_s, now_ms):
            return self.expiration_s * 1000
        return None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: rows in key order, and where the next page starts (None on the last).

    `newer_version` is the last version of a key on the page that its location cannot see yet.
    """

    rows: tuple[Row, ...]
    resume_after: bytes | None
    newer_version: int | None = None


def expired(expiration_s: int | None, now_ms: int) -> bool:
    """A key is gone from the first millisecond of its expiration on."""
    return expiration_s is not None and expiration_s * 1000 <= now_ms
