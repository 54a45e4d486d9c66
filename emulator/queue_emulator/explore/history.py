"""What happened in one schedule, in its order: what guarantees are checked against, and pictures are drawn of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from queue_emulator.core.entries import expired
from queue_emulator.core.javascript import Json
from queue_emulator.core.journal import Event
from queue_emulator.explore.requests import Request

if TYPE_CHECKING:
    from queue_emulator.explore.guarantee import Guarantee


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who makes one request after the other.

    script   its requests, as explore/requests.py reads them
    version  of the Worker that answers it: old, dual or new
    """

    name: str
    location: str
    script: Sequence[str] = ()
    version: str = "new"


@dataclass(slots=True)
class Call:
    """One request of an actor, and what it was answered.

    number    which of the actor's requests it is, from 1
    closing   whether it belongs to the look at the end, when everything has settled
    ended_ms  None while it runs, and for good if the run was killed
    status    0 until it is answered
    body      the answer's JSON, or its text
    faulted   whether a fault hit one of its operations
    machine   of its location, from 1, that serves it
    """

    actor: Actor
    number: int
    request: Request
    begun_ms: int
    closing: bool = False
    ended_ms: int | None = None
    status: int = 0
    body: Json = None
    faulted: bool = False
    machine: int = 1
    verb: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.verb = self.request.verb

    @property
    def ok(self) -> bool:
        return self.status in (200, 207)

    def member(self, name: str) -> Json:
        """A member of the answer, None if it has none of this name."""
        return self.body.get(name) if isinstance(self.body, dict) else None

    @property
    def task(self) -> str | None:
        """The task that it is about, or that it was given."""
        given = self.request.task if self.request.task is not None else self.member("taskId")
        return given if isinstance(given, str) else None


class Begun(NamedTuple):
    """A request begins."""

    call: Call


class Ended(NamedTuple):
    """A request is answered, or its run was killed."""

    call: Call


class Step(NamedTuple):
    """One KV operation.

    number        which it is, from 1
    event         as the journal has it; None where the run was killed instead of it
    value         what a put wrote; None for a delete
    expiration_s  when that ends, in unix seconds; None for never
    fault         what was done to it, "" for nothing
    going         which it was of those that its request waited for at once, from 1, in the order of its code
    """

    number: int
    at_ms: int
    call: Call
    kind: str
    key: bytes
    event: Event | None
    value: bytes | None = None
    expiration_s: int | None = None
    fault: str = ""
    going: int = 1

    @property
    def wrote(self) -> bool:
        """Whether it changed what the centre holds, whatever its caller was told."""
        return self.kind in ("put", "delete") and self.event is not None and self.event.version is not None


class Settled(NamedTuple):
    """Nothing runs any more, and a minute has passed: from here on there is only the look at the end."""

    at_ms: int


Happening = Begun | Step | Ended | Settled


class Kept(NamedTuple):
    """What the centre holds under a key; `value` None: deleted."""

    value: bytes | None
    expiration_s: int | None
    written_ms: int

    def live(self, now_ms: int) -> bool:
        return self.value is not None and not expired(self.expiration_s, now_ms)


@dataclass(slots=True)
class History:
    """All of it.

    before      what the centre held at the start
    final       the version of the Worker by which the look at the end is made
    happenings  in their order
    guarantees  what must hold of it, by their ids
    """

    before: Mapping[bytes, Kept]
    final: str = "new"
    happenings: list[Happening] = field(default_factory=list)
    guarantees: "Mapping[str, Guarantee]" = field(default_factory=dict)
    _moments: list[tuple[int, Begun | Ended]] = field(default_factory=list, repr=False, compare=False)
    _changes: list[tuple[int, Begun | Ended | Step]] = field(default_factory=list, repr=False, compare=False)
    _looked_through: int = field(default=0, repr=False, compare=False)

    def moments(self) -> Sequence[tuple[int, Begun | Ended]]:
        """Where requests begin and end, with their places among the happenings."""
        self._look_through()
        return self._moments

    def changes(self) -> Sequence[tuple[int, Begun | Ended | Step]]:
        """The same, and the operations that have changed what the centre holds."""
        self._look_through()
        return self._changes

    def _look_through(self) -> None:
        """Once, for every guarantee looks at the same."""
        first, self._looked_through = self._looked_through, len(self.happenings)
        for position, each in enumerate(self.happenings[first:], first):
            if isinstance(each, Step):
                if each.wrote:
                    self._changes.append((position, each))
            elif not isinstance(each, Settled):
                self._moments.append((position, each))
                self._changes.append((position, each))

    def copy(self, calls: Mapping[int, Call]) -> "History":
        """One that goes on by itself; what still runs is in it by its copy: `calls` by what they copy."""
        happenings = [_with_call(each, calls) for each in self.happenings] if calls else self.happenings.copy()
        return History(self.before, self.final, happenings, self.guarantees)

    def centre(self) -> "Centre":
        """The centre as it was at the start; `see` each happening to follow it."""
        return Centre(dict(self.before))


class Centre:
    """What the centre holds, as far as a history has been followed."""

    def __init__(self, kept: dict[bytes, Kept]) -> None:
        self.kept = kept

    def see(self, happening: Happening) -> None:
        if isinstance(happening, Step) and happening.wrote:
            self.kept[happening.key] = Kept(happening.value, happening.expiration_s, happening.at_ms)

    def live(self, prefix: bytes, now_ms: int) -> dict[str, Kept]:
        """What lives under a prefix, by the rest of its key."""
        return {
            key[len(prefix) :].decode(): kept
            for key, kept in self.kept.items()
            if key.startswith(prefix) and kept.live(now_ms)
        }


def _with_call(happening: Happening, calls: Mapping[int, Call]) -> Happening:
    call = None if isinstance(happening, Settled) else calls.get(id(happening.call))
    return happening if call is None or isinstance(happening, Settled) else happening._replace(call=call)


def calls(happenings: Iterable[Happening]) -> list[Call]:
    """The requests, in the order in which they began."""
    return [each.call for each in happenings if isinstance(each, Begun)]
