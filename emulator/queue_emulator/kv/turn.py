"""Which of the operations that wait goes next: the one seam at which a scheduler takes hold.

Each operation asks for its turn once, when its arguments are checked and its invocation's budget allows it, and before
anything is done. From its turn on an operation on a store in memory runs to its end without another wait, so that
whoever gives the turns decides over the whole order.
"""

from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from queue_emulator.core.errors import EmulatorError
from queue_emulator.core.kinds import KINDS
from queue_emulator.kv.operation import Operation

Result = TypeVar("Result")
AnyOperation = Operation[Any]


class Turn(Protocol):
    """Gives an operation its turn: None to go at once, or what is awaited until it may go.

    What the awaitable raises, the caller's code sees in the place of the operation, which is then not done: so an
    invocation is killed between two of its operations.
    """

    def __call__(self, operation: Operation[Any]) -> Awaitable[object] | None: ...


def go_at_once(operation: Operation[Any]) -> None:
    """Nobody waits for a turn."""


async def turn_of(operations: Sequence[Operation[Any]]) -> int:
    """Which of the operations that one run waits for at once goes next: by its place, from 0."""
    return await _Asking(operations[0] if len(operations) == 1 else _Several(operations))


@dataclass(frozen=True, slots=True)
class _Several:
    operations: Sequence[Operation[Any]]


class HeldTurns:
    """Turns that a test gives: each actor waits before each of its KV operations until it is told to go on.

    No event loop is needed. What no actor does goes at once, so a test may look into the store between two steps.
    `alone` is held for each step, where threads share the emulator.
    """

    def __init__(self, alone: AbstractContextManager[object] | None = None) -> None:
        self._alone = alone
        self._acting = 0

    def __call__(self, operation: Operation[Any]) -> Awaitable[object] | None:
        return _Asking(operation) if self._acting else None

    def actor(self, work: Coroutine[Any, Any, Result]) -> "Actor[Result]":
        """Somebody who does `work`, and stands already before its first operation."""
        return Actor(work, self.step)

    def step(self, work: Coroutine[Any, Any, Any], going: int | None = None) -> Sequence[Operation[Any]]:
        """On to the next operations, which are given back; raises StopIteration with the result at the end."""
        if self._alone is None:
            asked = self._send(work, going)
        else:
            with self._alone:
                asked = self._send(work, going)
        if isinstance(asked, Operation):
            return (asked,)
        if isinstance(asked, _Several):
            return asked.operations
        work.close()
        raise EmulatorError(
            "this request waits for something that is not a KV operation, such as a timer or the network: its KV "
            "operations cannot be done one by one inside a test"
        )

    def _send(self, work: Coroutine[Any, Any, Any], going: int | None) -> object:
        self._acting += 1
        try:
            return work.send(going)
        finally:
            self._acting -= 1


Step = Callable[[Coroutine[Any, Any, Any], int | None], Sequence[Operation[Any]]]


class Actor(Generic[Result]):
    """One whose operations a test lets go one by one.

    `waits_for` are the operations that it waits to do: several where it has asked for several at once, in their order,
    and none when it is at its end.
    """

    def __init__(self, work: Coroutine[Any, Any, Result], step: Step) -> None:
        self._work = work
        self._step = step
        self._result: Result | None = None
        self._failed: BaseException | None = None
        self.waits_for: Sequence[Operation[Any]] = ()
        self._go_on(None)

    @property
    def about_to(self) -> Operation[Any] | None:
        """The first operation that it waits to do, None when it is at its end."""
        return self.waits_for[0] if self.waits_for else None

    def step(self, going: int = 0) -> None:
        """Do one of the operations that it waits for, and stand before the next."""
        assert self.waits_for, "this request has ended"
        self._go_on(going)

    def until(self, operation: str, key: str) -> "Actor[Result]":
        """Go on until the next operation is "put", "get", … of this key (for a "list": of this prefix)."""
        if operation not in KINDS:
            raise EmulatorError(f"operation must be one of {', '.join(KINDS)}, not {operation!r}")
        while self.about_to is not None:
            if self.about_to.kind is KINDS[operation] and key.encode() in self.about_to.keys:
                return self
            self._go_on(0)
        raise AssertionError(f"the request ended without a {operation} of {key!r}") from self._failed

    def finish(self) -> Result:
        """Go on to the end; the result, or the error that ended it."""
        while self.waits_for:
            self._go_on(0)
        if self._failed is not None:
            raise self._failed
        return self._result  # type: ignore[return-value]  # it is what the work returned, which may be None

    def kill(self) -> None:
        """End it here: the operation that it waits for is not done, and none after it."""
        self._work.close()
        self.waits_for = ()

    def _go_on(self, going: int | None) -> None:
        try:
            self.waits_for = self._step(self._work, going)
        except StopIteration as ended:
            self.waits_for, self._result = (), ended.value
        except Exception as failed:  # noqa: BLE001 - whose end it is: told to who asks for the result
            self.waits_for, self._failed = (), failed


class _Asking:
    """Hands an operation to whoever steps the code that asked for it."""

    def __init__(self, asked: "Operation[Any] | _Several") -> None:
        self._asked = asked

    def __await__(self) -> "Generator[Operation[Any] | _Several, int, int]":
        return (yield self._asked)
