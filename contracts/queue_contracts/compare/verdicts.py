"""Where two answers to one step part, and what each parting is: a breach of the contract, other words, or allowed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from queue_contracts.compare.normalising import Seen
from queue_contracts.compare.steps import Request
from queue_contracts.described.answers import Answer
from queue_contracts.described.operations import Description, Violation
from queue_contracts.json_values import Json

ABSENT = "<absent>"


class Verdict(Enum):
    """What a difference is, from worst to least."""

    BREAK = "contract break"
    TEXT = "text difference"
    VARIANT = "variant"
    NOISE = "noise"


@dataclass(frozen=True)
class Parting:
    """One field of two answers with a verdict; `a` and `b` are what the field is on either side, masked.

    breach  an answer leaves the description by itself, whatever the other side says
    """

    verdict: Verdict
    field: str
    why: str
    a: Json
    b: Json
    breach: bool = False


@dataclass(frozen=True)
class Half:
    """One side's answer to a step: as it came, and as it is compared."""

    side: str
    answer: Answer
    seen: Seen
    settled: bool = True


@dataclass(frozen=True)
class _Variant:
    """A difference that the description allows: operations, statuses and fields (a regular expression)."""

    operations: frozenset[str]
    statuses: frozenset[int]
    field: str
    why: str


_MIGRATION = frozenset({"getMigrationStatus", "runMigration", "rollbackMigration"})
# Each is said in openapi.yaml: in the description of the field, or by its being optional.
_VARIANTS = (
    _Variant(_MIGRATION, frozenset({401}), r"content-type|body.*", "a refused admin key is text or JSON"),
    _Variant(frozenset({"claimTask"}), frozenset({200}), r"body\.pending", "zero, or how many tasks were looked at"),
    _Variant(
        frozenset({"claimTask", "renewLease"}), frozenset({200}), r"body\.lease\.claimNonce", "a nonce may be there"
    ),
    _Variant(frozenset({"runMigration"}), frozenset({200}), r"body\.(tasks|leases)\.errors", "no list if empty"),
    _Variant(_MIGRATION, frozenset({500}), r"body\.type", "the kind of error may be named"),
)
# Texts for people. What a task or a result holds is data, whatever its members are called.
_PROSE = re.compile(r"body\.(message|error|note|recommendation|details.*)")
_LINES = re.compile(r"body\.((tasks|leases)\.)?errors\[\d+\]")
_DATA = frozenset({("getTask", 200), ("getResult", 200)})


def judge(step: Request, a: Half, b: Half, description: Description) -> list[Parting]:
    """Every difference and every breach, at most one a field; breaches that both sides have are told too."""
    found = {field: _judged(step, a.seen, field, ours, theirs) for field, ours, theirs in parts(a.seen, b.seen)}
    for parting in _breaches(step, a, b, description):
        found[parting.field] = parting
    return list(found.values())


def _breaches(step: Request, a: Half, b: Half, description: Description) -> Iterator[Parting]:
    """What a side answered that no honest deployment does."""
    told = {half.side: _violations(step, half, description) for half in (a, b)}
    for field in dict.fromkeys(violation.field for violations in told.values() for violation in violations):
        whys = [
            f"{side}: {violation.why}"
            for side, violations in told.items()
            for violation in violations
            if violation.field == field
        ]
        yield Parting(
            Verdict.BREAK, field, "; ".join(dict.fromkeys(whys)), _at(a.seen, field), _at(b.seen, field), breach=True
        )


def _violations(step: Request, half: Half, description: Description) -> list[Violation]:
    if half.answer.status not in step.statuses:
        allowed = " or ".join(map(str, step.statuses))
        return [Violation("status", f"{half.answer.status} but the contract says {allowed}")]
    if not half.settled:
        return [Violation("settled", "the step was repeated, but its `until` never held")]
    if step.method == "HEAD":
        return []
    return description.violations(step.operation, half.answer)


def parts(a: Seen, b: Seen) -> Iterator[tuple[str, Json, Json]]:
    """Each field in which two answers differ. Beside another status nothing else counts, nor a body of another type."""
    if a.status != b.status:
        yield "status", a.status, b.status
        return
    if a.content_type != b.content_type:
        yield "content-type", a.content_type, b.content_type
    for name in sorted({name for name, _ in (*a.headers, *b.headers)}):
        ours, theirs = dict(a.headers).get(name, ABSENT), dict(b.headers).get(name, ABSENT)
        if ours != theirs:
            yield f"header {name}", ours, theirs
    if _media_type(a.content_type) == _media_type(b.content_type):
        yield from unequal(a.body, b.body)


def _judged(step: Request, seen: Seen, field: str, ours: Json, theirs: Json) -> Parting:
    """The verdict on one field of two answers, each of which may stand by itself."""
    if field == "status":
        return Parting(Verdict.VARIANT, field, "both are allowed here", ours, theirs)
    for variant in _VARIANTS:
        fits = step.operation in variant.operations and seen.status in variant.statuses
        if fits and re.fullmatch(variant.field, field):
            return Parting(Verdict.VARIANT, field, variant.why, ours, theirs)
    if not step.operation and not field.startswith("header "):
        return Parting(
            Verdict.TEXT,
            field,
            "openapi.yaml does not describe this request: only its status is compared",
            ours,
            theirs,
        )
    if _is_prose(step, seen, field):
        return Parting(Verdict.TEXT, field, "a text for people", ours, theirs)
    if field == "content-type" and _media_type(str(ours)) == _media_type(str(theirs)):
        return Parting(Verdict.TEXT, field, "the same media type with other parameters", ours, theirs)
    return Parting(Verdict.BREAK, field, "the same requests must be answered the same", ours, theirs)


def _is_prose(step: Request, seen: Seen, field: str) -> bool:
    if (step.operation, seen.status) in _DATA:
        return False
    return bool(_PROSE.fullmatch(field) or _LINES.fullmatch(field) or (field == "body" and not seen.is_json))


def unequal(a: Json, b: Json, field: str = "body") -> Iterator[tuple[str, Json, Json]]:
    """The fields in which two JSON values differ, innermost first; numbers by value, all else by type and value."""
    if isinstance(a, dict) and isinstance(b, dict):
        for name in sorted(a.keys() | b.keys()):
            yield from unequal(a.get(name, ABSENT), b.get(name, ABSENT), f"{field}.{name}")
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            yield field, a, b
            return
        for position, (ours, theirs) in enumerate(zip(a, b, strict=True)):
            yield from unequal(ours, theirs, f"{field}[{position}]")
    elif a != b or isinstance(a, bool) != isinstance(b, bool):
        yield field, a, b


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0]


def _at(seen: Seen, field: str) -> Json:
    """What a field is in an answer, as far as it has it."""
    if field == "status":
        return seen.status
    if field == "content-type":
        return seen.content_type
    if field.startswith("header "):
        return dict(seen.headers).get(field.removeprefix("header "), ABSENT)
    value = seen.body
    for name in re.findall(r"\.([^.\[]+)|\[(\d+)\]", field):
        member, position = name
        if isinstance(value, dict) and member in value:
            value = value[member]
        elif isinstance(value, list) and position and int(position) < len(value):
            value = value[int(position)]
        else:
            return ABSENT
    return value
