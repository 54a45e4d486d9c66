"""What a Worker does, remembered: a run that is told the same as one before it does the same, and no code has to run.

Only of a Worker whose runs are a function of what they are told: the request, what comes of each of their KV
operations, and the time, where they look at it. What they ask of KV is done each time, by KV's one way.
"""

from collections.abc import Callable, Coroutine, Generator, Hashable
from dataclasses import dataclass, field
from typing import cast

from msgspec import structs

from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import EmulatorError, JavaScriptError
from queue_emulator.explore.history import Actor
from queue_emulator.explore.requests import Request
from queue_emulator.explore.subject import Standing, Worker
from queue_emulator.explore.times import START_MS
from queue_emulator.kv.binding import Binding, Service
from queue_emulator.kv.operation import AnyOperation, Invocation, Listing, Operation, Outcome, Reading, Written
from queue_emulator.kv.pipeline import Pipeline
from queue_emulator.kv.service import NOBODY
from queue_emulator.kv.turn import HeldTurns
from queue_emulator.worker.answers import Answer

PLACES_MAX = 40_000  # what is remembered beyond that is forgotten, and learned again

Heard = Reading | Listing | Written | JavaScriptError | None
"""What a run is told: what came of its last operation, or the error that it failed with; None as it begins."""
Code = Coroutine[object, Heard, Answer]


@dataclass(slots=True)
class Place:
    """Where a run stands.

    about_to  the operation that it waits for; None where it has answered
    answer    what it has answered
    route     the route of the Worker that it is a run of
    after     by what it is told here, where it stands then; by the time, if it looks at it on its way there
    """

    about_to: AnyOperation | None = None
    answer: Answer | None = None
    route: str = ""
    after: dict[Hashable, "Place | dict[int, Place]"] = field(default_factory=dict)


class Remembered:
    """The runs of one Worker, as far as they are known. Of use in one thread."""

    def __init__(self, deploy: Callable[[Standing], Worker]) -> None:
        self.clock = WatchedClock(START_MS)
        self.worker = deploy(self.clock)
        self.kv = _HandedOver()
        self.first = Place()
        self.places = 0

    def next(self, place: Place, key: Hashable, now_ms: int) -> Place | None:
        """Where a run stands that is told this here; None if that is not known."""
        found = place.after.get(key)
        return found.get(now_ms) if type(found) is dict else found  # type: ignore[return-value]

    def keep(self, place: Place, key: Hashable, then: Place) -> None:
        """So it went on from there."""
        if self.places >= PLACES_MAX:
            self.first.after.clear()  # runs that are on their way keep what is before them
            self.places = 0
        self.places += 1
        if self.clock.looked_at:
            by_time = place.after.setdefault(key, {})
            assert isinstance(by_time, dict), "whether a run looks at the time follows from what it was told"
            by_time[self.clock.at_ms] = then
        else:
            place.after[key] = then


class WatchedClock:
    """The time as the Worker's code sees it, and whether it has looked at it."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms
        self.looked_at = False

    def now_ms(self) -> int:
        self.looked_at = True
        return self.at_ms


@dataclass(frozen=True, slots=True)
class Served:
    """One run as it is served: which request of whom, where KV is seen, and by which clock."""

    actor: Actor
    asked: Request
    kv: Service
    turns: HeldTurns
    clock: Standing
    caller: Invocation


class Run:
    """One run of a Worker, whose operations are let go one by one; as Actor of kv/turn.py.

    `about_to` is the operation that it waits to do, None when it is at its end.
    """

    __slots__ = ("_asked", "_code", "_doing", "_known", "_of", "_place", "_spent", "_told", "about_to")

    def __init__(self, known: Remembered, of: Served) -> None:
        self._known = known
        self._of = of
        self._told: list[tuple[int, int, Heard]] = []
        self._place = known.first
        self._code: Code | None = None
        self._doing: Coroutine[object, None, Reading | Listing | Written] | None = None
        self._asked = self._spent = 0
        self.about_to: AnyOperation | None = None

    @property
    def caller(self) -> Invocation:
        """As KV knows it."""
        return self._of.caller

    def begin(self) -> None:
        """Stand before the first operation."""
        self._hear((self._of.actor.version, self._of.asked), None)

    def copy(self, kv: Service, clock: Standing) -> "Run":
        """The same run, which has come as far, over a copy of KV in which its operation does not wait yet."""
        it, caller = self._of, self._of.caller
        mine = Invocation(caller.operations_max, self._spent, caller.name, caller.route, machine=caller.machine)
        mine.stale = caller.stale
        other = Run(self._known, Served(it.actor, it.asked, kv, it.turns, clock, mine))
        other._told, other._place = self._told.copy(), self._place
        asked = kv.pipeline.asked
        kv.pipeline.asked = self._asked
        assert self.about_to is not None, "this request has ended"
        other._ask(structs.replace(self.about_to, caller=mine))
        kv.pipeline.asked = asked
        return other

    def step(self) -> None:
        """Do one operation, and stand before the next."""
        assert self._doing is not None, "this request has ended"
        try:
            self._of.turns.step(self._doing)
        except StopIteration as ended:
            asked = self._place.about_to
            assert asked is not None
            self._hear(_told(asked, ended.value), ended.value)
        except JavaScriptError as error:
            self._hear(_thrown(error), error.with_traceback(None))  # which would keep all that was there

    def finish(self) -> Answer:
        """What it has answered, at its end."""
        assert self._place.answer is not None, "this request has not ended"
        return self._place.answer

    def kill(self) -> None:
        """End it here: the operation that it waits for is not done, and none after it."""
        for work in (self._doing, self._code):
            if work is not None:
                work.close()
        self.about_to = None

    def _hear(self, key: Hashable, heard: Heard) -> None:
        """On to the next operation that waits for its turn; one that is refused before that fails at once."""
        while True:
            self._go_on(key, heard)
            asks = self._place.about_to
            if asks is None:
                self.about_to = self._doing = None
                return
            of = self._of
            operation: AnyOperation = Operation(
                asks.kind,
                asks.namespace,
                of.actor.location,
                asks.keys,
                of.caller,
                of.clock.at_ms,
                asks.writes,
                asks.page,
                asks.cache_ttl_s,
                asks.metadata,
                asks.in_steps,
            )
            try:
                self._ask(operation)
                return
            except JavaScriptError as error:
                key, heard = _thrown(error), error.with_traceback(None)

    def _ask(self, operation: AnyOperation) -> None:
        of = self._of
        self._asked, self._spent = of.kv.pipeline.asked, of.caller.operations
        self._doing = of.kv.perform(operation)
        (self.about_to,) = of.turns.step(self._doing)

    def _go_on(self, key: Hashable, heard: Heard) -> None:
        now_ms, caller = self._of.clock.at_ms, self._of.caller
        spent = caller.operations
        found = self._known.next(self._place, key, now_ms)
        if self._code is not None or found is None:
            if self._code is None:
                self._code = self._again()
            there = self._run_code(self._code, now_ms, heard)
            if found is None and caller.operations == spent:  # else it was refused on the way, which counts each time
                self._known.keep(self._place, key, there)
            found = found or there
        self._told.append((now_ms, spent, heard))
        caller.route = found.route
        self._place = found

    def _again(self) -> Code:
        """The Worker's code, come as far as this run is."""
        of, known = self._of, self._known
        work = known.worker(of.actor, of.asked, Binding(known.kv, of.actor.location, of.caller))
        code = cast(Code, work)  # KV hands its operations over, and is told here what comes of them
        spent = of.caller.operations
        for now_ms, operations, heard in self._told:
            of.caller.operations = operations
            self._run_code(code, now_ms, heard)
        of.caller.operations = spent
        return code

    def _run_code(self, code: Code, now_ms: int, heard: Heard) -> Place:
        """On to its next operation, or to its end."""
        clock, caller = self._known.clock, self._of.caller
        clock.at_ms, clock.looked_at = now_ms, False
        try:
            asks = code.throw(heard) if isinstance(heard, JavaScriptError) else code.send(heard)
        except StopIteration as ended:
            return Place(None, ended.value, caller.route)
        except JavaScriptError as error:
            return Place(None, thrown(error), caller.route)
        finally:
            if isinstance(heard, JavaScriptError):
                heard.with_traceback(None)
        if not isinstance(asks, Operation):
            raise EmulatorError("the Worker waits for something else than KV, which cannot be explored")
        assert all(write.expiration_s is None or write.expiration_ttl_s is not None for write in asks.writes), (
            "a time to end at is checked against the time, which is not what the binding is shown here"
        )
        return Place(structs.replace(asks, caller=NOBODY), None, caller.route)


def thrown(error: JavaScriptError) -> Answer:
    """What a request is answered whose run throws."""
    return Answer(500, str(error).encode(), "")


def _told(operation: AnyOperation, outcome: Reading | Listing | Written) -> Hashable:
    """What a run can learn of what came of its operation, through its binding (kv/binding.py)."""
    if isinstance(outcome, Listing):
        rows = tuple([(row.key, row.expiration_s, row.metadata) for row in outcome.rows])
        return rows, outcome.cursor, outcome.cache_status
    if isinstance(outcome, Written):
        return None
    values = tuple([None if each.entry is None else each.entry.value for each in outcome.found])
    if not operation.metadata:
        return values
    more = [(None if each.entry is None else each.entry.metadata, each.cache_status) for each in outcome.found]
    return values, *more


def _thrown(error: JavaScriptError) -> Hashable:
    return type(error), error.args, *sorted(vars(error).items())


class _HandedOver:
    """KV as the code sees it while what it does is learned: each operation is handed to whoever runs the code.

    By its clock a binding notes when it asks, which is set anew for each run; the code does not see it.
    """

    namespace = None

    def __init__(self) -> None:
        self.clock = WatchedClock(START_MS)
        self.pipeline = Pipeline(self.clock, Dice(0), _no_sleep)

    async def perform(self, operation: Operation[Outcome]) -> Outcome:
        return cast(Outcome, await _Handed(operation))


class _Handed:
    def __init__(self, operation: AnyOperation) -> None:
        self._operation = operation

    def __await__(self) -> Generator[AnyOperation, object, object]:
        return (yield self._operation)


async def _no_sleep(by_ms: int) -> None:
    raise AssertionError("nothing is delayed")
