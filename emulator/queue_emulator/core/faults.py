"""Faults: ordered rules that match operations and give verdicts, the first of which wins; a verdict is a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import FaultError, KVError, ShapeError
from queue_emulator.core.javascript import Json, ToJson, utf8
from queue_emulator.core.kinds import KINDS, Kind
from queue_emulator.core.limits import KEY_BYTES_MAX
from queue_emulator.core.shapes import shaped


@dataclass(frozen=True, slots=True)
class Effect:
    """What a verdict does to an operation: before it, after it, and to its way to other locations.

    waits          before: it waits for `delay_ms`
    fails_before   before: it is refused, and surely did not happen
    fails_after    after: it happened, but the caller hears of a failure and cannot know
    keeps_away     replication: what it writes is not seen at `location` for `delay_ms`
    """

    waits: bool = False
    fails_before: bool = False
    fails_after: bool = False
    keeps_away: bool = False


VERDICTS = {
    "fail_before": Effect(fails_before=True),
    "fail_after": Effect(fails_after=True),
    "delay": Effect(waits=True),
    "drop_replication": Effect(keeps_away=True),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an operation.

    kind       a row of VERDICTS
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

    @property
    def effect(self) -> Effect:
        return VERDICTS[self.kind]

    def error(self, kind: Kind) -> KVError:
        """The failure as the Worker sees it."""
        definite = self.effect.fails_before
        error = KVError(kind.wire, self.status, REASONS[self.status], definite=definite)
        error.fault_rule = self.rule
        return error


@dataclass(slots=True)
class Decision:
    """What the verdicts on its keys come to for one operation as a whole: it waits once, and fails as a whole.

    held_ms  for each key how long it is kept from which location
    rules    for each key the id of the rule that decided over it
    """

    wait_ms: int = 0
    refusal: KVError | None = None
    failure: KVError | None = None
    held_ms: dict[bytes, dict[str, int]] = field(default_factory=dict)
    rules: dict[bytes, int] = field(default_factory=dict)

    def add(self, kind: Kind, key: bytes, verdict: Verdict) -> None:
        """One more key's verdict; of several failures the first counts."""
        effect = verdict.effect
        self.rules[key] = verdict.rule
        if effect.waits:
            self.wait_ms = max(self.wait_ms, verdict.delay_ms)
        if effect.fails_before and self.refusal is None:
            self.refusal = verdict.error(kind)
        if effect.fails_after and self.failure is None:
            self.failure = verdict.error(kind)
        if effect.keeps_away and verdict.location is not None:
            self.held_ms.setdefault(key, {})[verdict.location] = verdict.delay_ms


REASONS = {
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
FOR_S_MAX = 86_400
RULES_MAX = 1_000  # each operation asks all of them


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
            and (not self.verdict.effect.keeps_away or KINDS[operation].writes)
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
        """Append a rule; returns it with its id. Where there is no room, those that are used up go; else FaultError."""
        if len(self._rules) >= RULES_MAX:
            for used_up in [id for id in self._rules if self._used_up(id)]:
                self.remove(used_up)
        if len(self._rules) >= RULES_MAX:
            raise FaultError(f"there are {RULES_MAX:,} fault rules, which is the most: remove some")
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

    def copy(self) -> "FaultPlan":
        """One with the same rules, which have counted the same, and goes on by itself."""
        if not self._rules:
            return FaultPlan(self.dice, _last_id=self._last_id)
        tallies = {id: _Tally(each.matched, each.given) for id, each in self._tallies.items()}
        return FaultPlan(self.dice, dict(self._rules), tallies, self._last_id)

    def rules(self) -> list[tuple[Rule, int, int]]:
        """Each rule with how often it matched and how often it gave its verdict."""
        return [(rule, self._tallies[id].matched, self._tallies[id].given) for id, rule in self._rules.items()]

    def judge(self, kind: Kind, keys: Sequence[bytes], location: str, namespace: str | None) -> Decision | None:
        """What becomes of an operation on these keys, None if no rule says anything of it."""
        decision: Decision | None = None
        for key in keys:
            verdict = self.decide(kind.name, key, location, namespace)
            if verdict is not None:
                decision = decision or Decision()
                decision.add(kind, key, verdict)
        return decision

    def decide(self, operation: str, key: bytes, location: str, namespace: str | None = None) -> Verdict | None:
        """The verdict on one key. A rule counts only what no rule before it decided."""
        for rule in self._rules.values():
            if rule.matches(operation, key, location, namespace) and self._falls(rule):
                return rule.verdict
        return None

    def __bool__(self) -> bool:
        return bool(self._rules)

    def _used_up(self, rule_id: int) -> bool:
        """Whether it gives no verdict any more, whatever comes."""
        rule, tally = self._rules[rule_id], self._tallies[rule_id]
        return (rule.times is not None and tally.given >= rule.times) or (
            rule.nth is not None and tally.matched >= rule.nth
        )

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


_Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=FOR_S_MAX, description=f"0 to {FOR_S_MAX} seconds")]
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
_Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=KEY_BYTES_MAX)]  # nothing longer has such a prefix or name


class _Form(msgspec.Struct, forbid_unknown_fields=True):
    verdict: str
    status: int = 500
    for_s: _Seconds = 0
    to: _Text | UnsetType = UNSET
    operation: _Text | UnsetType = UNSET
    key_prefix: _Text | UnsetType = UNSET
    location: _Text | UnsetType = UNSET
    namespace: _Text | UnsetType = UNSET
    nth: _Count | UnsetType = UNSET
    times: _Count | UnsetType = UNSET
    percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 100


def rule_from_json(given: Mapping[str, ToJson]) -> Rule:
    """A rule from the form that `rule_to_json` gives; raises FaultError for anything else."""
    try:
        form = shaped(given, _Form)
    except ShapeError as error:
        raise FaultError(str(error)) from None
    for name, word, known in (
        ("verdict", form.verdict, VERDICTS),
        ("operation", form.operation, KINDS),
        ("status", form.status, REASONS),
    ):
        if word is not UNSET and word not in known:
            raise FaultError(f"{name} must be one of {', '.join(map(str, known))}, not {word!r:.80}")
    effect = VERDICTS[form.verdict]
    if effect.keeps_away and not form.to:
        raise FaultError(f"{form.verdict} needs the member `to`, a location")
    if (effect.waits or effect.keeps_away) and not form.for_s:
        raise FaultError(f"{form.verdict} needs the member for_s")
    return Rule(
        Verdict(form.verdict, form.status, round(form.for_s * 1000), form.to or None),
        operation=form.operation or None,
        key_prefix=form.key_prefix or None,
        location=form.location or None,
        namespace=form.namespace or None,
        nth=form.nth or None,
        times=form.times or None,
        percent=form.percent,
    )


def rule_to_json(rule: Rule) -> dict[str, Json]:
    """The rule as JSON, without what is None."""
    verdict = rule.verdict
    members: dict[str, Json] = {
        "id": rule.id,
        "verdict": verdict.kind,
        "status": verdict.status if verdict.effect.fails_before or verdict.effect.fails_after else None,
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
