"""The gate before an account's namespaces: faults and quotas decide over each operation, journal and meter note it."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, NoReturn

from queue_emulator.core.clock import Clock
from queue_emulator.core.dice import Dice
from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import JavaScriptError
from queue_emulator.core.faults import FaultPlan, Verdict
from queue_emulator.core.journal import Journal
from queue_emulator.core.meter import Meter
from queue_emulator.core.plans import DailyQuota, Plan
from queue_emulator.kv.waiting import Sleep


@dataclass(frozen=True, slots=True)
class Caller:
    """Which run of which of the Worker's routes an operation is made by, as the journal notes it."""

    invocation: str = ""
    route: str = ""


NOBODY = Caller()


@dataclass(slots=True)
class Call:
    """One operation under way. `now_ms` is when it began to be done; a `verdict` may still wait for its end."""

    operation: str
    location: str
    key: bytes
    caller: Caller
    now_ms: int
    verdict: Verdict | None = None


class Gate:
    """Where every operation of a namespace passes, before it and after it. `namespace` is its name, if it has one."""

    def __init__(self, clock: Clock, dice: Dice, sleep: Sleep, plan: Plan | None = None) -> None:
        self.faults = FaultPlan(dice)
        self.journal = Journal()
        self.meter = Meter()
        self.quota = DailyQuota(plan)
        self._clock = clock
        self._sleep = sleep
        self._namespace: str | None = None

    def before(self, namespace: str) -> "Gate":
        """The gate of a namespace of the account: the same rules, journal, counts and quota."""
        made = copy(self)
        made._namespace = namespace
        return made

    def call(self, operation: str, location: str, key: bytes, caller: Caller) -> Call:
        """An operation that is asked for now."""
        return Call(operation, location, key, caller, self._clock.now_ms())

    async def admit(self, call: Call, limit: Callable[[Call], None] | None = None) -> None:
        """Faults first, then `limit`, which may raise; notes a refusal and raises it."""
        call.verdict = verdict = self._decide(call) if self.faults else None
        try:
            if verdict is not None and verdict.kind == "delay":
                await self._sleep(verdict.delay_ms)
                call.now_ms = self._clock.now_ms()
            elif verdict is not None and verdict.kind == "fail_before":
                raise verdict.error(call.operation)
            if limit is not None:
                limit(call)
        except JavaScriptError as error:
            self.refuse(call, error)

    async def admit_all(self, calls: Sequence[Call], limit: Callable[[Sequence[Call]], None]) -> None:
        """Of operations that are one request: they wait together, and what refuses one refuses all."""
        for call in calls:
            call.verdict = self._decide(call)
        verdicts = [call.verdict for call in calls if call.verdict is not None]
        delay_ms = max((verdict.delay_ms for verdict in verdicts if verdict.kind == "delay"), default=0)
        if delay_ms:
            await self._sleep(delay_ms)
        now_ms = self._clock.now_ms()
        for call in calls:
            call.now_ms = now_ms
            if call.verdict is not None and call.verdict.kind == "fail_before":
                self.refuse(call, call.verdict.error(call.operation))
        try:
            limit(calls)
        except JavaScriptError as error:
            self.refuse(calls[0], error)

    def refuse(self, call: Call, error: JavaScriptError, why: Exception | None = None) -> NoReturn:
        """Note the failure and raise it; `why` is what it came of."""
        self._note(call, failed=str(error), fault_rule=error.fault_rule)
        raise error from why

    def done(self, call: Call, **noted: Any) -> None:
        """Note what was done; raises if the caller is to hear of a failure nevertheless."""
        verdict = call.verdict
        self.meter.count(call.caller.route, call.operation, call.now_ms)
        if verdict is None:
            self._note(call, **noted)
            return
        error = verdict.error(call.operation) if verdict.kind == "fail_after" else None
        self._note(call, **noted, failed=None if error is None else str(error), fault_rule=verdict.rule)
        if error is not None:
            raise error

    def all_done(self, calls: Sequence[Call], entries: Sequence[Entry | None]) -> None:
        """Note every operation of one request; raises the first failure that the caller is to hear of."""
        failed: JavaScriptError | None = None
        for call, entry in zip(calls, entries, strict=True):
            try:
                self.done(call, version=entry.version if entry else None)
            except JavaScriptError as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def clear(self) -> None:
        """Forget faults, journal and counts."""
        self.faults.clear()
        self.journal.clear()
        self.meter.clear()
        self.quota.clear()

    def _decide(self, call: Call) -> Verdict | None:
        return self.faults.decide(call.operation, call.key, call.location, self._namespace)

    def _note(self, call: Call, **noted: Any) -> None:
        self.journal.note(
            at_ms=call.now_ms,
            namespace=self._namespace,
            location=call.location,
            invocation=call.caller.invocation,
            route=call.caller.route,
            operation=call.operation,
            key=call.key,
            **noted,
        )
