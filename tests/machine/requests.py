"""One request as data: to which face, what it writes if it is done, what it may write, and what its answer tells."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import httpx

from tests.machine.account import Account, Namespace, mark_in
from tests.machine.history import Finding, History, Mark, Read, Write


class Face(Enum):
    """Where a request goes. The two Workers never run at once."""

    WORKER = "Worker routes"
    RUNTIME = "a Worker on workerd"
    WIRE = "KV of the runtime"
    REST = "REST"
    CONTROL = "controls"

    @property
    def over_http(self) -> bool:
        """Whether it is reached at the public port."""
        return self is not Face.WIRE


Effects = tuple[tuple[History, Mark], ...]
Told = Callable[[httpx.Response, "Sent"], Finding | None]


@dataclass(frozen=True, slots=True)
class Request:
    """`writes` are sure once it is answered with success; `perhaps` may have been done, whatever the answer.

    `whole`: a refusal (4xx) means that nothing was written. `reads` is a namespace and the name of a key of it:
    the answer is its value. `told` looks at an answer of success.
    """

    face: Face
    method: str
    path: str
    content: bytes = b""
    writes: Effects = ()
    perhaps: Effects = ()
    sweep: bool = False
    creates: Namespace | None = None
    whole: bool = True
    headers: tuple[tuple[str, str], ...] = ()
    reads: tuple[Namespace, str] | None = None
    told: Told | None = None


@dataclass(slots=True)
class Sent:
    """A request under way, and its writes in the histories."""

    account: Account
    request: Request
    asked: int
    ended: int | None = None
    writes: list[tuple[History, Write]] = field(default_factory=list)
    perhaps: list[tuple[History, Write]] = field(default_factory=list)
    sweep: Write | None = None

    @classmethod
    def begin(cls, account: Account, request: Request) -> "Sent":
        made = cls(account, request, account.now())
        made.writes = [(history, history.begin(mark, made.asked)) for history, mark in request.writes]
        made.perhaps = [(history, history.begin(mark, made.asked)) for history, mark in request.perhaps]
        if request.sweep:
            made.sweep = Write(None, made.asked)
            account.sweeps.append(made.sweep)
        if request.creates is not None:
            account.untold.append(request.creates)
        return made

    def answered(self, answer: httpx.Response) -> Finding | None:
        """Note what is known now; returns what is wrong with what the answer shows."""
        self.ended = self.account.now()
        for _, write in self._all():
            write.ended = self.ended
        if answer.is_success:
            for _, write in self.writes:
                write.sure = True
            if self.sweep is not None:
                self.sweep.sure = True
        elif answer.is_client_error and self.request.whole:
            self.undone()
        return self._shown(answer)

    def _shown(self, answer: httpx.Response) -> Finding | None:
        if self.request.reads is not None and (answer.is_success or _missed(answer)):
            return self.read(*self.request.reads, mark_in(answer.content) if answer.is_success else None)
        return self.request.told(answer, self) if self.request.told and answer.is_success else None

    def undone(self) -> None:
        """It was refused, or never sent to its end: nothing of it is there."""
        for history, write in (*self.writes, *self.perhaps):
            history.refused(write)
        if self.sweep is not None:
            self.account.sweeps.remove(self.sweep)
        if self.request.creates is not None:
            self.account.untold.remove(self.request.creates)

    def read(self, namespace: Namespace, name: str, mark: Mark) -> Finding | None:
        """The answer shows a value."""
        assert self.ended is not None
        swept = (*self.account.sweeps, *namespace.deletions())
        return namespace.key(name).read(Read(mark, self.asked, self.ended), *swept)

    def surely(self, history: History) -> None:
        """The answer tells that one of the writes that may have been done was done."""
        for each, write in self.perhaps:
            if each is history and write.mark is not None:
                write.sure = True

    def _all(self) -> list[tuple[History | None, Write]]:
        return [*self.writes, *self.perhaps, *([(None, self.sweep)] if self.sweep is not None else [])]


def _missed(answer: httpx.Response) -> bool:
    """Whether there is nothing under the key, as against no such namespace."""
    return answer.status_code == httpx.codes.NOT_FOUND and b"namespace" not in answer.content
