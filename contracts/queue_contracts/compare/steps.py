"""What a sequence is made of, as data: requests with symbolic ids, data that is put in, time that passes.

A text that is sent may hold `{name}`: the id that `name` stands for on this target, or what an earlier answer gave
under that name. `{name:64}` is the same id filled up to 64 characters. A name that is neither is refused when the
sequence is read (`placeholders.py`).
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from queue_contracts.json_values import Json

Entry: TypeAlias = dict[str, Json]
KvCalls: TypeAlias = tuple[tuple[str, str], ...]


class Key(Enum):
    """Which key a request is sent with."""

    RIGHT = "right"  # the one that opens the path
    QUEUE = "queue"
    ADMIN = "admin"
    OTHER_SCOPE = "other-scope"
    NONE = "none"
    EMPTY = "empty"
    WRONG = "wrong"
    CUT = "cut"  # the right key without its last character
    LONGER = "longer"  # the right key and one character more
    OTHER_CASE = "other-case"


class Compared(Enum):
    """How much of an answer two targets must have in common."""

    WORDS = "words"  # of the body every character, spaces and escapes too
    ANSWER = "answer"
    SHAPE = "shape"  # of the body only the types of its members: what is in it is the target's own
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Until:
    """What the answer of a polled step comes to, sooner or later: a status, and the value at some paths of the body."""

    status: int
    body: tuple[tuple[str, Json], ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One request, and the statuses that an honest deployment may answer it with.

    path       as sent, with `{name}` where an id stands
    operation  its operationId; "" where the description knows no such request
    statuses   more than one where deployments may differ
    body       sent as JSON, with names resolved; or `content`, sent as it is
    capture    names for values of the answer: (name, path in the body)
    until      polled until this holds, or the deadline has passed
    """

    method: str
    path: str
    statuses: tuple[int, ...]
    operation: str = ""
    key: Key = Key.RIGHT
    body: Json = None
    content: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    capture: tuple[tuple[str, str], ...] = ()
    until: Until | None = None
    compare: Compared = Compared.ANSWER

    @property
    def label(self) -> str:
        """What the request is counted under in a score."""
        return self.operation or NOT_DESCRIBED


@dataclass(frozen=True, slots=True)
class Seed:
    """Entries that are put into KV, in the form of `wrangler kv bulk put`."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Advance:
    """Time passes, on a target whose clock can be moved; elsewhere it is waited for, or the sequence is not played."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Deployment:
    """How the Worker must be deployed: its version, and its keys by the names of their variables."""

    version: str = "new"
    keys: tuple[tuple[str, str], ...] = field(default=(), repr=False)


Step: TypeAlias = Request | Seed | Advance

NOT_DESCRIBED = "(not described)"


@dataclass(frozen=True, slots=True)
class Sequence:
    """Steps that belong together; the name is a sentence about what they show.

    worker_time  the Worker's own clock must move with KV's, which it does not on a real runtime
    deployment   how the Worker must be deployed; None takes it as it is
    allowed      what it is about that only some deployments do; "" where all must do the same
    """

    name: str
    steps: tuple[Step, ...]
    worker_time: bool = False
    deployment: Deployment | None = None
    source: str = field(default="", compare=False)
    allowed: str = ""

    @property
    def requests(self) -> tuple[Request, ...]:
        return tuple(step for step in self.steps if isinstance(step, Request))

    @property
    def seconds_passed(self) -> int:
        return sum(step.seconds for step in self.steps if isinstance(step, Advance))

    @property
    def seeds(self) -> bool:
        return any(isinstance(step, Seed) for step in self.steps)
