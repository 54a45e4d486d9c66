"""What one location may still see: copies of values, of misses and of list pages, each with an age.

A copy is used while it is younger than the cacheTtl of the reader that fetched it; a later reader with a lower
cacheTtl shortens that. Misses are copies too. A write made at this location replaces its copies.
https://developers.cloudflare.com/kv/concepts/how-kv-works/
"""

from bisect import bisect_left
from collections import OrderedDict
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

import msgspec

from queue_emulator.core.copies import shallow
from queue_emulator.core.entries import Entry, Page
from queue_emulator.core.limits import CACHE_TTL_S_DEFAULT, EDGE_BYTES_MAX, EDGE_COPIES_MAX, EDGE_PAGES_MAX
from queue_emulator.core.options import ListRequest

_TTL_MS = CACHE_TTL_S_DEFAULT * 1000
_COPY_BYTES = 300  # what a copy weighs beyond its key, value and metadata, roughly

Content = TypeVar("Content")


class Copy(msgspec.Struct, Generic[Content], gc=False):
    """What was seen at the centre, when, and for how long it may be shown.

    `newer_version` is the last version that was written elsewhere since: a reader shown this copy reads stale.
    """

    content: Content
    fetched_ms: int
    ttl_ms: int
    newer_version: int | None = None

    def copy(self) -> "Copy[Content]":
        return Copy(self.content, self.fetched_ms, self.ttl_ms, self.newer_version)

    def fresh_for(self, ttl_ms: int, now_ms: int) -> bool:
        """Whether a reader with this cacheTtl is answered from here; shortens the copy's life to the reader's."""
        self.ttl_ms = min(self.ttl_ms, ttl_ms)
        return 0 <= now_ms - self.fetched_ms < self.ttl_ms


class Edge:
    """The copies of one location, bounded in number and bytes, least recently used first out."""

    def __init__(self, *, copies_max: int = EDGE_COPIES_MAX, bytes_max: int = EDGE_BYTES_MAX) -> None:
        self.writes = 0
        self._values = _Values(copies_max, bytes_max)
        self._pages = _Pages(min(copies_max, EDGE_PAGES_MAX), bytes_max)
        self._pages_by_prefix: dict[bytes, dict[ListRequest, _Span]] = {}  # each write looks for its key's

    @property
    def size_bytes(self) -> int:
        return self._values.size_bytes + self._pages.size_bytes

    def __len__(self) -> int:
        return len(self._values) + len(self._pages)

    def value(self, key: bytes, ttl_ms: int, now_ms: int) -> Copy[Entry | None] | None:
        """The copy of a value (content None: of a miss), if this reader may be shown it."""
        return self._values.fresh(key, ttl_ms, now_ms)

    def kept(self, key: bytes, now_ms: int) -> Copy[Entry | None] | None:
        """The copy of a value that a reader would be shown; looking at it does not make it live longer."""
        copy = self._values.peek(key)
        return copy if copy is not None and 0 <= now_ms - copy.fetched_ms < copy.ttl_ms else None

    def keep_value(
        self, key: bytes, entry: Entry | None, *, ttl_ms: int, now_ms: int, newer_version: int | None = None
    ) -> None:
        """Keep what was read at the centre, unless something newer came meanwhile."""
        held = self._values.peek(key)
        if held is not None and held.content is not None and held.content.version > (entry.version if entry else 0):
            if entry is not None or held.content.live(now_ms):
                return
            entry = held.content  # gone here, purged there: a miss of this age, as new as what is held
        self._values.keep(key, Copy(entry, now_ms, ttl_ms, newer_version))

    def page(self, request: ListRequest, ttl_ms: int, now_ms: int) -> Copy[Page] | None:
        """The copy of a list page, if this reader may be shown it."""
        return self._pages.fresh(request, ttl_ms, now_ms)

    def keep_page(
        self, request: ListRequest, page: Page, *, ttl_ms: int, now_ms: int, writes: int, after: bytes | None = None
    ) -> None:
        """Keep a page, which starts behind the key `after`.

        `writes` is what `self.writes` was when it was asked for: a write since makes it old.
        """
        if writes != self.writes:
            return
        held = self._pages.peek(request)
        if held is not None and held.content is page:  # the centre gave the same again: as it was, from now on
            held.fetched_ms, held.ttl_ms, held.newer_version = now_ms, ttl_ms, page.newer_version
            self._pages.use(request)
            return
        copy = Copy(page, now_ms, ttl_ms, page.newer_version)
        self._pages_by_prefix.setdefault(request.prefix, {})[request] = _Span(after, copy)
        for evicted in self._pages.keep(request, copy):
            self._forget_page(evicted)

    def wrote(self, entry: Entry, now_ms: int) -> None:
        """A write of this location: later reads here follow it."""
        if not (now_ms == entry.written_ms and self._values.keep_write(entry)):
            self.keep_value(entry.key, entry, ttl_ms=_TTL_MS, now_ms=now_ms)
        self.unlist(entry.key)

    def unlist(self, key: bytes) -> None:
        """A key was written: the pages go that could hold it."""
        self.writes += 1
        if self._pages_by_prefix:
            for prefix in [prefix for prefix in self._pages_by_prefix if key.startswith(prefix)]:
                for request in self._pages_by_prefix.pop(prefix):
                    self._pages.drop(request)

    def superseded(self, entry: Entry, *, written: bool = False) -> None:
        """A write that this location does not know of: copies of what stood before are stale from now on.

        With `written` it could be read already, so that a copy may be of it.
        """
        self.writes += 1
        copy = self._values.peek(entry.key)
        if copy is not None and not (written and copy.content is not None and copy.content.version >= entry.version):
            copy.newer_version = entry.version
        for prefix, spans in self._pages_by_prefix.items():
            if entry.key.startswith(prefix):
                for span in spans.values():
                    if span.covers(entry.key) and not (written and span.shows(entry)):
                        span.copy.newer_version = entry.version

    def copy(self) -> "Edge":
        """One that holds the same, and goes on by itself."""
        other = shallow(self)
        other._values, other._pages, other._pages_by_prefix = self._values.copy(), self._pages.copy(), {}
        for prefix, spans in self._pages_by_prefix.items():
            copied = other._pages_by_prefix[prefix] = {}
            for request, span in spans.items():
                page = other._pages.peek(request)
                assert page is not None, "a span is of a page that is held"
                copied[request] = _Span(span.after, page)
        return other

    def clear(self) -> None:
        self.writes += 1
        self._values.clear()
        self._pages.clear()
        self._pages_by_prefix.clear()

    def _forget_page(self, request: ListRequest) -> None:
        same_prefix = self._pages_by_prefix[request.prefix]
        del same_prefix[request]
        if not same_prefix:
            del self._pages_by_prefix[request.prefix]


class _Span(NamedTuple):
    """Which keys a page is about, named on it or not: those behind `after`, up to where the next page starts."""

    after: bytes | None
    copy: Copy[Page]

    def covers(self, key: bytes) -> bool:
        last = self.copy.content.resume_after
        return (self.after is None or self.after < key) and (last is None or key <= last)

    def shows(self, entry: Entry) -> bool:
        """Whether the page was read after this was written."""
        rows = self.copy.content.rows
        at = bisect_left(rows, entry.key, key=lambda row: row.key)
        return at < len(rows) and rows[at].key == entry.key and rows[at].version >= entry.version


class _Values:
    """Copies of values and misses. What a write of this location left is an Entry alone until it is looked at."""

    def __init__(self, copies_max: int, bytes_max: int) -> None:
        self._copies: dict[bytes, Copy[Entry | None] | Entry] = {}  # used last is last
        self._copies_max, self._bytes_max = copies_max, bytes_max
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._copies)

    def copy(self) -> "_Values":
        other = shallow(self)
        other._copies = {key: it.copy() if isinstance(it, Copy) else it for key, it in self._copies.items()}
        return other

    def peek(self, key: bytes) -> Copy[Entry | None] | None:
        held = self._copies.get(key)
        if type(held) is Entry:
            held = self._copies[key] = Copy(held, held.written_ms, _TTL_MS)
        return held  # type: ignore[return-value]  # mypy does not see what `type` has told

    def fresh(self, key: bytes, ttl_ms: int, now_ms: int) -> Copy[Entry | None] | None:
        copy = self.peek(key)
        if copy is None or not copy.fresh_for(ttl_ms, now_ms):
            return None
        self._copies[key] = self._copies.pop(key)
        return copy

    def keep_write(self, entry: Entry) -> bool:
        """Keep what was written just now; False if there is a copy already, which may be of something newer."""
        if entry.key in self._copies:
            return False
        self._put(entry.key, entry, _entry_bytes(entry.key, entry))
        return True

    def keep(self, key: bytes, copy: Copy[Entry | None]) -> None:
        """Put a copy at the end that goes last."""
        held = self._copies.pop(key, None)
        if held is not None:
            self.size_bytes -= _entry_bytes(key, _content(held))
        self._put(key, copy, _entry_bytes(key, copy.content))

    def clear(self) -> None:
        self._copies.clear()
        self.size_bytes = 0

    def _put(self, key: bytes, copy: Copy[Entry | None] | Entry, size_bytes: int) -> None:
        self._copies[key] = copy
        self.size_bytes += size_bytes
        while self.size_bytes > self._bytes_max or len(self._copies) > self._copies_max:
            # The first of a dictionary is found by passing what was removed before it: so some are removed at once.
            spare = self._copies_max // 1_000
            for oldest in list(islice(self._copies, 1 + spare)):
                self.size_bytes -= _entry_bytes(oldest, _content(self._copies.pop(oldest)))
                if self.size_bytes <= self._bytes_max and len(self._copies) <= self._copies_max - spare:
                    break


class _Pages:
    """Copies of list pages, each with its size, which takes long to count."""

    def __init__(self, copies_max: int, bytes_max: int) -> None:
        self._copies: OrderedDict[ListRequest, tuple[Copy[Page], int]] = OrderedDict()
        self._copies_max, self._bytes_max = copies_max, bytes_max
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._copies)

    def copy(self) -> "_Pages":
        other = shallow(self)
        other._copies = OrderedDict((request, (it.copy(), size)) for request, (it, size) in self._copies.items())
        return other

    def peek(self, request: ListRequest) -> Copy[Page] | None:
        held = self._copies.get(request)
        return None if held is None else held[0]

    def fresh(self, request: ListRequest, ttl_ms: int, now_ms: int) -> Copy[Page] | None:
        copy = self.peek(request)
        if copy is None or not copy.fresh_for(ttl_ms, now_ms):
            return None
        self.use(request)
        return copy

    def use(self, request: ListRequest) -> None:
        """Let a copy that is held go last."""
        self._copies.move_to_end(request)

    def keep(self, request: ListRequest, copy: Copy[Page]) -> list[ListRequest]:
        """Put a copy at the end that goes last; returns what had to go for it."""
        self.drop(request)
        size_bytes = _page_bytes(copy.content)
        self._copies[request] = copy, size_bytes
        self.size_bytes += size_bytes
        evicted: list[ListRequest] = []
        while self.size_bytes > self._bytes_max or len(self._copies) > self._copies_max:
            oldest = next(iter(self._copies))
            self.drop(oldest)
            evicted.append(oldest)
        return evicted

    def drop(self, request: ListRequest) -> None:
        if (held := self._copies.pop(request, None)) is not None:
            self.size_bytes -= held[1]

    def clear(self) -> None:
        self._copies.clear()
        self.size_bytes = 0


def _content(copy: Copy[Entry | None] | Entry) -> Entry | None:
    return copy if isinstance(copy, Entry) else copy.content


def _entry_bytes(key: bytes, entry: Entry | None) -> int:
    if entry is None:
        return _COPY_BYTES + len(key)
    return _COPY_BYTES + len(key) + len(entry.value or b"") + len(entry.metadata or "")


def _page_bytes(page: Page) -> int:
    rows = page.rows
    return _COPY_BYTES * (1 + len(rows)) + sum([len(row.key) + len(row.metadata or "") for row in rows])
