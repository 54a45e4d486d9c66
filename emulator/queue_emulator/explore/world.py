"""A small world: actors, the Worker over a KV in memory, and nothing that happens unless it is chosen."""

import json
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache

from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import JavaScriptError
from queue_emulator.core.faults import Rule, Verdict
from queue_emulator.core.profiles import CLOUDFLARE, Profile
from queue_emulator.explore.history import Actor, Begun, Call, Ended, History, Settled, Step
from queue_emulator.explore.requests import Request, request
from queue_emulator.explore.scenarios import KILLED, START_MS, WRITTEN_MS, Scenario, data
from queue_emulator.explore.turns import AT_ONCE_MS, EXPIRY_MS, MINUTE_MS, TICK_MS, USUAL_MS, Choice, Made
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.operation import Invocation, Operation, Outcome
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.kv.turn import Actor as Running
from queue_emulator.kv.turn import HeldTurns
from queue_emulator.worker import fetch as worker
from queue_emulator.worker.answers import JSON_TYPE, Answer
from queue_emulator.worker.auth import ApiKeys
from queue_emulator.worker.commhub import CommHub
from queue_emulator.worker.portable import PortableRange
from queue_emulator.worker.rate_limit import RateLimit

_KEYS = ApiKeys(queue_api_key="queue", admin_api_key="admin")
_DICE = Dice(0)
_AFTER_RUN_MS = 61_000  # an operator looks again when no copy can be left
_OPERATOR, _LOOKER, _CLAIMER = Actor("operator", "LHR"), Actor("looker", "FRA"), Actor("claimer", "GRU")


class Behaviour(Enum):
    """What production does that can be switched off, to find out what a finding needs; with what to call it."""

    CACHES = "copies at locations"
    OVERLAP = "requests that overlap"
    WRITE_RATE = "one write a second to one key"
    OPERATIONS = "the budget of operations"
    PAGES = "pages of a list"
    PAUSES = "time that passes"
    FAULTS = "a fault"


Without = frozenset[Behaviour]
ALL: Without = frozenset()


@dataclass(slots=True)
class _Lane:
    """An actor at work: where it is in its script, which task it holds, and the request that runs."""

    actor: Actor
    position: int = 0
    holds: str | None = None
    number: int = 0
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
        self._rate_limit = RateLimit(None, self.clock)
        self._portable = PortableRange(strict=False, log=_nobody_listens)
        requests, before = data(scenario.before)
        if requests:
            _now(self._service.load("SJC", requests))
        self._ends_s = {each.key: each.expiration_s for each in requests}
        self.clock.at_ms = START_MS
        self.history = History(before, scenario.final)
        self._lanes = {actor.name: _Lane(actor) for actor in scenario.actors}
        self.made: list[Made] = []
        self.pauses_left = scenario.pauses
        self.faults_left = 1 if scenario.faults else 0
        self._last: _Lane | None = None
        self._finished = False
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
        """Who can do something, the usual first: who did the last operation, else as the scenario has them."""
        names = [
            lane.actor.name
            for lane in self._lanes.values()
            if lane.running is not None or self._next_request(lane) is not None
        ]
        if self._last is not None and self._last.actor.name in names:
            names.remove(self._last.actor.name)
            names.insert(0, self._last.actor.name)
        return names

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
        """End what runs, let a minute pass, and look.

        As the operator, if the scenario has one; as one who lists; and, if anything was finished, as one who claims.
        """
        for lane in self._lanes.values():
            self._finish(lane)
        self.clock.at_ms += MINUTE_MS
        self.history.happenings.append(Settled(self.clock.at_ms))
        version = self.scenario.final
        if self.scenario.migrates:
            self._operate(_Lane(_OPERATOR))
        self._closing(_Lane(replace(_LOOKER, version=version)), "list")
        if self._finished:
            claimer = _Lane(replace(_CLAIMER, version=version))
            for _ in range(len(self.scenario.before) + 2):
                if self._closing(claimer, "claim").member("success") is not True:
                    break
                self.clock.at_ms += TICK_MS
        return self.history

    def _operate(self, lane: _Lane) -> None:
        """As the migration guide says: run it for as long as status says that it is needed, a minute apart."""
        for _ in range(1 + sum(item.startswith("old ") for item in self.scenario.before)):
            if self._closing(lane, "migrate-status").member("needsMigration") is not True:
                return
            self.clock.at_ms += _AFTER_RUN_MS
            self._closing(lane, "run")
            self.clock.at_ms += _AFTER_RUN_MS
        self._closing(lane, "migrate-status")

    def _closing(self, lane: _Lane, text: str) -> Call:
        asked = request(text, lane.actor.name, None, self.scenario.lease_s)
        assert asked is not None, "the look at the end is about no task that one has to hold"
        self._begin(lane, asked, closing=True)
        self._finish(lane)
        assert lane.call is not None
        return lane.call

    def _next_request(self, lane: _Lane) -> Request | None:
        """The next request of the script that can be made: one about a task is left out by who holds none."""
        script = lane.actor.script
        while lane.position < len(script):
            asked = request(script[lane.position], lane.actor.name, lane.holds, self.scenario.lease_s)
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
        lane.call = call = Call(lane.actor, lane.number, asked, self.clock.at_ms, closing)
        self.history.happenings.append(Begun(call))
        lane.running = self._turns.actor(self._invoke(lane.actor, asked, f"{lane.actor.name}-{lane.number}"))
        if lane.running.about_to is None:
            self._answer(lane)

    async def _invoke(self, actor: Actor, asked: Request, name: str) -> Answer:
        binding = Binding(self._seen, actor.location, Invocation(self._operations_max, name=name))
        version = worker.WorkerVersion(actor.version)
        if not asked.path:
            await CommHub(version.format(binding), self.clock).send({"id": asked.task})
            return _ENQUEUED

        async def body() -> bytes:
            return asked.body

        key = b"admin" if asked.path.startswith("/api/migrate") else b"queue"
        env = worker.Env(binding, _KEYS, self.clock, self._rate_limit, self._portable, _nobody_listens, version)
        return await worker.fetch(worker.Request(asked.method, asked.path.encode(), key, body), env)

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
        if call.verb == "claim" and call.member("success") is True:
            lane.holds = call.task
        elif call.verb in ("release", "result") and call.request.task == lane.holds:
            lane.holds = None
        self._finished = self._finished or (call.verb == "result" and call.ok)
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
            operation = operation._replace(page=replace(page, limit=self._page_max))
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


def _nobody_listens(line: str) -> None:
    pass


_ENQUEUED = Answer(200, b"null", JSON_TYPE)
