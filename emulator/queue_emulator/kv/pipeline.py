"""The one way through for every KV operation, of one key or of many, whoever asks for it:

arguments checked → the invocation's budget → its turn → fault rules → limits → its end, which is an emulated namespace
(the location's edge, then the centre) or a real one → journal and meter.

Arguments are checked where they are understood, before an operation is made of them; but a cursor by the end that made
it. A request of many keys is one operation: it waits once, is refused as a whole, and sees one moment.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

from msgspec import structs

from queue_emulator.core.clock import Clock
from queue_emulator.core.copies import shallow
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import JavaScriptError, ResetError
from queue_emulator.core.faults import FaultPlan
from queue_emulator.core.meter import Meter
from queue_emulator.core.plans import DailyQuota, Plan
from queue_emulator.kv.journal import Journal
from queue_emulator.kv.limiting import Limits
from queue_emulator.kv.operation import ALL, NOTHING_SEEN, Operation, Outcome, Saw, StaleRead, Way
from queue_emulator.kv.turn import Turn, go_at_once
from queue_emulator.kv.waiting import Sleep, others_first, steps


class End(Protocol):
    """Where the operations of one namespace end."""

    @property
    def limits(self) -> Limits:
        """What limits them."""
        ...

    def check(self, operation: Operation[Any]) -> None:
        """Raises KVError for a list's cursor that this end has not made."""
        ...

    def carry_out(self, operation: Operation[Outcome], way: Way) -> Coroutine[Any, Any, Outcome]:
        """Do it at `way.begun_ms`; raises JavaScriptError for what fails, ResetError if its epoch is over before."""
        ...


class Pipeline:
    """What all namespaces of an account share: turns, faults, quota, journal, counts, and how often all was reset.

    `turn` may be set to another one at any time between two operations; `asked`: how many operations were asked for.
    """

    def __init__(
        self, clock: Clock, dice: Dice, sleep: Sleep, plan: Plan | None = None, turn: Turn = go_at_once
    ) -> None:
        self.clock = clock
        self.turn = turn
        self.faults = FaultPlan(dice)
        self.journal = Journal()
        self.meter = Meter()
        self.quota = DailyQuota(plan)
        self.epoch = 0
        self._sleep = sleep
        self.asked = 0

    async def perform(self, operation: Operation[Outcome], end: End) -> Outcome:
        """The whole way; raises JavaScriptError for what is refused or fails, noted if its turn had come."""
        caller, kind = operation.caller, operation.kind
        caller.spend(len(operation.keys) if caller.by_key else 1)
        if operation.page is not None:
            end.check(operation)
        self.asked += 1
        way = Way(self.asked, self.epoch if caller.epoch is None else caller.epoch)
        waiting = self.turn(operation)
        if waiting is not None:
            await waiting
        way.begun_ms = self.clock.now_ms()
        if way.epoch != self.epoch:
            raise ResetError(kind.wire)
        try:
            if kind.decided:
                if self.faults:
                    await self._judge(operation, way)
                end.limits.admit(operation, way.begun_ms)
            outcome = await end.carry_out(operation, way)
            if way.epoch != self.epoch:
                raise ResetError(kind.wire)
        except ResetError:
            raise  # the journal is that of another world
        except JavaScriptError as error:
            await self._note_all(operation, way, lambda part: (), error)
            raise
        self.meter.count(caller.route, kind, way.begun_ms, len(operation.keys))
        if way.decision is not None or operation.in_steps:
            await self._note_done(operation, way, outcome)
        else:
            self._note(operation, way, outcome.saw(), None)
        return outcome

    def copy(self, clock: Clock) -> "Pipeline":
        """One that has seen the same, without what waits for its turn, and goes on by itself under another clock."""
        other = shallow(self)
        other.clock, other.faults, other.journal = clock, self.faults.copy(), self.journal.copy()
        other.meter, other.quota = self.meter.copy(), self.quota.copy()
        return other

    def reset(self) -> None:
        """Forget faults, journal and counts; what was begun is not done any more."""
        self.epoch += 1
        self.faults.clear()
        self.journal.clear()
        self.meter.clear()
        self.quota.clear()

    async def _judge(self, operation: Operation[Any], way: Way) -> None:
        """Ask the fault rules, and do what they say of the time before."""
        way.decision = self.faults.judge(operation.kind, operation.keys, operation.location, operation.namespace)
        if way.decision is None:
            return
        if way.decision.wait_ms:
            await self._sleep(way.decision.wait_ms)
            way.begun_ms = self.clock.now_ms()
            if way.epoch != self.epoch:
                raise ResetError(operation.kind.wire)
        if way.decision.refusal is not None:
            raise way.decision.refusal

    async def _note_done(self, operation: Operation[Outcome], way: Way, outcome: Outcome) -> None:
        """Raises what the caller sees of a fault, though it is done."""
        failure = None if way.decision is None else way.decision.failure
        await self._note_all(operation, way, outcome.saw, failure)
        if failure is not None:
            raise failure

    async def _note_all(
        self,
        operation: Operation[Any],
        way: Way,
        seen: Callable[[slice], Sequence[Saw]],
        error: JavaScriptError | None,
    ) -> None:
        """As `_note`, of what may be long; raises ResetError when it is no longer of this world."""
        if not operation.in_steps:
            self._note(operation, way, seen(ALL), error)
            return
        for part in steps(len(operation.keys)):
            self._note_step(structs.replace(operation, keys=operation.keys[part]), way, seen(part), error)
            await others_first()
            if way.epoch != self.epoch:
                raise ResetError(operation.kind.wire)

    def _note_step(
        self, operation: Operation[Any], way: Way, seen: Sequence[Saw], error: JavaScriptError | None
    ) -> None:
        """As `_note`: the events of a long write are alike, and kept as such, unless a rule is for one of them."""
        keys, ruled = operation.keys, way.decision is not None and way.decision.rules
        if not ruled and _counted_up(seen):
            self._note(structs.replace(operation, keys=keys[:1]), way, seen[:1], error)
            self.journal.note_alike(keys[1:])
        else:
            self._note(operation, way, seen, error)

    def _note(self, operation: Operation[Any], way: Way, seen: Sequence[Saw], error: JavaScriptError | None) -> None:
        kind, keys, caller = operation.kind, operation.keys, operation.caller
        done_ms = self.clock.now_ms()
        failed = None if error is None else str(error)
        rules = _NO_RULES if way.decision is None else way.decision.rules
        for key, saw in zip(keys, seen or [NOTHING_SEEN] * len(keys), strict=True):
            if saw[3] is not None and not caller.mixed:
                caller.read_stale(StaleRead(kind, saw[1]))
            self.journal.note(
                way.id,
                operation.asked_ms,
                way.begun_ms,
                done_ms,
                operation.location,
                caller.name,
                caller.route,
                kind.name,
                key,
                *saw,
                failed,
                rules.get(key),
                operation.namespace,
                caller.worker_version,
            )


def _counted_up(seen: Sequence[Saw]) -> bool:
    """Whether these are the versions of a write, one after the other, or nothing was seen."""
    if not seen:
        return True
    first = seen[0][2]
    return first is not None and all(saw == (None, 0, version, None, None) for version, saw in enumerate(seen, first))


_NO_RULES: Mapping[bytes, int] = {}
