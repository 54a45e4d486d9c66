"""One KV operation as a value, who makes it, and what can come of it: what every part of this room speaks of."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import msgspec

from queue_emulator.core import limits
from queue_emulator.core.entries import Entry, Row
from queue_emulator.core.errors import OperationBudgetError
from queue_emulator.core.faults import Decision
from queue_emulator.core.kinds import Kind
from queue_emulator.core.options import ListRequest, PutRequest


class StaleRead(NamedTuple):
    """What a run was shown in place of a newer version: a value or a list, and how old the copy was."""

    kind: Kind
    age_ms: int


class StaleReads(NamedTuple):
    """Those of one run."""

    oldest: StaleRead
    number: int


class Invocation(msgspec.Struct):
    """One run of a Worker, or of another caller: how many KV operations it has made, and may make (None: unlimited).

    name        by which the journal knows it, "" if it has none or cannot be told
    route       of the Worker's routes the one that it runs; "" for what is not metered
    by_key      whether each key of a request counts, as Cloudflare's API counts them
    mixed       whether operations of other runs may be among its own: then what it counts says nothing
    epoch       how often the emulator had been reset when it began; None: what it asks for is of the present
    location    where it runs, "" if that is not known
    machine     which machine of its location serves it, from 1: each has copies of its own
    worker_version  which version of the Worker runs, "" where there is one version or none is known
    stale       the oldest copy that it was shown although a newer version was written, and how many such reads it made
    why         what its answer leaves out and its developer wants to know: why it was refused, or failed
    """

    operations_max: int | None = limits.OPERATIONS_PER_INVOCATION_MAX
    operations: int = 0
    name: str = ""
    route: str = ""
    by_key: bool = False
    mixed: bool = False
    epoch: int | None = None
    location: str = ""
    machine: int = 1
    worker_version: str = ""
    stale: StaleReads | None = None
    why: str = ""

    def read_stale(self, read: StaleRead) -> None:
        """One more read that did not see the last version."""
        if self.stale is None:
            self.stale = StaleReads(read, 1)
        else:
            oldest = max(self.stale.oldest, read, key=lambda each: each.age_ms)
            self.stale = StaleReads(oldest, self.stale.number + 1)

    def spend(self, number: int = 1) -> None:
        """So many more operations; raises OperationBudgetError past the limit."""
        if self.operations_max is not None and self.operations + number > self.operations_max:
            raise OperationBudgetError(limits.BUDGET_TEXT)
        self.operations += number

    @property
    def counted(self) -> int | None:
        """How many operations it has made, if that is known."""
        return None if self.mixed else self.operations


class Found(NamedTuple):
    """What a read saw of one key: the live entry or None; `cache_status` is "HIT", "MISS" or None.

    `age_ms` is the age of the copy that was shown, `newer_version` a version that was written and is not seen.
    """

    entry: Entry | None
    cache_status: str | None
    age_ms: int = 0
    newer_version: int | None = None


Saw = tuple[str | None, int, int | None, int | None, int | None]
"""What the journal notes of a key: cache_status, age_ms, version, newer_version, keys."""

ALL = slice(None)
NOTHING_SEEN: Saw = (None, 0, None, None, None)


class Reading(NamedTuple):
    """What was found under each key, in their order."""

    found: Sequence[Found]

    def saw(self, part: slice = ALL) -> Sequence[Saw]:
        """For the journal, of a part of the keys."""
        return [
            (status, age_ms, None if entry is None else entry.version or None, newer_version, None)
            for entry, status, age_ms, newer_version in self.found[part]
        ]


class Listing(NamedTuple):
    """One page as a reader sees it: live rows, and the cursor of the next page (None: complete); else as `Found`."""

    rows: Sequence[Row]
    cursor: str | None
    cache_status: str | None
    age_ms: int = 0
    newer_version: int | None = None

    def saw(self, part: slice = ALL) -> Sequence[Saw]:
        seen: Sequence[Saw] = ((self.cache_status, self.age_ms, None, self.newer_version, len(self.rows)),)
        return seen[part]


class Written(NamedTuple):
    """What stands now under each key, tombstones included; empty if that cannot be known."""

    entries: Sequence[Entry] = ()

    def saw(self, part: slice = ALL) -> Sequence[Saw]:
        return [(None, 0, entry.version, None, None) for entry in self.entries[part]]


Outcome = TypeVar("Outcome", Reading, Listing, Written)


class Operation(msgspec.Struct, Generic[Outcome], frozen=True):
    """One operation, its arguments checked; what comes of it is a Reading, a Listing or Written.

    kind         a row of core/kinds.py
    namespace    by the name that journal and fault rules have for it
    location     where it is made
    keys         the keys, all of one request; of a list its prefix alone. Those of a read are each there once
    caller       the run that makes it
    asked_ms     when it was asked for
    writes       what a put writes, in the order of `keys`
    page         what a list asks for
    cache_ttl_s  how old a copy a reader takes
    metadata     whether a reader wants metadata; without it a real namespace is asked for less
    in_steps     whether others go on while this is done, because it is long; never where nobody can wait
    """

    kind: Kind
    namespace: str | None
    location: str
    keys: Sequence[bytes]
    caller: Invocation
    asked_ms: int
    writes: Sequence[PutRequest] = ()
    page: ListRequest | None = None
    cache_ttl_s: int = limits.CACHE_TTL_S_DEFAULT
    metadata: bool = True
    in_steps: bool = False


AnyOperation: TypeAlias = Operation[Any]
"""Whatever comes of it."""

HeldMs = Mapping[bytes, Mapping[str, int]]
"""For each key that a fault keeps away: from which locations, and for how long, in milliseconds."""


class Way(msgspec.Struct):
    """How far one operation came.

    id        its number, in the order of asking
    epoch     how often the emulator had been reset when it was asked for, or the run that makes it began
    begun_ms  when it is done: after its turn, and after what a fault made it wait
    decision  what the fault rules say of it
    """

    id: int
    epoch: int
    begun_ms: int = 0
    decision: Decision | None = None

    @property
    def held_ms(self) -> HeldMs:
        """Which of the keys that it writes come to other locations late."""
        return _NOTHING_HELD if self.decision is None else self.decision.held_ms


_NOTHING_HELD: HeldMs = {}
