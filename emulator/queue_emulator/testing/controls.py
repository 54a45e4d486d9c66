"""The clock and the fault rules of an emulator inside a test."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from queue_emulator.core.clock import MovableClock, iso_8601, parse_iso_8601
from queue_emulator.core.faults import rule_from_json, rule_to_json
from queue_emulator.core.javascript import Json
from queue_emulator.testing.threads import HERE, Where
from queue_emulator.web.deployment import Deployment

Operation: TypeAlias = Literal["get", "get_bulk", "put", "delete", "list"]
Verdict: TypeAlias = Literal["fail_before", "fail_after", "delay", "drop_replication"]


@dataclass(frozen=True, slots=True)
class EmulatorClock:
    """The emulator's clock, in seconds."""

    clock: MovableClock
    where: Where = HERE

    def advance(self, seconds: float) -> None:
        """Move forward: every expiry, copy, quota and timestamp follows."""
        self.where.do(lambda: self.clock.advance(round(seconds * 1000)))

    def set(self, instant: str) -> None:
        """Stand at an ISO 8601 instant with an offset from UTC, as 2026-11-23T17:00:00Z."""
        self.where.do(lambda: self.clock.set(parse_iso_8601(instant)))

    def freeze(self) -> None:
        self.where.do(lambda: self.clock.freeze())

    def resume(self) -> None:
        """Run at the machine's pace from here on."""
        self.where.do(lambda: self.clock.resume())

    @property
    def now(self) -> str:
        return iso_8601(self.clock.now_ms())


@dataclass(frozen=True, slots=True)
class Faults:
    """The fault rules in force, in the order in which they are asked; the first verdict wins."""

    deployment: Deployment
    where: Where = HERE

    def add(
        self,
        verdict: Verdict,
        *,
        status: int | None = None,
        for_s: float | None = None,
        to: str | None = None,
        operation: Operation | None = None,
        key_prefix: str | None = None,
        location: str | None = None,
        namespace: str | None = None,
        nth: int | None = None,
        times: int | None = None,
        percent: int | None = None,
    ) -> int:
        """Append a rule; returns its id. What is None, or left out, matches everything. Raises FaultError.

        verdict     "fail_before": it does not happen; "fail_after": it happens, and the caller hears of a failure;
                    "delay": it waits `for_s`; "drop_replication": for `for_s`, `to` does not see what is written
        status      of a failure: 429, 500 (if left out), 502, 503 or 504
        for_s, to   seconds, 0 to 86,400; a location
        operation, key_prefix, location, namespace    what it matches; the prefix is a list's own prefix
        nth, times, percent    only the nth match, counted from 1; at most so many verdicts; how often, by the seed
        """
        members = {
            "verdict": verdict,
            "status": status,
            "for_s": for_s,
            "to": to,
            "operation": operation,
            "key_prefix": key_prefix,
            "location": location,
            "namespace": namespace,
            "nth": nth,
            "times": times,
            "percent": percent,
        }
        rule = rule_from_json({name: given for name, given in members.items() if given is not None})
        return self.where.do(lambda: self.deployment.service.faults.add(rule).id)

    def remove(self, rule_id: int) -> None:
        """Take a rule out; raises FaultError if there is none of this id."""
        self.where.do(lambda: self.deployment.service.faults.remove(rule_id))

    def clear(self) -> None:
        """Take all rules out."""
        self.where.do(lambda: self.deployment.service.faults.clear())

    def rules(self) -> list[dict[str, Json]]:
        """The rules, each with its id and the members that were given."""
        rules = self.where.do(lambda: list(self.deployment.service.faults.rules()))
        return [rule_to_json(rule) for rule, _, _ in rules]
