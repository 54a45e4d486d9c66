"""A Worker in JavaScript, on workerd, as one that is explored: it stands before each of its KV operations.

To those who step it, it is a coroutine as the Python Worker is: it waits for its turn, and for nothing else. What the
Worker asks of KV goes the same way as with `serve --worker`. What comes of a request is a function of what is answered:
its clock stands until it is told the time, its timers ring when nothing else can happen, and its chance is drawn from a
number. The variables of its modules outlive a schedule.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from zlib import crc32

from queue_emulator.core.errors import EmulatorError, SettingsError
from queue_emulator.explore.history import Actor
from queue_emulator.explore.known_runs import KnownRun, KnownRuns, Went
from queue_emulator.explore.live_run import Input, LiveRun, Over, Sent, Wanted
from queue_emulator.explore.requests import Request
from queue_emulator.explore.scenarios import Scenario
from queue_emulator.explore.subject import Ask, Subject
from queue_emulator.explore.subject import StandingClock as Clock
from queue_emulator.explore.swarm import ACTORS_MAX as _SWARM_ACTORS_MAX
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.turn import turn_of
from queue_emulator.settings import WorkerSettings
from queue_emulator.worker.answers import Answer
from queue_emulator.worker.rollout import DEFAULT_VERSION
from queue_emulator.workerd.stepped import stepped_worker
from queue_emulator.workerd.stepping import Stepping
from queue_emulator.workerd.wire_turns import Said, WaitingOperation, WireTurns

_RINGS_MAX = 1_000  # of the timers of one request: no answer comes of one that only waits
_OF_KV = re.compile(r"^KV [A-Z_]+ failed: 429 (?=Too many API requests)")  # the runtime's frame around our budget


@contextmanager
def on_workerd(builds: Mapping[str, WorkerSettings], scenarios: Sequence[Scenario]) -> Iterator["Runtime"]:
    """The Worker, started for these scenarios; raises SettingsError for what cannot be explored.

    `builds` are its versions by name; where a version has none of its own, it is the default one that is told which
    version it is. Each build has a workerd, and each actor isolates of its own, so that what is asked of KV is known
    to be its.
    """
    _check_versions(builds, scenarios)
    count = max(_SWARM_ACTORS_MAX, *(len(each.actors) for each in scenarios))
    slots: dict[str, dict[str, Mapping[str, str]]] = {name: {} for name in builds}
    of: dict[str, str] = {}
    for subject in dict.fromkeys(each.subject for each in scenarios):
        for version in _versions(subject, builds):
            place = _place(version, subject.versions)
            of[place] = build = version if version in builds else DEFAULT_VERSION
            more = {name: json.dumps(value) for name, value in subject.variables(version).items()}
            variables = {**builds[build].variables, **more}
            slots[build] |= {f"{place}-{number}": variables for number in range(count)}
    with ExitStack() as stack:
        started = {
            name: stack.enter_context(stepped_worker(builds[name].plan, builds[name].binary, its))
            for name, its in slots.items()
            if its
        }
        yield Runtime({place: started[build] for place, build in of.items()}, count)


def _versions(subject: Subject, builds: Mapping[str, WorkerSettings]) -> Sequence[str]:
    return subject.versions or list(builds)


def _place(version: str, of_the_queue: Sequence[str]) -> str:
    """What begins the names of a version's slots: the queue's Worker has variables that no other has."""
    return version if of_the_queue else f"own_{version}"


def _check_versions(builds: Mapping[str, WorkerSettings], scenarios: Sequence[Scenario]) -> None:
    """Raises SettingsError for an actor on a version that is not there, and for a version that nobody can be on."""
    known = {each.name: _versions(each.subject, builds) for each in scenarios}
    for each in scenarios:
        for actor in each.actors:
            if actor.version not in known[each.name]:
                raise SettingsError(
                    f"{each.name}: actor {actor.name} is on version {actor.version!r} of the Worker; there are "
                    f"{', '.join(known[each.name])}"
                )
    stray = next((name for name in builds if not any(name in there for there in known.values())), None)
    if stray is not None:
        there = dict.fromkeys(name for names in known.values() for name in names)
        raise SettingsError(f"no actor can be on version {stray!r} of the Worker; there are {', '.join(there)}")


@dataclass(frozen=True, slots=True)
class Runtime:
    """Each version of a Worker as it runs, on a workerd, with so many isolates."""

    stepping: Mapping[str, Stepping]
    isolates: int
    known: KnownRuns = field(default_factory=KnownRuns)

    def afresh(self) -> AbstractContextManager[None]:
        """Meanwhile requests run, also those of which it is known what comes of them."""
        return self.known.afresh()

    def __call__(self, clock: Clock, versions: Sequence[str]) -> Ask:
        """The Worker for one schedule."""
        slots: dict[str, str] = {}

        def slot_of(actor: Actor, version: str) -> str:
            """Those who look at the end come after all others, whose isolates are free by then."""
            if actor.name not in slots:
                number = sum(each.startswith(f"{version}-") for each in slots.values())
                slots[actor.name] = f"{version}-{number % self.isolates}"
            return slots[actor.name]

        async def ask(actor: Actor, asked: Request, headers: Mapping[str, str], binding: Binding) -> Answer:
            version = _place(actor.version, versions)
            chance = crc32(f"{binding.invocation.name} {asked.text}".encode())
            sent = Sent(actor.location, asked.method, asked.path, tuple(headers.items()), asked.body, chance)
            live = LiveRun(self.stepping[version], slot_of(actor, version), sent)
            run = self.known.begin((version, sent._replace(chance=0)), live, chance)
            return await _Serving(run, clock, binding).answer()

        return ask


class _Serving:
    """KV for one run: each operation waits for its turn, and no timer rings while one does."""

    def __init__(self, run: KnownRun, clock: Clock, binding: Binding) -> None:
        self._run = run
        self._clock = clock
        self._kv = WireTurns(binding)
        self._asked = self._rung = self._anew = 0
        self._timers: list[tuple[int, int]] = []
        self._standing: list[tuple[int, WaitingOperation]] = []
        self._refused: list[tuple[int, Said]] = []
        self._over: Over | None = None

    async def answer(self) -> Answer:
        """What it answers, once it has; waits for the turn of each of its operations."""
        try:
            self._take(self._run.begin(self._clock.now_ms()))
            while self._standing or self._over is None:
                if self._standing:
                    self._perform(await turn_of([each.operation for _, each in self._standing]))
                else:
                    self._ring()
        finally:  # also where it is killed while it waits for its turn
            self._leave()
            self._run.end()
        if self._over.thrown:
            return Answer(self._over.status, _OF_KV.sub("", self._over.content.decode()).encode(), "")
        return self._over.answer

    def _take(self, went: Went) -> None:
        """What it asks for stands before its turn, or is refused before that."""
        places: Iterable[int] = count(self._asked)
        if went.anew is not None:
            self._leave()
            self._over, self._anew, places = None, self._anew + 1, went.anew
        for place, event in zip(places, (each for each in went.events if isinstance(each, Wanted)), strict=False):
            self._asked = place + 1
            if event.timer_ms is not None:
                self._timers.append((self._clock.now_ms() + event.timer_ms, place))
                continue
            asked = self._kv.ask(event.method, event.target, event.metadata, event.body)
            if isinstance(asked, WaitingOperation):
                self._standing.append((place, asked))
            else:
                self._refused.append((place, asked))
        self._over = next((each for each in went.events if isinstance(each, Over)), self._over)
        while self._refused:
            self._tell(*self._refused.pop(0))

    def _leave(self) -> None:
        """Nothing is waited for any more."""
        for _, each in self._standing:
            each.leave()
        self._standing.clear()
        self._refused.clear()
        self._timers.clear()

    def _perform(self, nth: int) -> None:
        """An operation, at its turn. What rang while it waited does so before it is answered."""
        place, standing = self._standing.pop(nth)
        said, anew = standing.go(), self._anew
        while any(due_ms <= self._clock.now_ms() for due_ms, _ in self._timers):
            self._ring()
        if anew == self._anew:
            self._tell(place, said)

    def _ring(self) -> None:
        """The earliest timer: the time is what it was set to, if that is not over. Raises EmulatorError."""
        self._rung += 1
        if self._rung > _RINGS_MAX:
            raise EmulatorError(
                f"more than {_RINGS_MAX} timers ring in one request of the Worker, and it does not end: a loop that "
                "waits, or an interval that nobody clears, cannot be explored"
            )
        due = min(self._timers)
        self._timers.remove(due)
        self._clock.at_ms = max(self._clock.at_ms, due[0])
        self._take(self._run.tell(Input(self._clock.now_ms(), due[1])))

    def _tell(self, place: int, said: Said) -> None:
        self._take(self._run.tell(Input(self._clock.now_ms(), place, *said)))
