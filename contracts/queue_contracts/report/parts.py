"""What a run says of parts that the Worker does not have: one line each, as a finding or as what was known."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from queue_contracts.described.operations import Operation, packaged_description
from queue_contracts.sending.parts import Parts
from queue_contracts.targets.formats import Format

# The migration comes with the new format: a Worker of the old one has none yet.
_NOT_IN_THE_OLD = "migration"


@dataclass(frozen=True)
class Expected:
    """What was said of the Worker: operations that it does not have, and its format; None where nothing was said."""

    without: frozenset[str] = frozenset()
    format: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """`findings` fail the run, `notes` do not."""

    findings: list[str]
    notes: list[str]


def left_out(found: Parts, expected: Expected, checks: Mapping[str, int]) -> LeftOut:
    """`checks` are how many were left out, by the label of the operation or by `format`."""
    counted = Counter(checks)
    findings: list[str] = []
    notes: list[str] = []
    if found.format not in (None, Format.NEW) or expected.format not in (None, "new"):
        kept = found.format.value if found.format else expected.format
        lines = notes if expected.format else findings
        lines.append(
            f"the Worker keeps its queue in the {kept} format: {_checks(_of_the_format(found, counted))} left out"
            + ("" if expected.format else f"; if this is intended, add --format {kept}")
        )
    for tag, missing in _by_tag(_told(found)).items():
        meant = all(each.id in expected.without for each in missing)
        labels = ", ".join(each.label for each in missing)
        number = sum(counted[each.label] for each in missing)
        said = f"the Worker has no {labels}: {_checks(number)} left out"
        names = " ".join(f"--without {each}" for each in _shortest(tag, missing))
        (notes if meant else findings).append(said if meant else f"{said}; if this is intended, add {names}")
    there = sorted(expected.without - found.missing)
    notes += [f"{each} was checked: the Worker has it, though --without names it" for each in there]
    return LeftOut(findings, notes)


def _told(found: Parts) -> Iterator[Operation]:
    operations = packaged_description().operations
    for each in operations.values():
        if each.id in found.missing and not (found.format is Format.OLD and each.tag == _NOT_IN_THE_OLD):
            yield each


def _by_tag(missing: Iterable[Operation]) -> dict[str, list[Operation]]:
    tags: dict[str, list[Operation]] = {}
    for each in missing:
        tags.setdefault(each.tag, []).append(each)
    return tags


def _of_the_format(found: Parts, counted: Mapping[str, int]) -> int:
    of_the_migration = [
        each.label
        for each in packaged_description().operations.values()
        if each.tag == _NOT_IN_THE_OLD and found.format is Format.OLD
    ]
    return sum(counted[each] for each in ("format", *of_the_migration))


def _shortest(tag: str, missing: list[Operation]) -> list[str]:
    whole = {each.id for each in missing} == packaged_description().named(tag)
    return [tag] if whole else [each.id for each in missing]


def _checks(number: int) -> str:
    return "1 check is" if number == 1 else f"{number} checks are"
