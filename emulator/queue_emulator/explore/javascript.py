"""A Worker in JavaScript, on workerd, as one that is explored: it stands before each of its KV operations.

To those who step it, it is a coroutine as the Python Worker is: it waits for its turn, and for nothing else. What the
Worker asks of KV goes the same way as with `serve --worker`. What comes of a request is a function of what is answered:
its clock stands until it is told the time, its timers ring when nothing else can happen, and its chance is drawn from a
number. The variables of its modules outlive a schedule.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from zlib import crc32

from queue_emulator.core.errors import EmulatorError, SettingsError
from queue_emulator.core.wire_names import LOCATION_HEADER
from queue_emulator.explore.history import Actor
from queue_emulator.explore.requests import Request
from queue_emulator.explore.scenarios import Scenario
from queue_emulator.explore.subject import Ask, Standing
from queue_emulator.explore.swarm import ACTORS_MAX as _SWARM_ACTORS_MAX
from queue_emulator.kv.binding import Binding, Service
from queue_emulator.settings import WorkerSettings
from queue_emulator.worker.answers import JSON_TYPE, TEXT_TYPE, Answer
from queue_emulator.workerd.config import CF_HEADER
from queue_emulator.workerd.invocations import Invocations
from queue_emulator.workerd.runtime_kv import RuntimeKV
from queue_emulator.workerd.stepped import stepped_worker
from queue_emulator.workerd.stepping import Answered, Asked, Stepping

_THROWN, _REFUSED = b"x-emulator-thrown", b"x-emulator-refused"
_PROBES = 2  # after which whatever a Worker was about to ask for is there; after one it was missing once in 180 times
_RINGS_MAX = 1_000  # of the timers of one request: no answer comes of one that only waits
_OF_KV = re.compile(r"^KV [A-Z_]+ failed: 429 (?=Too many API requests)")  # the runtime's frame around our budget
_ONLY = "worker"  # the slots of a Worker that has no versions


@contextmanager
def on_workerd(worker: WorkerSettings, scenarios: Sequence[Scenario]) -> Iterator["Runtime"]:
    """The Worker, started for these scenarios; raises SettingsError for what cannot be explored.

    Each actor has isolates of its own, so that what is asked of KV is known to be its.
    """
    count = max(_SWARM_ACTORS_MAX, *(len(each.actors) for each in scenarios))
    slots: dict[str, Mapping[str, str]] = {}
    for subject in dict.fromkeys(each.subject for each in scenarios):
        for version in subject.versions or (_ONLY,):
            more = {name: json.dumps(value) for name, value in subject.variables(version).items()}
            slots |= {f"{version}-{number}": {**worker.variables, **more} for number in range(count)}
    with stepped_worker(worker.plan, worker.binary, slots) as stepping:
        yield Runtime(stepping, count)


@dataclass(frozen=True, slots=True)
class Runtime:
    """A workerd that runs, with so many isolates of each version of the Worker."""

    stepping: Stepping
    isolates: int

    def deploy(self, clock: Standing, versions: Sequence[str]) -> Ask:
        """The Worker for one schedule."""
        slots: dict[str, str] = {}

        def slot_of(actor: Actor) -> str:
            """Those who look at the end come after all others, whose isolates are free by then."""
            if actor.name not in slots:
                version = actor.version if versions else _ONLY
                number = sum(each.startswith(f"{version}-") for each in slots.values())
                slots[actor.name] = f"{version}-{number % self.isolates}"
            return slots[actor.name]

        async def ask(actor: Actor, asked: Request, headers: Mapping[str, str], binding: Binding) -> Answer:
            return await _Run(self.stepping, slot_of(actor), clock, binding).answer(asked, headers)

        return ask


@dataclass(slots=True)
class _Run:
    """One request of an actor, as it runs in a slot."""

    stepping: Stepping
    slot: str
    clock: Standing
    binding: Binding
    _told_ms: int = 0
    _rung: int = 0
    _timers: list[tuple[int, int, Asked]] = field(default_factory=list)
    _waiting: Asked | None = None
    _kv: RuntimeKV = field(init=False)

    def __post_init__(self) -> None:
        self._kv = _kv(self.binding)

    async def answer(self, asked: Request, headers: Mapping[str, str]) -> Answer:
        """What it answers, once it has; waits for the turn of each of its operations."""
        self._told_ms = self.clock.now_ms()
        whole = {"Host": "worker.example", "Content-Length": str(len(asked.body)), **headers}
        whole[CF_HEADER] = self._cf(chance=crc32(f"{self.binding.invocation.name} {asked.text}".encode()))
        self.stepping.send(self.slot, asked.method, asked.path, whole, asked.body)
        try:
            while not isinstance(event := self._next(), Answered):
                await self._perform(event)
        except GeneratorExit:  # the run is killed while it waits for its turn
            assert self._waiting is not None
            self.stepping.cut(self.slot, self._waiting)
            self.stepping.clear()
            raise
        self.stepping.clear()
        return _answer(event)

    def _next(self) -> Asked | Answered:
        """The next event that is no timer: those ring, the earliest first, where nothing else can happen."""
        while True:
            if self._timers and self._idle():
                self._ring()
            event = self.stepping.next()
            if isinstance(event, Answered) or not event.outbound:
                return event
            after_ms = event.timer_ms
            if after_ms is None:
                to = (event.header(b"host") or b"").decode("latin-1")
                raise SettingsError(f"the Worker fetches from {to}, which cannot be explored: only KV can be")
            self._timers.append((self.clock.now_ms() + after_ms, len(self._timers), event))

    def _idle(self) -> bool:
        for _ in range(_PROBES):
            if self.stepping.any_more():
                return False
            self._tell_time()
        return not self.stepping.any_more()

    def _ring(self) -> None:
        """The earliest timer: the time is what it was set to, if that is not over. Raises EmulatorError."""
        self._rung += 1
        if self._rung > _RINGS_MAX:
            raise EmulatorError(
                f"more than {_RINGS_MAX} timers ring in one request of the Worker, and it does not end: a loop that "
                "waits, or an interval that nobody clears, cannot be explored"
            )
        due = min(self._timers, key=lambda each: each[:2])
        self._timers.remove(due)
        self.clock.at_ms = max(self.clock.at_ms, due[0])
        self._tell_time()
        self.stepping.reply(due[2], 204, "No Content", {}, b"")

    async def _perform(self, asked: Asked) -> None:
        """An operation of KV, at its turn. What rang while it waited does so before it is answered."""
        self._waiting = asked
        response = await self._kv.answer(_Sent(asked, self.binding.location), asked.body)
        self._waiting = None
        while any(due_ms <= self.clock.now_ms() for due_ms, *_ in self._timers):
            self._ring()
            for _ in range(_PROBES):
                self._tell_time()
        if self._told_ms != self.clock.now_ms():
            self._tell_time()
        body = response.body if isinstance(response.body, bytes) else b""
        self.stepping.reply(asked, response.status, response.reason, response.headers, body)

    def _tell_time(self) -> None:
        self._told_ms = self.clock.now_ms()
        self.stepping.probe(self.slot, {"Host": "worker.example", CF_HEADER: self._cf(probe=True)})

    def _cf(self, *, chance: int = 0, probe: bool = False) -> str:
        told = {"now": self._told_ms, "chance": chance, "probe": probe}
        return json.dumps({"colo": self.binding.location, "emulator": told})


def _kv(binding: Binding) -> RuntimeKV:
    """KV as this run sees it, which is the only one there."""
    invocations = Invocations()
    invocations.begin(binding.location, binding.invocation)

    async def find(headers: Mapping[str, str]) -> Service:
        return binding.service

    return RuntimeKV(find, locations=(binding.location,), invocations=invocations, log=_nobody_listens)


class _Sent:
    """What the runtime has sent, as RuntimeKV reads it."""

    def __init__(self, asked: Asked, location: str) -> None:
        self.method = asked.method
        self.raw_path = asked.target.decode("utf-8", "surrogateescape")
        self.headers = {LOCATION_HEADER: location}
        metadata = asked.header(b"cf-kv-metadata")
        if metadata is not None:
            self.headers["CF-KV-Metadata"] = metadata.decode("utf-8", "surrogateescape")


def _answer(answered: Answered) -> Answer:
    refused = answered.header(_REFUSED)
    if refused is not None:
        raise SettingsError(f"the Worker answers with {refused.decode('latin-1')}, which cannot be explored")
    text = answered.body.decode("utf-8", "replace")
    if answered.header(_THROWN) is not None:
        return Answer(answered.status, _OF_KV.sub("", text).encode(), "")
    kind = (answered.header(b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind == JSON_TYPE.encode():
        try:
            json.loads(text)
            return Answer(answered.status, text.encode(), JSON_TYPE)
        except ValueError:
            pass
    return Answer(answered.status, text.encode(), TEXT_TYPE)


def _nobody_listens(line: str) -> None:
    pass
