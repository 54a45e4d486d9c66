"""What is explored: a Worker, how it is asked, what is looked at in the end, and what must hold of it all."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from queue_emulator.core.clock import Clock
from queue_emulator.core.options import PutRequest
from queue_emulator.explore.guarantee import Guarantee
from queue_emulator.explore.history import Actor, Call, History, Kept
from queue_emulator.explore.requests import Request
from queue_emulator.kv.binding import Binding
from queue_emulator.worker.answers import Answer
from queue_emulator.workerd.bindings import WorkerFlags

if TYPE_CHECKING:
    from queue_emulator.explore.remembered import Remembered

Memory = Mapping[str, str]
"""What an actor has kept of the answers so far."""
Worker = Callable[[Actor, Request, Binding], Coroutine[object, None, Answer]]
"""A Worker in one schedule: answers a request of an actor, over KV as it is seen there."""
Ask = Callable[[Actor, Request, Mapping[str, str], Binding], Coroutine[object, None, Answer]]
"""As a Worker, of somebody's own: what it is asked has headers."""
Data = tuple[Sequence[PutRequest], Mapping[bytes, Kept]]
"""What is written before a schedule begins, and how the centre holds it."""


class StandingClock(Clock, Protocol):
    """Time that stands until it is set."""

    at_ms: int


class Deploy(Protocol):
    """A Worker of somebody's own that was started."""

    def __call__(self, clock: StandingClock, versions: Sequence[str]) -> Ask:
        """As it is in one schedule, with the versions that it has."""
        ...

    def afresh(self) -> AbstractContextManager[None]:
        """Meanwhile nothing is taken from what it did before."""
        ...


class Closing(Protocol):
    """A schedule in which nothing runs any more, as those see it who look at the end."""

    @property
    def history(self) -> History:
        """What has happened."""
        ...

    def ask(self, actor: Actor, text: str) -> Call:
        """A request, done as a whole."""
        ...

    def wait(self, by_ms: int) -> None:
        """Nothing happens for so long."""
        ...


class Subject(Protocol):
    """The queue, or a Worker of somebody's own."""

    @property
    def guarantees(self) -> Mapping[str, Guarantee]:
        """By their ids."""
        ...

    @property
    def versions(self) -> tuple[str, ...]:
        """Of the Worker, that an actor may be answered by."""
        ...

    def check(self, text: str) -> None:
        """Raises SettingsError for what is no request."""
        ...

    def request(self, text: str, actor: Actor, memory: Memory, lease_s: int) -> Request | None:
        """What an actor sends for a line of its script; None if it has not kept what it takes."""
        ...

    def verb(self, text: str) -> str:
        """The kind of request that a line of a script is."""
        ...

    def remembers(self, call: Call, memory: Memory) -> Memory:
        """What its actor has kept once a request is answered."""
        ...

    def words(self, call: Call) -> str:
        """What it was answered, in a few words."""
        ...

    def before(self, items: tuple[str, ...]) -> Data:
        """What there is before; raises SettingsError for what cannot be."""
        ...

    def told_before(self, items: tuple[str, ...]) -> str:
        """The same in words, "" for nothing."""
        ...

    @property
    def script(self) -> WorkerFlags | None:
        """The Worker, if it is one in JavaScript that has to be started."""
        ...

    def variables(self, version: str) -> Mapping[str, str]:
        """What a version of a Worker in JavaScript is bound to, besides KV and variables of its own."""
        ...

    def answered_by(self, deploy: Deploy) -> "Subject":
        """The same, answered by another Worker."""
        ...

    def afresh(self) -> AbstractContextManager[None]:
        """Meanwhile the Worker runs, even if it is known what it does."""
        ...

    def deploy(self, clock: StandingClock) -> Worker:
        """The Worker for one schedule."""
        ...

    def remembered(self) -> "Remembered | None":
        """What is known of the runs of its Worker; None where they may follow from more than what they are told."""
        ...

    def look(self, closing: Closing, *, version: str, migrates: bool, items: tuple[str, ...]) -> None:
        """At the end, when all has settled; `items` were there before."""
        ...
