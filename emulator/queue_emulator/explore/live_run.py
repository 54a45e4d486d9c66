"""One request of a Worker in JavaScript as it runs on workerd: told one thing at a time, until nothing more happens.

What comes of what it is told is a function of that: its clock stands until it is told the time, its timers ring when it
is told so, and its chance is drawn from a number.
"""

import json
from typing import NamedTuple

from queue_emulator.core.errors import SettingsError
from queue_emulator.core.places import as_url
from queue_emulator.worker.answers import JSON_TYPE, TEXT_TYPE, Answer
from queue_emulator.workerd.config import CF_HEADER
from queue_emulator.workerd.stepping import Answered, Asked, Stepping

_THROWN, _REFUSED, _SEEN = b"x-emulator-thrown", b"x-emulator-refused", b"x-emulator-seen"
_TURNS = 4  # of the runtime's timers, after which whatever a Worker was about to ask for is there; one was too few
_CLOCK, _CHANCE = b"c", b"r"


class Sent(NamedTuple):
    """The request, and the number that its chance is drawn from."""

    location: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    chance: int


class Input(NamedTuple):
    """What a run is told: the time, and what comes of the so manieth thing that it has asked for, from 0."""

    now_ms: int
    place: int
    status: int = 204
    reason: str = "No Content"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Wanted(NamedTuple):
    """What it asks for: an operation of KV, or a timer that rings after `timer_ms`."""

    method: str
    target: bytes
    metadata: bytes | None
    body: bytes
    timer_ms: int | None = None


class Over(NamedTuple):
    """What it answers. `thrown`: its code has thrown, and `content` is what."""

    status: int
    content: bytes
    content_type: str
    thrown: bool

    @property
    def answer(self) -> Answer:
        return Answer(self.status, self.content, self.content_type)


Event = Wanted | Over


class Reaction(NamedTuple):
    """What it did of it, until nothing more happened; whether its code has looked at the time, and drawn by chance."""

    events: tuple[Event, ...]
    looked: bool
    drew: bool


class LiveRun:
    """A run in a slot that has no other. `waiting` is what it has asked for and not been told, by its place."""

    def __init__(self, stepping: Stepping, slot: str, sent: Sent) -> None:
        self._stepping = stepping
        self._slot = slot
        self._sent = sent
        self._told_ms = 0
        self._asked: list[Asked] = []
        self.waiting: dict[int, Wanted] = {}
        self.over: Over | None = None
        self._number = 0
        self._seen = b""

    def begin(self, now_ms: int, known: int | None = None) -> Reaction:
        """The request comes to the Worker. `known`: how many events come of it, where it has been seen."""
        sent, self._told_ms = self._sent, now_ms
        whole = {"Host": "worker.example", "Content-Length": str(len(sent.body)), **dict(sent.headers)}
        whole[CF_HEADER] = self._cf(chance=sent.chance)
        target = as_url(sent.path.encode()).decode()
        self._number = self._stepping.send(self._slot, sent.method, target, whole, sent.body)
        return self._hear(known)

    def tell(self, told: Input, known: int | None = None) -> Reaction:
        """It goes on."""
        if told.now_ms != self._told_ms:
            self._told_ms = told.now_ms
            self._probe()
        del self.waiting[told.place]
        self._stepping.reply(self._asked[told.place], told.status, told.reason, told.headers, told.body)
        return _NOTHING if self.over is not None else self._hear(known)

    def caught_up(self) -> None:
        """From here on it is new what it looks at."""
        if self._number and self.over is None:
            self._probe()

    @property
    def all_there_is(self) -> tuple[Event, ...]:
        """What it waits for, and its answer if it has given that."""
        over = () if self.over is None else (self.over,)
        return (*self.waiting.values(), *over)

    def end(self) -> None:
        """Have the run ended, if it has not answered: as by a client who goes."""
        if self._number:
            self._stepping.leave(self._slot, self._number)

    def _hear(self, known: int | None) -> Reaction:
        """What comes until nothing more can, for which it is probed; of what is known only as much as that is."""
        asked: list[Asked] = []
        if not self.waiting and known != 0:
            self._take(asked)
        seen = b""
        if known is None or not self._comes(asked, known):
            if self.over is None:
                seen = self._probe(_TURNS)
            while self._stepping.any_more(self._slot):
                self._take(asked)
        wanted = self._wait_for(asked)
        if self.over is None:
            return Reaction(wanted, _CLOCK in seen, _CHANCE in seen)
        return Reaction((*wanted, self.over), _CLOCK in self._seen, _CHANCE in self._seen)

    def _comes(self, asked: list[Asked], known: int) -> bool:
        """Whether as much comes as is known to; it is there at once, or after a probe."""
        for probed in (False, True):
            while len(asked) + (self.over is not None) < known and self._stepping.any_more(self._slot):
                self._take(asked)
            if self.over is not None or len(asked) == known:
                return True
            if not probed:
                self._probe(_TURNS)
        return False

    def _take(self, asked: list[Asked]) -> None:
        event = self._stepping.next(self._slot)
        if isinstance(event, Asked):
            asked.append(event)
        else:
            self.over, self._seen = _over(event), event.header(_SEEN) or b""

    def _wait_for(self, asked: list[Asked]) -> tuple[Wanted, ...]:
        """In the order in which it was asked for: one may take longer to be here as a whole."""
        asked.sort(key=lambda each: each.number)
        wanted = tuple(map(_wanted, asked))
        self.waiting |= dict(enumerate(wanted, len(self._asked)))
        self._asked += asked
        return wanted

    def _probe(self, turns: int = 0) -> bytes:
        """The time as it was told, and what was seen since it was before; answered after so many turns."""
        headers = {"Host": "worker.example", CF_HEADER: self._cf(probe=True, turns=turns)}
        return self._stepping.probe(self._slot, headers).header(_SEEN) or b""

    def _cf(self, *, chance: int = 0, probe: bool = False, turns: int = 0) -> str:
        told = {"now": self._told_ms, "chance": chance, "probe": probe, "turns": turns}
        return json.dumps({"colo": self._sent.location, "emulator": told})


_NOTHING = Reaction((), looked=False, drew=False)


def _wanted(asked: Asked) -> Wanted:
    if asked.outbound and asked.timer_ms is None:
        to = (asked.header(b"host") or b"").decode("latin-1")
        raise SettingsError(f"the Worker fetches from {to}, which cannot be explored: only KV can be")
    return Wanted(asked.method, asked.target, asked.header(b"cf-kv-metadata"), asked.body, asked.timer_ms)


def _over(answered: Answered) -> Over:
    refused = answered.header(_REFUSED)
    if refused is not None:
        raise SettingsError(f"the Worker answers with {refused.decode('latin-1')}, which cannot be explored")
    text = answered.body.decode("utf-8", "replace")
    if answered.header(_THROWN) is not None:
        return Over(answered.status, text.encode(), "", thrown=True)
    kind = (answered.header(b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind == JSON_TYPE.encode():
        try:
            json.loads(text)
            return Over(answered.status, text.encode(), JSON_TYPE, thrown=False)
        except ValueError:
            pass
    return Over(answered.status, text.encode(), TEXT_TYPE, thrown=False)
