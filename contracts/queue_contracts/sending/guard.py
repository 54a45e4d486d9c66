"""Before every request of this process: what the profile forbids does not leave, and a run that tried has failed.

`wire.py` puts a guard below the clients; here is what it does with a request.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NoReturn, TypeVar

from queue_contracts.described.answers import Answer
from queue_contracts.described.operations import packaged_description
from queue_contracts.sending.limiter import LIMITED, SharedLimiter, sent_again
from queue_contracts.sending.recorder import Exchange, Recorder
from queue_contracts.sending.rules import CONTROL, Asked, Rules
from queue_contracts.untrusted.bounded import Unreadable
from queue_contracts.untrusted.deadline import REQUEST_S_MAX
from queue_contracts.untrusted.visible import one_line, visible

BREACH, STOPPED, UNTESTABLE = "breach.txt", "stopped.txt", "untestable.txt"
Response = TypeVar("Response")


class Breach(BaseException):
    """A request that the profile forbids was about to leave. No Exception: nothing goes on as if it were an answer."""


class Stopped(BaseException):
    """The target wants no more requests: nothing is sent for the rest of the run."""


class Untestable(Stopped):
    """The target, or the KV behind it, gives an answer that cannot be read: nothing is sent for the rest of the run."""


class PartMissing(BaseException):
    """The deployment has no such operation, as was found out before the first check. Its text is the label."""


class KeyShown(AssertionError):
    """An answer has a key of the target in it, which no answer of any status may."""


class LimitedOtherwise(AssertionError):
    """A 429 is not as it is described: nobody else looks at one that is sent again."""


@dataclass(frozen=True)
class Wire(Generic[Response]):
    """A request on its way out of a client, which `send` sends; `seen` is what came back, whichever client it is."""

    asked: Asked
    send: Callable[[Asked], Response]
    seen: Callable[[Response], Answer]


@dataclass
class Guard:
    """The rules of one run at work in this process. `test` is the check that runs, `left` what it may still send.

    `request_s_max` is what one request is given, from when it leaves to the end of its answer. `missing` are ids of
    operations that the deployment does not have.
    """

    rules: Rules
    limiter: SharedLimiter
    recorder: Recorder
    folder: Path
    test: str = ""
    left: int | None = None
    request_s_max: float = REQUEST_S_MAX
    tidies: bool = False
    missing: frozenset[str] = frozenset()

    def admit(self, asked: Asked) -> None:
        """Raise Breach, and write it down for the end of the run, if the request must not leave."""
        for name, ended in ((BREACH, Breach), (UNTESTABLE, Untestable), (STOPPED, Stopped)):
            if (self.folder / name).exists() and not self.tidies:
                raise ended("nothing more is sent: " + (self.folder / name).read_text(encoding="utf-8"))
        objection = self.rules.objection(asked)
        if objection is not None:
            forbids = (
                "" if self.rules.is_elsewhere(asked) else f" (the profile {self.rules.profile.value} forbids this)"
            )
            self.breach(f"{asked.method} {asked.url}: {objection}{forbids}")
        if self.missing and self.of_interest(asked):
            operation = packaged_description().find(asked.method, asked.path)
            if operation is not None and operation.id in self.missing:
                raise PartMissing(operation.label)
        if self.left is not None and self.of_interest(asked):
            if self.left <= 0:
                self.breach(
                    f"{asked.method} {asked.url}: the check has already sent as many requests as it announced "
                    "(its mark `requests`)"
                )
            self.left -= 1

    def breach(self, what: str) -> NoReturn:
        said = visible(self.recorder.mask(f"{self.test or 'outside of a check'}: {what}\n"))
        with (self.folder / BREACH).open("a", encoding="utf-8") as file:
            file.write(said)
        raise Breach(said)

    def stop(self, why: str) -> None:
        """From now on nothing is sent, by any process of the run."""
        (self.folder / STOPPED).write_text(one_line(self.recorder.mask(why)), encoding="utf-8")

    def give_up(self, why: str) -> NoReturn:
        """The same, because the target cannot be tested."""
        said = one_line(self.recorder.mask(why), length_max=1000)
        (self.folder / UNTESTABLE).write_text(said, encoding="utf-8")
        raise Untestable(said)

    @contextmanager
    def tidying(self) -> Iterator[None]:
        """While the block runs, what the profile allows is sent although the run has ended."""
        self.tidies = True
        try:
            yield
        finally:
            self.tidies = False

    def of_interest(self, asked: Asked) -> bool:
        """Whether a request goes to a Worker rather than to its storage or its controls."""
        of_a_worker = asked.origin == self.rules.target.url or self.rules.started(asked.origin)
        return of_a_worker and not asked.path.startswith(CONTROL)


def let_through(guard: Guard, wire: Wire[Response]) -> Response:
    """Send a request, again where a 429 says when: each answer is written down, and shows no key."""
    return obeying(guard, wire.asked, lambda: noted(guard, wire, wire.asked), wire)


def obeying(guard: Guard, asked: Asked, once: Callable[[], Response], wire: Wire[Response]) -> Response:
    """What `once` gives in the end, which sends the request and is done again as 429s ask for."""
    came: list[Response] = []

    def send() -> Answer:
        came.append(once())
        return wire.seen(came[-1])

    try:
        refused = sent_again(send, guard.limiter)
    except Unreadable as why:
        guard.give_up(f"the answer to {asked.method} {asked.url} cannot be read: {why}")
    if refused is not None:
        guard.stop(refused)
    for each in came:
        _require_described(asked, wire.seen(each))
    if refused is not None:
        raise Stopped(refused)
    return came[-1]


def noted(guard: Guard, wire: Wire[Response], asked: Asked) -> Response:
    """Send once and write the exchange down. Raises KeyShown, and Unreadable."""
    began_s = time.time()
    response = wire.send(asked)
    answer = wire.seen(response)
    took_ms = round((time.time() - began_s) * 1000)
    guard.recorder.note(Exchange.of(asked, answer, guard.test, began_s, took_ms), asked.body)
    for text in (*(part for header in answer.headers for part in header), answer.content.decode("utf-8", "replace")):
        if guard.recorder.shows_a_key(text):
            raise KeyShown(f"the answer contains an API key: {one_line(guard.recorder.mask(text))}")
    return response


def _require_described(asked: Asked, answer: Answer) -> None:
    """Of the 429s: every other answer is looked at by the check that asked for it."""
    if answer.status != LIMITED:
        return
    description = packaged_description()
    operation = description.find(asked.method, asked.path)
    wrong = description.violations(operation.id, answer) if operation else []
    if wrong:
        raise LimitedOtherwise(f"a {LIMITED} does not match openapi.yaml: " + "; ".join(each.why for each in wrong))
