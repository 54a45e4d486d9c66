"""The journal: every KV operation, in order, as the inspector, the checkers and the cost meter read it."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from queue_emulator.core.javascript import from_utf8
from queue_emulator.core.limits import JOURNAL_EVENTS_MAX


@dataclass(frozen=True, slots=True)
class Event:
    """One KV operation.

    namespace     the name of its namespace, None where there is no other
    at_ms         when it was asked for, milliseconds since the UNIX epoch
    operation     get, get_bulk, put, delete or list; a bulk get notes one event a key
    key           the key, or the prefix of a list
    cache_status  HIT, MISS or None
    age_ms        how old the copy was that was served; 0 from the centre
    version       of what was read or written; None for a miss or a list
    newer_version a version of it that was written before this read and not seen: then the read was stale
    keys          how many keys a list gave
    failed        the error that the Worker saw
    fault_rule    the id of the fault rule whose verdict fell on it
    """

    position: int
    at_ms: int
    location: str
    invocation: str
    route: str
    operation: str
    key: bytes
    cache_status: str | None = None
    age_ms: int = 0
    version: int | None = None
    newer_version: int | None = None
    keys: int | None = None
    failed: str | None = None
    fault_rule: int | None = None
    namespace: str | None = None

    @property
    def stale(self) -> bool:
        return self.newer_version is not None

    def to_json_line(self) -> str:
        """One line of NDJSON, without the newline; members that say nothing are left out."""
        members = {
            "position": self.position,
            "at_ms": self.at_ms,
            "namespace": self.namespace,
            "location": self.location,
            "invocation": self.invocation,
            "route": self.route,
            "operation": self.operation,
            "key": from_utf8(self.key),
            "cacheStatus": self.cache_status,
            "age_ms": self.age_ms if self.cache_status == "HIT" else None,
            "version": self.version,
            "stale": True if self.stale else None,
            "newerVersion": self.newer_version,
            "keys": self.keys,
            "failed": self.failed,
            "faultRule": self.fault_rule,
        }
        said = {name: value for name, value in members.items() if value is not None}
        return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


class Journal:
    """The last events, numbered from 1; older ones than `events_max` are forgotten."""

    def __init__(self, events_max: int = JOURNAL_EVENTS_MAX) -> None:
        self._events: deque[Event] = deque(maxlen=events_max)
        self.last_position = 0

    def note(self, **members: object) -> None:
        """Append an Event with these members and the next position."""
        self.last_position += 1
        self._events.append(Event(self.last_position, **members))  # type: ignore[arg-type]

    @property
    def first_position(self) -> int:
        """The position of the oldest event that is still held; one past the last if none is."""
        return self.last_position - len(self._events) + 1

    def after(self, position: int, limit: int | None = None) -> Iterator[Event]:
        """Events with a greater position, oldest first, at most `limit`."""
        skipped = max(0, position + 1 - self.first_position)
        return islice(self._events, skipped, None if limit is None else skipped + limit)

    def clear(self) -> None:
        """Forget all events; positions go on."""
        self._events.clear()
