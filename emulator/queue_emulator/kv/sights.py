"""What each location would be shown of a key, beside what the centre holds: looked at, and nothing changes by it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from queue_emulator.core.edge import Copy
from queue_emulator.core.entries import Entry, Row


class Kept(Enum):
    """What a location has of a key.

    NOTHING  it would ask the centre, and be shown what is there
    COPY     a copy of a value
    MISS     that there was nothing under the key
    LATE     no copy, but the last write has not reached it: it would be shown what stood before
    """

    NOTHING = "nothing"
    COPY = "copy"
    MISS = "miss"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Seen:
    """A key as one location sees it.

    entry     what it would be shown; None for nothing, or where it would ask the centre
    age_ms    of the copy
    until_ms  when the copy is not used any more, None where that cannot be told
    stale     whether a newer version was written
    """

    kept: Kept
    entry: Entry | None = None
    age_ms: int = 0
    until_ms: int | None = None
    stale: bool = False


@dataclass(frozen=True, slots=True)
class KeySight:
    """A key at the centre and at the locations. `row` None: the centre never had it, or has forgotten that it had."""

    key: bytes
    row: Row | None
    seen: Mapping[str, Seen]

    def told(self, now_ms: int) -> bool:
        """Whether there is anything to show: it lives, or some location still shows it."""
        live = self.row is not None and self.row.live(now_ms)
        return live or any(each.entry is not None for each in self.seen.values())


_NOTHING = Seen(Kept.NOTHING)


def seen_at_edge(copy: Copy[Entry | None] | None, now_ms: int) -> Seen:
    """What a copy shows; without one, nothing is kept."""
    if copy is None:
        return _NOTHING
    entry = copy.content if copy.content is not None and copy.content.live(now_ms) else None
    return Seen(
        Kept.MISS if entry is None else Kept.COPY,
        entry,
        now_ms - copy.fetched_ms,
        copy.fetched_ms + copy.ttl_ms,
        copy.newer_version is not None,
    )


def seen_late(entry: Entry | None, now_ms: int) -> Seen:
    """What stood before a write that has not reached the location."""
    return Seen(Kept.LATE, entry if entry is not None and entry.live(now_ms) else None, stale=True)
