"""Faults: ordered rules that match operations and give verdicts; the first verdict wins."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import FaultError, KVError
from queue_emulator.core.javascript import Json, utf8

OPERATIONS = ("get", "get_bulk", "put", "delete", "list")
_WIRE_NAMES = {"get": "GET", "get_bulk": "GET_BULK", "put": "PUT", "delete": "DELETE", "list": "GET"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an operation.

    kind       fail_before: refused, it surely did not happen. fail_after: it happened, but the caller hears of a
               failure and cannot know. delay: it waits. drop_replication: what it writes stays away from `location`.
    status     of the failure: 429, 500, ...
    delay_ms   how long it waits, or how long replication is dropped
    location   where replication is dropped to
    rule       the id of the rule that gave it
    """

    kind: str
    status: int = 500
    delay_ms: int = 0
    location: str | None = None
    rule: int = field(default=0, compare=False)

    def error(self, operation: str) -> KVError:
        """The failure as the Worker sees it."""
        definite = self.kind == "fail_before"
        error = KVError(_WIRE_NAMES[operation], self.status, REASONS[self.status], definite=definite)
        error.fault_rule = self.rule
        return error


REASONS = {
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
FOR_S_MAX = 86_400
KINDS = ("fail_before", "fail_after", "delay", "drop_replication")


@dataclass(frozen=True, slots=True)
class Rule:
    """When a verdict falls. What is None matches everything.

    nth      only the nth operation that matches, counted from 1
    times    at most so many verdicts
    percent  how often a match gives the verdict: drawn by the seed
    """

    verdict: Verdict
    operation: str | None = None
    key_prefix: str | None = None
    location: str | None = None
    nth: int | None = None
    times: int | None = None
    percent: int = 100
    id: int = 0
    namespace: str | None = None

    def matches(self, operation: str, key: bytes, location: str, namespace: str | None = None) -> bool:
        """`key` is the prefix for a list; a bulk get asks once for each key."""
        return (
            self.operation in (None, operation)
            and self.location in (None, location)
            and self.namespace in (None, namespace)
            and (self.key_prefix is None or key.startswith(utf8(self.key_prefix)))
            and (self.verdict.kind != "drop_replication" or operation in ("put", "delete"))
        )


@dataclass(slots=True)
class _Tally:
    matched: int = 0
    given: int = 0


@dataclass(slots=True)
class FaultPlan:
    """The rules in force, in the order in which they are asked."""

    dice: Dice
    _rules: dict[int, Rule] = field(default_factory=dict)
    _tallies: dict[int, _Tally] = field(default_factory=dict)
    _last_id: int = 0

    def add(self, rule: Rule) -> Rule:
        """Append a rule; returns it with its id. Raises FaultError for one that cannot be."""
        _check(rule)
        self._last_id += 1
        added = replace(rule, id=self._last_id, verdict=replace(rule.verdict, rule=self._last_id))
        self._rules[added.id], self._tallies[added.id] = added, _Tally()
        return added

    def remove(self, rule_id: int) -> None:
        """Take a rule out; raises FaultError if there is none of this id."""
        if rule_id not in self._rules:
            raise FaultError(f"no fault rule has the id {rule_id}")
        del self._rules[rule_id], self._tallies[rule_id]

    def clear(self) -> None:
        self._rules.clear()
        self._tallies.clear()

    def rules(self) -> list[tuple[Rule, int, int]]:
        """Each rule with how often it matched and how often it gave its verdict."""
        return [(rule, self._tallies[id].matched, self._tallies[id].given) for id, rule in self._rules.items()]

    def decide(self, operation: str, key: bytes, location: str, namespace: str | None = None) -> Verdict | None:
        """The verdict on an operation. A rule counts only what no rule before it decided."""
        for rule in self._rules.values():
            if rule.matches(operation, key, location, namespace) and self._falls(rule):
                return rule.verdict
        return None

    def __bool__(self) -> bool:
        return bool(self._rules)

    def _falls(self, rule: Rule) -> bool:
        tally = self._tallies[rule.id]
        tally.matched += 1
        falls = (
            rule.nth in (None, tally.matched)
            and (rule.times is None or tally.given < rule.times)
            and self.dice.below(100, "fault", rule.id, tally.matched) < rule.percent
        )
        tally.given += falls
        return falls


def rule_from_json(given: Mapping[str, Json]) -> Rule:
    """A rule from the form that `rule_to_json` gives; raises FaultError for anything else."""
    for name, value in given.items():
        if name not in _MEMBERS:
            raise FaultError(f"unknown member {name!r} in a fault rule; allowed: {', '.join(_MEMBERS)}")
        kind, said = _MEMBERS[name]
        if isinstance(value, bool) or not isinstance(value, kind):
            raise FaultError(f"{name} in a fault rule must be {said}, not {value!r}")
    for_s = given.get("for_s", 0)
    if not 0 <= for_s <= FOR_S_MAX:
        raise FaultError(f"for_s must lie between 0 and {FOR_S_MAX} seconds, not {for_s}")
    rule = Rule(
        Verdict(given.get("verdict", ""), given.get("status", 500), round(for_s * 1000), given.get("to")),
        operation=given.get("operation"),
        key_prefix=given.get("key_prefix"),
        location=given.get("location"),
        namespace=given.get("namespace"),
        nth=given.get("nth"),
        times=given.get("times"),
        percent=given.get("percent", 100),
    )
    _check(rule)
    return rule


def rule_to_json(rule: Rule) -> dict[str, Json]:
    """The rule as JSON, without what is None."""
    verdict = rule.verdict
    members = {
        "id": rule.id,
        "verdict": verdict.kind,
        "status": verdict.status if verdict.kind.startswith("fail") else None,
        "for_s": verdict.delay_ms / 1000 if verdict.delay_ms else None,
        "to": verdict.location,
        "operation": rule.operation,
        "key_prefix": rule.key_prefix,
        "location": rule.location,
        "namespace": rule.namespace,
        "nth": rule.nth,
        "times": rule.times,
        "percent": rule.percent,
    }
    return {name: value for name, value in members.items() if value is not None}


_TEXT, _WHOLE, _NUMBER = ((str,), "a string"), ((int,), "a whole number"), ((int, float), "a number")
_MEMBERS: dict[str, tuple[tuple[type, ...], str]] = {
    "verdict": _TEXT,
    "status": _WHOLE,
    "for_s": _NUMBER,
    "to": _TEXT,
    "operation": _TEXT,
    "key_prefix": _TEXT,
    "location": _TEXT,
    "namespace": _TEXT,
    "nth": _WHOLE,
    "times": _WHOLE,
    "percent": _WHOLE,
}


def _check(rule: Rule) -> None:
    verdict = rule.verdict
    checks = (
        (verdict.kind in KINDS, f"verdict must be one of {', '.join(KINDS)}, not {verdict.kind!r}"),
        (rule.operation in (None, *OPERATIONS), f"operation must be one of {', '.join(OPERATIONS)}"),
        (verdict.status in REASONS, f"status must be one of {', '.join(map(str, REASONS))}, not {verdict.status}"),
        (rule.nth is None or rule.nth > 0, "nth must be at least 1"),
        (rule.times is None or rule.times > 0, "times must be at least 1"),
        (0 <= rule.percent <= 100, "percent must lie between 0 and 100"),
        (verdict.kind != "drop_replication" or bool(verdict.location), "drop_replication needs `to`, a location"),
        (verdict.kind not in ("delay", "drop_replication") or verdict.delay_ms > 0, f"{verdict.kind} needs for_s"),
    )
    for holds, message in checks:
        if not holds:
            raise FaultError(message)
