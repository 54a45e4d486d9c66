"""A small world: actors, a Worker over a KV in memory, and nothing that happens unless it is chosen."""

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from queue_emulator.core.copies import shallow
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import JavaScriptError
from queue_emulator.core.faults import Rule, Verdict
from queue_emulator.core.profiles import CLOUDFLARE, Profile
from queue_emulator.explore.acted import acted
from queue_emulator.explore.behaviour import ALL, Behaviour, Without
from queue_emulator.explore.bodies import body_of
from queue_emulator.explore.history import Actor, Begun, Call, Ended, History, Settled, Step
from queue_emulator.explore.remembered import Run, Served, thrown
from queue_emulator.explore.requests import Request
from queue_emulator.explore.scenarios import KILLED, Scenario
from queue_emulator.explore.small_pages import SmallPages
from queue_emulator.explore.subject import Memory
from queue_emulator.explore.times import START_MS, WRITTEN_MS
from queue_emulator.explore.turns import EXPIRY_MS, MINUTE_MS, TICK_MS, USUAL_MS, Choice, Made
from queue_emulator.kv.binding import Binding, Service
from queue_emulator.kv.operation import Invocation, Operation, Outcome
from queue_emulator.kv.service import NOBODY, KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.kv.turn import Actor as Running
from queue_emulator.kv.turn import HeldTurns
from queue_emulator.worker.answers import Answer

_DICE = Dice(0)
_NO_KEYS: frozenset[bytes] = frozenset()
_Running = Running[Answer] | Run


class _StillClock:
    """Time that stands until it is set."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms


@dataclass(slots=True)
class _Lane:
    """An actor at work: where it is in its script, what it has kept of answers, the request that runs, or the next."""

    actor: Actor
    position: int = 0
    memory: Memory = field(default_factory=dict)
    number: int = 0
    machine: int = 1
    call: Call | None = None
    caller: Invocation = NOBODY
    running: _Running | None = None
    upcoming: Request | None = None

    def copy(self, kv: Service, clock: _StillClock, calls: Mapping[int, Call]) -> "_Lane":
        """The same in a copy of the world, where `calls` are those that run, by what they are a copy of."""
        other = replace(self, call=calls.get(id(self.call), self.call))
        if self.running is not None:
            assert isinstance(self.running, Run), "of another nobody knows what it has come to"
            other.running = running = self.running.copy(kv, clock)
            other.caller = running.caller
        return other


class World:
    """One schedule as it happens.

    `made` are the choices so far, `history` what came of them; `without`: what comes of the same without a behaviour,
    as far as somebody has asked.
    """

    def __init__(self, scenario: Scenario, without: Without = ALL) -> None:
        self.scenario = scenario
        self.clock = _StillClock(WRITTEN_MS)
        self._off = without
        self._overlap, self._pauses = Behaviour.OVERLAP not in without, Behaviour.PAUSES not in without
        self._faults, self._machines = Behaviour.FAULTS not in without, Behaviour.MACHINES not in without
        self._order = Behaviour.ORDER not in without
        self._turns = HeldTurns()
        profile = _profile(scenario.operations_max, without)
        self._store = MemoryStore()
        self._service = KVService(self._store, clock=self.clock, profile=profile, dice=_DICE, sleep=_no_sleep)
        self._service.pipeline.turn = self._turns
        self._met: set[Behaviour] = set()
        self._acted: frozenset[Behaviour] | None = None
        self.without: dict[Without, History] = {}
        self._seen = self._as_seen()
        self._operations_max = profile.operations_max
        self._known = scenario.subject.remembered()
        self._worker = scenario.subject.deploy(self.clock) if self._known is None else self._known.worker
        requests, before = scenario.subject.before(scenario.before)
        if requests:
            _now(self._service.load("SJC", requests))
        self._ends_s = {each.key: each.expiration_s for each in requests}
        self._put_ms: dict[bytes, int] = {}
        self.clock.at_ms = START_MS
        self.history = History(before, scenario.final, guarantees=scenario.subject.guarantees)
        self._lanes = {actor.name: _Lane(actor) for actor in scenario.actors}
        for lane in self._lanes.values():
            self._look_ahead(lane)
        self._closing: dict[str, _Lane] = {}
        self.made: list[Made] = []
        self.waited = 0
        self.pauses_left = scenario.pauses
        self.faults_left = 1 if scenario.faults else 0
        self._last: _Lane | None = None
        self._steps = 0

    def copy(self) -> "World | None":
        """One that has come as far, and goes on by itself; None if its Worker cannot be where it is twice."""
        if self._known is None:
            return None
        other = shallow(self)
        other.clock, other._store = _StillClock(self.clock.at_ms), self._store.copy()
        other._service = self._service.copy(other._store, other.clock)
        other._met, other.without = self._met.copy(), {}
        other._seen = other._as_seen()
        calls = {id(lane.call): replace(lane.call) for lane in self._lanes.values() if lane.running and lane.call}
        other.history = self.history.copy(calls)
        other._lanes = {name: lane.copy(other._seen, other.clock, calls) for name, lane in self._lanes.items()}
        other._last = None if self._last is None else other._lanes[self._last.actor.name]
        other._ends_s, other._put_ms = self._ends_s.copy(), self._put_ms.copy()
        other.made, other._closing = self.made.copy(), {}
        return other

    @property
    def steps(self) -> int:
        """How many KV operations there were."""
        return self._steps

    @property
    def last(self) -> str | None:
        """Who did the last operation."""
        return None if self._last is None else self._last.actor.name

    @property
    def amidst(self) -> bool:
        """Whether who did the last operation has more to do in the same request."""
        return self._last is not None and self._last.running is not None

    @property
    def idle(self) -> bool:
        """Whether no request is under way."""
        return all(lane.running is None for lane in self._lanes.values())

    def able(self) -> list[str]:
        """Who can do something, the usual first.

        Who is in the midst of a request goes on, then whoever was interrupted in one, then who did the last operation.
        """
        able = [lane for lane in self._lanes.values() if lane.running is not None or lane.upcoming is not None]
        able.sort(key=lambda lane: (lane.running is None, lane is not self._last))
        return [lane.actor.name for lane in able]

    def begins(self, name: str) -> bool:
        """Whether the actor's next operation is the first of a request."""
        return self._lanes[name].running is None

    def next_to_end(self) -> frozenset[bytes]:
        """The keys that end next; none if none does."""
        now_s = self.clock.at_ms // 1000
        ends_s = [end_s for end_s in self._ends_s.values() if end_s is not None and end_s > now_s]
        if not ends_s:
            return _NO_KEYS
        first_s = min(ends_s)
        return frozenset([key for key, end_s in self._ends_s.items() if end_s == first_s])

    def just_put(self) -> frozenset[bytes]:
        """The keys that cannot be put again before another second."""
        after_ms = self.clock.at_ms - TICK_MS
        return frozenset([key for key, at_ms in self._put_ms.items() if at_ms > after_ms]) or _NO_KEYS

    def until_expiry_ms(self) -> int:
        """How long until the next key ends; 0 if none does."""
        now_ms = self.clock.at_ms
        ends = [end_s * 1000 for end_s in self._ends_s.values() if end_s is not None and end_s * 1000 > now_ms]
        return min(ends) - now_ms if ends else 0

    def waits_for(self, name: str) -> int:
        """How many operations the actor's request waits for at once; 0 if none runs."""
        running = self._lanes[name].running
        return 0 if running is None else 1 if isinstance(running, Run) else len(running.waits_for)

    def do(self, choice: Choice, later: Sequence[Choice] = ()) -> bool:
        """One operation, if it can be done.

        Where nothing overlaps it is a whole request; `later` is then what was chosen for its other operations.
        """
        lane = self._lanes.get(choice.actor)
        if lane is None or (lane.running is None and lane.upcoming is None):
            return False
        self._pass_time(lane, choice)
        self._last = lane
        if lane.running is None:
            lane.machine = choice.machine if self._machines else 1
        self._step(lane, choice)
        self.made.append(Made(choice, lane.number))
        if not self._overlap:
            for each in later:
                if lane.running is not None:
                    self._step(lane, each)
            self._finish(lane)
        return True

    def upcoming(self, name: str) -> str | None:
        """The request that the actor's next operation begins; None within one, or at the end of its script."""
        lane = self._lanes[name]
        return None if lane.running is not None or lane.upcoming is None else lane.upcoming.text

    @property
    def acted(self) -> frozenset[Behaviour]:
        """The production behaviours that have done anything, once it is settled: without any other it is the same."""
        if self._acted is None:
            self._acted = acted(self.made, self.history.happenings, frozenset(self._met))
        return self._acted

    def wait(self, by_ms: int) -> None:
        """Nothing happens for so long."""
        self.clock.at_ms += by_ms

    def finish(self, name: str) -> None:
        """What is left of an actor's request."""
        self._finish(self._lanes[name])

    def settle(self) -> History:
        """End what runs, let a minute pass, and look."""
        for lane in self._lanes.values():
            self._finish(lane)
        self.clock.at_ms += MINUTE_MS
        self.history.happenings.append(Settled(self.clock.at_ms))
        scenario = self.scenario
        scenario.subject.look(self, version=scenario.final, migrates=scenario.migrates, items=scenario.before)
        return self.history

    def ask(self, actor: Actor, text: str) -> Call:
        """A request of the look at the end, done as a whole."""
        lane = self._closing.setdefault(actor.name, _Lane(actor))
        asked = self.scenario.subject.request(text, actor, lane.memory, self.scenario.lease_s)
        assert asked is not None, "the look at the end needs nothing that one has to have kept"
        self._begin(lane, asked, closing=True)
        self._finish(lane)
        assert lane.call is not None
        return lane.call

    def _as_seen(self) -> Service:
        small = Behaviour.PAGES not in self._off
        return SmallPages(self._service, self.scenario.page_max, self._met) if small else self._service

    def _look_ahead(self, lane: _Lane) -> None:
        """To the next request of the script that can be made: one that needs what was not kept is left out."""
        script, subject = lane.actor.script, self.scenario.subject
        lane.upcoming = None
        while lane.position < len(script) and lane.upcoming is None:
            text = script[lane.position]
            lane.upcoming = subject.request(text, lane.actor, lane.memory, self.scenario.lease_s)
            lane.position += lane.upcoming is None

    def _pass_time(self, lane: _Lane, choice: Choice) -> None:
        pause_ms = choice.pause_ms
        if choice.waits and not self._pauses:
            pause_ms = USUAL_MS
        elif choice.waits:
            self.pauses_left -= 1
        if pause_ms == USUAL_MS:
            others_turn = self._last is not None and (self._last is not lane or lane.running is None)
            pause_ms = TICK_MS if others_turn else 0
        self.clock.at_ms += self.until_expiry_ms() if pause_ms == EXPIRY_MS else pause_ms

    def _step(self, lane: _Lane, choice: Choice) -> None:
        """One operation; of the choice counts what is done to it, and which it is."""
        if lane.running is None:
            assert lane.upcoming is not None
            self._begin(lane, lane.upcoming)
        self.waited = self.waits_for(lane.actor.name) if lane.actor.name in self._lanes else 1
        running, call = lane.running, lane.call
        if running is None:  # answered without any operation
            return
        fault = choice.fault if self._faults else ""
        going = choice.going if self._order and choice.going <= self.waited else 1
        operation = running.about_to if isinstance(running, Run) else running.waits_for[going - 1]
        assert call is not None and operation is not None
        if fault:
            self.faults_left -= 1
            call.faulted = True
        if fault == KILLED:
            running.kill()
            self._note(call, operation, choice)
            self._end(lane, Answer(0, b"", ""))
            return
        rules = self._service.faults
        if fault:
            rules.add(Rule(Verdict(fault)))
        if isinstance(running, Run):
            running.step()
        else:
            running.step(going - 1)
        if fault:
            rules.clear()
        self._note(call, operation, choice._replace(fault=fault, going=going))
        if running.about_to is None:
            self._answer(lane)

    def _begin(self, lane: _Lane, asked: Request, *, closing: bool = False) -> None:
        lane.number += 1
        lane.call = call = Call(lane.actor, lane.number, asked, self.clock.at_ms, closing, machine=lane.machine)
        self.history.happenings.append(Begun(call))
        lane.running = self._run(lane, asked)
        if lane.running.about_to is None:
            self._answer(lane)

    def _run(self, lane: _Lane, asked: Request) -> _Running:
        name = f"{lane.actor.name}-{lane.number}"
        lane.caller = caller = Invocation(self._operations_max, name=name, machine=lane.machine)
        if self._known is not None:
            run = Run(self._known, Served(lane.actor, asked, self._seen, self._turns, self.clock, caller))
            run.begin()
            return run
        return self._turns.actor(self._worker(lane.actor, asked, Binding(self._seen, lane.actor.location, caller)))

    def _answer(self, lane: _Lane) -> None:
        assert lane.running is not None
        try:
            answer = lane.running.finish()
        except JavaScriptError as error:
            answer = thrown(error)
        self._end(lane, answer)

    def _end(self, lane: _Lane, answer: Answer) -> None:
        call = lane.call
        assert call is not None
        lane.running = None
        if lane.caller.operations == self._operations_max:
            self._met.add(Behaviour.OPERATIONS)
        if not call.closing:
            lane.position += 1
        call.status = answer.status
        call.body = body_of(answer.content, answer.content_type)
        if answer.status:
            call.ended_ms = self.clock.at_ms
        lane.memory = self.scenario.subject.remembers(call, lane.memory)
        if not call.closing:
            self._look_ahead(lane)
        self.history.happenings.append(Ended(call))

    def _note(self, call: Call, operation: Operation[Outcome], choice: Choice) -> None:
        self._steps += 1
        now_ms, kind = self.clock.at_ms, operation.kind.name
        event = None if choice.fault == KILLED else self._service.journal.last
        value = expiration_s = None
        if operation.writes:
            value, expiration_s = operation.writes[0].value, operation.writes[0].expires_s(now_ms)
        step = Step(
            self._steps, now_ms, call, kind, operation.keys[0], event, value, expiration_s, choice.fault, choice.going
        )
        if step.wrote:
            self._ends_s[step.key] = expiration_s
            if value is not None:
                self._put_ms[step.key] = now_ms
        self.history.happenings.append(step)

    def _finish(self, lane: _Lane) -> None:
        while lane.running is not None:
            self._step(lane, Choice(lane.actor.name))


@lru_cache
def _profile(operations_max: int, without: Without) -> Profile:
    return replace(
        CLOUDFLARE,
        operations_max=None if Behaviour.OPERATIONS in without else operations_max,
        caches=Behaviour.CACHES not in without,
        write_interval_ms=0 if Behaviour.WRITE_RATE in without else CLOUDFLARE.write_interval_ms,
    )


def _now(work: Coroutine[object, None, None]) -> None:
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("a store in memory never waits")


async def _no_sleep(by_ms: int) -> None:
    raise AssertionError(f"nothing here is delayed, but something was for {by_ms} ms")
