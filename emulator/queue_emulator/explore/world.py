"""A small world: actors, a Worker over a KV in memory, and nothing that happens unless it is chosen."""

import json
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from msgspec import structs

from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import JavaScriptError
from queue_emulator.core.faults import Rule, Verdict
from queue_emulator.core.profiles import CLOUDFLARE, Profile
from queue_emulator.explore.behaviour import ALL, Behaviour, Without
from queue_emulator.explore.history import Actor, Begun, Call, Ended, History, Settled, Step
from queue_emulator.explore.requests import Request
from queue_emulator.explore.scenarios import KILLED, Scenario
from queue_emulator.explore.subject import Memory
from queue_emulator.explore.times import START_MS, WRITTEN_MS
from queue_emulator.explore.turns import AT_ONCE_MS, EXPIRY_MS, MINUTE_MS, TICK_MS, USUAL_MS, Choice, Made
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.operation import Invocation, Operation, Outcome
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.kv.turn import Actor as Running
from queue_emulator.kv.turn import HeldTurns
from queue_emulator.worker.answers import JSON_TYPE, Answer

_DICE = Dice(0)


@dataclass(slots=True)
class _Lane:
    """An actor at work: where it is in its script, what it has kept of answers, and the request that runs."""

    actor: Actor
    position: int = 0
    memory: Memory = field(default_factory=dict)
    number: int = 0
    machine: int = 1
    call: Call | None = None
    running: Running[Answer] | None = None


class World:
    """One schedule as it happens. `made` are the choices so far, `history` what came of them."""

    def __init__(self, scenario: Scenario, without: Without = ALL) -> None:
        self.scenario = scenario
        self.clock = _StillClock(WRITTEN_MS)
        self._without = without
        self._turns = HeldTurns()
        profile = _profile(scenario.operations_max, without)
        self._service = KVService(MemoryStore(), clock=self.clock, profile=profile, dice=_DICE, sleep=_no_sleep)
        self._service.pipeline.turn = self._turns
        self._seen = self._service if Behaviour.PAGES in without else _SmallPages(self._service, scenario.page_max)
        self._operations_max = profile.operations_max
        self._worker = scenario.subject.deploy(self.clock)
        requests, before = scenario.subject.before(scenario.before)
        if requests:
            _now(self._service.load("SJC", requests))
        self._ends_s = {each.key: each.expiration_s for each in requests}
        self.clock.at_ms = START_MS
        self.history = History(before, scenario.final, guarantees=scenario.subject.guarantees)
        self._lanes = {actor.name: _Lane(actor) for actor in scenario.actors}
        self._closing: dict[str, _Lane] = {}
        self.made: list[Made] = []
        self.pauses_left = scenario.pauses
        self.faults_left = 1 if scenario.faults else 0
        self._last: _Lane | None = None
        self._steps = 0

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

    def able(self) -> list[str]:
        """Who can do something, the usual first.

        Who is in the midst of a request goes on, then whoever was interrupted in one, then who did the last operation.
        """
        able = [
            lane for lane in self._lanes.values() if lane.running is not None or self._next_request(lane) is not None
        ]
        able.sort(key=lambda lane: (lane.running is None, lane is not self._last))
        return [lane.actor.name for lane in able]

    def begins(self, name: str) -> bool:
        """Whether the actor's next operation is the first of a request."""
        return self._lanes[name].running is None

    def until_expiry_ms(self) -> int:
        """How long until the next key ends; 0 if none does."""
        now_ms = self.clock.at_ms
        ends = [end_s * 1000 for end_s in self._ends_s.values() if end_s is not None and end_s * 1000 > now_ms]
        return min(ends) - now_ms if ends else 0

    def do(self, choice: Choice, later_faults: Sequence[str] = ()) -> bool:
        """One operation, if it can be done.

        Where nothing overlaps it is a whole request; `later_faults` are then what is done to its other operations.
        """
        lane = self._lanes.get(choice.actor)
        if lane is None or (lane.running is None and self._next_request(lane) is None):
            return False
        self._pass_time(lane, choice.pause_ms)
        self._last = lane
        if lane.running is None:
            lane.machine = 1 if Behaviour.MACHINES in self._without else choice.machine
        fault = "" if Behaviour.FAULTS in self._without else choice.fault
        self._step(lane, fault)
        self.made.append(Made(choice, lane.number))
        if Behaviour.OVERLAP in self._without:
            for later in () if Behaviour.FAULTS in self._without else later_faults:
                if lane.running is not None:
                    self._step(lane, later)
            self._finish(lane)
        return True

    def upcoming(self, name: str) -> str | None:
        """The request that the actor's next operation begins; None within one, or at the end of its script."""
        lane = self._lanes[name]
        asked = None if lane.running is not None else self._next_request(lane)
        return None if asked is None else asked.text

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

    def _next_request(self, lane: _Lane) -> Request | None:
        """The next request of the script that can be made: one that needs what was not kept is left out."""
        script, subject = lane.actor.script, self.scenario.subject
        while lane.position < len(script):
            asked = subject.request(script[lane.position], lane.actor, lane.memory, self.scenario.lease_s)
            if asked is not None:
                return asked
            lane.position += 1
        return None

    def _pass_time(self, lane: _Lane, pause_ms: int) -> None:
        odd = pause_ms > AT_ONCE_MS or pause_ms == EXPIRY_MS
        if odd and Behaviour.PAUSES in self._without:
            pause_ms = USUAL_MS
        elif odd:
            self.pauses_left -= 1
        if pause_ms == USUAL_MS:
            others_turn = self._last is not None and (self._last is not lane or lane.running is None)
            pause_ms = TICK_MS if others_turn else 0
        self.clock.at_ms += self.until_expiry_ms() if pause_ms == EXPIRY_MS else pause_ms

    def _step(self, lane: _Lane, fault: str) -> None:
        if lane.running is None:
            asked = self._next_request(lane)
            assert asked is not None
            self._begin(lane, asked)
        running, call = lane.running, lane.call
        if running is None:  # answered without any operation
            return
        assert call is not None and running.about_to is not None
        operation = running.about_to
        if fault:
            self.faults_left -= 1
            call.faulted = True
        if fault == KILLED:
            running.kill()
            self._note(call, operation, fault)
            self._end(lane, Answer(0, b"", ""))
            return
        rules = self._service.faults
        if fault:
            rules.add(Rule(Verdict(fault)))
        running.step()
        if fault:
            rules.clear()
        self._note(call, operation, fault)
        if running.about_to is None:
            self._answer(lane)

    def _begin(self, lane: _Lane, asked: Request, *, closing: bool = False) -> None:
        lane.number += 1
        lane.call = call = Call(lane.actor, lane.number, asked, self.clock.at_ms, closing, machine=lane.machine)
        self.history.happenings.append(Begun(call))
        lane.running = self._turns.actor(self._invoke(lane, asked))
        if lane.running.about_to is None:
            self._answer(lane)

    async def _invoke(self, lane: _Lane, asked: Request) -> Answer:
        name = f"{lane.actor.name}-{lane.number}"
        run = Invocation(self._operations_max, name=name, machine=lane.machine)
        return await self._worker(lane.actor, asked, Binding(self._seen, lane.actor.location, run))

    def _answer(self, lane: _Lane) -> None:
        assert lane.running is not None
        try:
            answer = lane.running.finish()
        except JavaScriptError as error:
            answer = Answer(500, str(error).encode(), "")
        self._end(lane, answer)

    def _end(self, lane: _Lane, answer: Answer) -> None:
        call = lane.call
        assert call is not None
        lane.running = None
        if not call.closing:
            lane.position += 1
        call.status = answer.status
        call.body = json.loads(answer.content) if answer.content_type == JSON_TYPE else answer.content.decode()
        if answer.status:
            call.ended_ms = self.clock.at_ms
        lane.memory = self.scenario.subject.remembers(call, lane.memory)
        self.history.happenings.append(Ended(call))

    def _note(self, call: Call, operation: Operation[Outcome], fault: str) -> None:
        self._steps += 1
        now_ms, kind = self.clock.at_ms, operation.kind.name
        event = None
        if fault != KILLED:
            journal = self._service.journal
            event = next(journal.after(journal.last_position - 1))
        value = expiration_s = None
        if operation.writes:
            value, expiration_s = operation.writes[0].value, operation.writes[0].expires_s(now_ms)
        step = Step(self._steps, now_ms, call, kind, operation.keys[0], event, value, expiration_s, fault)
        if step.wrote:
            self._ends_s[step.key] = expiration_s
        self.history.happenings.append(step)

    def _finish(self, lane: _Lane) -> None:
        while lane.running is not None:
            self._step(lane, "")


class _StillClock:
    """Time that stands until it is set."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms


class _SmallPages:
    """The namespace, with fewer keys on a page than production has: a small world shows what a large one would."""

    def __init__(self, service: KVService, page_max: int) -> None:
        self._service = service
        self._page_max = page_max
        self.clock, self.namespace, self.pipeline = service.clock, service.namespace, service.pipeline

    def perform(self, operation: Operation[Outcome]) -> Coroutine[object, None, Outcome]:
        """As the namespace does it."""
        page = operation.page
        if page is not None and page.limit > self._page_max:
            operation = structs.replace(operation, page=replace(page, limit=self._page_max))
        return self._service.perform(operation)


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
