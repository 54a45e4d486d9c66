"""A history as a guarantee of somebody's own sees it: requests with their answers, and what KV holds in the end."""

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass

from queue_emulator.core.errors import EmulatorError
from queue_emulator.core.javascript import Json
from queue_emulator.explore.behaviour import Behaviour
from queue_emulator.explore.guarantee import Broken, Guarantee
from queue_emulator.explore.history import Begun, Call, Ended, History, Settled, Step


@dataclass(frozen=True, slots=True)
class Answer:
    """A request of an actor, and what it was answered.

    sent       the request's body
    status     0 if the run was killed
    body       the answer's JSON, or its text
    begun      its place in the order of all beginnings and ends; so is `ended`, None without an answer
    begun_ms   the same as times, in milliseconds
    at_end     whether it belongs to the look at the end, a minute after everything else
    faulted    whether a fault hit one of its KV operations
    """

    actor: str
    location: str
    method: str
    path: str
    sent: str
    status: int
    body: Json
    begun: int
    ended: int | None
    begun_ms: int
    ended_ms: int | None
    at_end: bool
    faulted: bool

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def member(self, name: str) -> Json:
        """A member of the answer's JSON, None if it has none of this name."""
        return self.body.get(name) if isinstance(self.body, dict) else None


@dataclass(frozen=True, slots=True)
class Seen:
    """What happened in one schedule.

    answers  in the order in which the requests began
    """

    answers: tuple[Answer, ...]
    _history: History

    def ended(self) -> list[Answer]:
        """Those that were answered, in the order of that."""
        return sorted((each for each in self.answers if each.ended is not None), key=lambda each: each.ended or 0)

    def value(self, key: str) -> str | None:
        """What KV holds under a key in the end."""
        return self.values(key).get(key)

    def values(self, prefix: str = "") -> dict[str, str]:
        """What KV holds in the end under keys that begin so."""
        centre, now_ms = self._history.centre(), 0
        for each in self._history.happenings:
            centre.see(each)
            now_ms = each.at_ms if isinstance(each, Step | Settled) else now_ms
        live = centre.live(prefix.encode(), now_ms)
        return {prefix + rest: (kept.value or b"").decode() for rest, kept in live.items()}


Found = Iterable[str | tuple[Answer, str]] | str | None
"""Why a guarantee is broken, with the answer by which it shows if there is one; None or nothing: it holds."""
OwnCheck = Callable[[Seen], Found]
_TELLING = (
    Behaviour.CACHES,
    Behaviour.OVERLAP,
    Behaviour.WRITE_RATE,
    Behaviour.OPERATIONS,
    Behaviour.FAULTS,
)  # nobody has said which: else a limit that is met soon hides what breaks the same without it


def guarantee(check: OwnCheck, name: str = "", sentence: str = "") -> Guarantee:
    """A function over what was seen as a guarantee; its own name and docstring serve where none are given."""
    name = name or check.__name__.replace("_", " ").strip()
    first = (check.__doc__ or "").strip().partition("\n")[0]
    id = "-".join(name.split())

    def find(history: History) -> Iterator[Broken]:
        try:
            found = check(see(history))
            broken = [found] if isinstance(found, str) else list(found or ())
        except Exception as error:
            raise EmulatorError(f"the guarantee {name!r} raises {type(error).__name__}: {error}") from error
        for each in broken:
            answer, why = (None, each) if isinstance(each, str) else each
            last = len(history.happenings) - 1
            yield Broken(id, (), "", why, last if answer is None or answer.ended is None else answer.ended)

    return Guarantee(id, name, sentence or first or f"{name.capitalize()}.", find, telling=_TELLING)


def see(history: History) -> Seen:
    """The history, seen so."""
    begun: dict[int, tuple[int, Call]] = {}
    ended: dict[int, int] = {}
    for place, each in enumerate(history.happenings):
        if isinstance(each, Begun):
            begun[id(each.call)] = place, each.call
        elif isinstance(each, Ended) and each.call.status:
            ended[id(each.call)] = place
    return Seen(tuple(_answer(call, place, ended.get(key)) for key, (place, call) in begun.items()), history)


def _answer(call: Call, begun: int, ended: int | None) -> Answer:
    asked = call.request
    return Answer(
        call.actor.name,
        call.actor.location,
        asked.method,
        asked.path,
        asked.body.decode(),
        call.status,
        deepcopy(call.body),
        begun,
        ended,
        call.begun_ms,
        call.ended_ms,
        call.closing,
        call.faulted,
    )
