"""What a picture tells: lanes, requests with their KV operations, bars, and the words around it.

Whoever has a history makes a story of it. Drawing knows nothing else of where it came from.
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from queue_emulator.core.javascript import from_utf8
from queue_emulator.core.journal import Event
from queue_emulator.core.journal_words import old

_WRITES = ("put", "delete")


class Mood(Enum):
    """How a request ended: `GOOD` as its caller hopes, `PLAIN` otherwise, `BAD` as nobody may see it."""

    GOOD = "good"
    PLAIN = "plain"
    BAD = "bad"


class Reach(Enum):
    """How far an operation got."""

    NOWHERE = "nowhere"
    COPY = "copy"
    CENTRE = "centre"


@dataclass(frozen=True, slots=True)
class Lane:
    """Who makes requests, one after the other; `note` is what else is to be known of it."""

    name: str
    location: str
    note: str = ""


class Begin(NamedTuple):
    """A request begins. `number` is its own, by which its operations and its end are known."""

    number: int
    at_ms: int
    lane: str
    title: str


class Operation(NamedTuple):
    """A KV operation of a request.

    position  its number among all operations, from 1
    what      as `get queue:lease:t1`
    said      what came of it, in a few words
    write     whether it was meant to change something
    place     how far it got
    beside    what is to be known of the copy that answered, a line each
    alarm     whether it is one that people should look at: stale, failed or killed
    """

    number: int
    at_ms: int
    position: int
    what: str
    said: str
    write: bool
    place: Reach
    beside: tuple[str, ...] = ()
    alarm: bool = False


class End(NamedTuple):
    """A request is over; `answer` in a few words."""

    number: int
    at_ms: int
    answer: str
    mood: Mood


class Chapter(NamedTuple):
    """From here on it is another part: lanes begin anew."""

    at_ms: int
    title: str


class Fold(NamedTuple):
    """What is left out, in words; `number` is the request whose operations they are, None for whole requests."""

    number: int | None
    at_ms: int
    lane: str
    text: str


Moment = Begin | Operation | End | Chapter
Row = Moment | Fold


class Bar(NamedTuple):
    """Something that holds for a while in a lane ("a holds t1"): from after one moment, to before another or the end.

    lane   "" for the centre
    first  index of a moment; -1: from the beginning
    last   index of a moment; None: to the end
    """

    lane: str
    text: str
    first: int
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """One picture.

    name     of letters, digits and hyphens: two pictures on one page need two
    title    what is wrong, in one sentence
    says     a heading and a text each, above the picture
    lanes    those of one location side by side
    verdict  what is written where it ends
    command  by which it is seen again, "" for none
    """

    name: str
    title: str
    says: tuple[tuple[str, str], ...]
    lanes: tuple[Lane, ...]
    moments: tuple[Moment, ...]
    bars: tuple[Bar, ...] = ()
    verdict: str = ""
    command: str = ""


def operation(event: Event, number: int, position: int) -> Operation:
    """The operation that a journal tells of."""
    failed, hit = event.failed, event.cache_status == "HIT"
    beside: tuple[str, ...] = ()
    if hit and failed is None:
        beside = (old(event.age_ms),)
        if event.newer_version is not None:
            beside += (f"STALE: not v{event.newer_version}",)
    return Operation(
        number,
        event.begun_ms,
        position,
        f"{event.operation} {from_utf8(event.key)}",
        _said(event),
        event.operation in _WRITES,
        Reach.COPY if hit else Reach.NOWHERE if failed and event.version is None else Reach.CENTRE,
        beside,
        alarm=event.stale or failed is not None,
    )


def _said(event: Event) -> str:
    if event.failed is not None:
        reason = event.failed.partition("failed: ")[2] or event.failed
        return f"FAILS: {reason}" if event.version is None else f"FAILS: {reason.split()[0]}, but is done"
    if event.operation == "list":
        return f"{event.keys} key{'' if event.keys == 1 else 's'}"
    return "nothing" if event.version is None else f"v{event.version}"
