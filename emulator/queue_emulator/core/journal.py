"""What is known of one KV operation once it is over, as the inspector, the checkers and a picture read it."""

from collections.abc import Sequence

import msgspec
from msgspec import structs

from queue_emulator.core.javascript import from_utf8

_JSON = msgspec.json.Encoder()  # who follows is sent thousands of lines a second


class Event(msgspec.Struct, frozen=True, gc=False):
    """One key of one KV operation. A struct, because each operation makes one.

    position      its number in the journal, from 1
    id            the operation's number, in the order of asking; the keys of one request share it
    asked_ms      when the operation was asked for, milliseconds since the UNIX epoch
    begun_ms      when its turn had come and it had waited for a fault's delay: what it saw is what was there then
    done_ms       when it was over
    location      where it was made; API for Cloudflare's API, which is at no location
    invocation    the run of the Worker that made it, "" if that cannot be told
    route         of that run; "" for a seed
    operation     get, get_bulk, put, delete or list
    key           the key, or the prefix of a list
    cache_status  HIT, MISS or None
    age_ms        how old the copy was that was served; 0 from the centre
    version       of what was read or written; None for a miss or a list
    newer_version a version of it that was written before this read and not seen: then the read was stale
    keys          how many keys a list gave
    failed        the error that the Worker saw, of the whole operation
    fault_rule    the id of the fault rule whose verdict fell on the key
    namespace     the name of its namespace, None where there is no other
    worker_version  which version of the Worker made it, "" where there is one version
    """

    position: int
    id: int
    asked_ms: int
    begun_ms: int
    done_ms: int
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
    worker_version: str = ""

    @property
    def stale(self) -> bool:
        return self.newer_version is not None

    def to_json_line(self) -> str:
        """One line of NDJSON, without the newline; members that say nothing are left out."""
        members = {
            "position": self.position,
            "id": self.id,
            "asked_ms": self.asked_ms,
            "begun_ms": self.begun_ms,
            "done_ms": self.done_ms,
            "namespace": self.namespace,
            "location": self.location,
            "invocation": self.invocation or None,
            "route": self.route,
            "workerVersion": self.worker_version or None,
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
        return _JSON.encode(said).decode()


class Alike(msgspec.Struct, frozen=True, gc=False):
    """Events in a row that differ in nothing but position, key and version, which count up: each is made when read.

    first  the event before them
    keys   theirs, in their order
    """

    first: Event
    keys: Sequence[bytes]

    def at(self, position: int) -> Event:
        """The one with this number in the journal."""
        further = position - self.first.position
        version = None if self.first.version is None else self.first.version + further
        return structs.replace(self.first, position=position, key=self.keys[further - 1], version=version)
