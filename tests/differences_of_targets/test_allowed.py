"""What only some deployments do is a table of its own; a part that one target lacks is one line, and no more."""

from collections.abc import Sequence as List
from dataclasses import replace
from datetime import date

import pytest

from queue_contracts.compare.allowed import differs_allowed, kinds
from queue_contracts.compare.comparing import Comparison, compare
from queue_contracts.compare.executor import Patience, Player
from queue_contracts.compare.parser import packaged_sequences
from queue_contracts.compare.report import told
from queue_contracts.compare.running import DIFFERENT, code_of
from queue_contracts.compare.scores import Outcome, conclude
from queue_contracts.compare.sides import Side
from queue_contracts.compare.steps import Sequence
from queue_contracts.described.operations import packaged_description
from tests.differences_of_targets.conftest import Behind, Compare
from tests.differences_of_targets.proxy import Asked, Told

KINDS = [each for each in packaged_sequences() if each.allowed]


def strict(asked: Asked, told: Told) -> Told:
    """As a deployment that takes what openapi.yaml describes, and nothing else."""
    odd = (b'"extra"', b'"yes"', b'"error": 5', b"660", b"100000", b"processing", b'"Pending"', b'"status": 5')
    beyond = any(each in asked.content for each in odd) or asked.content == b"{}"
    if beyond or any(each in asked.path for each in ("_1", ".b", "%")):
        return Told(400, {"Content-Type": "application/json"}, b'{"error": "Validation failed", "details": ["no"]}')
    return told


def outcome(comparison: Comparison) -> Outcome:
    return conclude(comparison, (), packaged_description(), date(2026, 11, 30))


def named(comparison: Comparison) -> dict[str, int]:
    return {kind.name: kind.requests for kind in kinds(comparison)}


def test_each_kind_in_which_a_strict_deployment_differs_is_a_row_and_all_of_it_is_compared(
    compared: Compare, emulator: Side
) -> None:
    comparison = compared(strict, *KINDS)
    assert not comparison.skipped
    assert not [finding for finding in comparison.findings if finding.fails]
    found = named(comparison)
    assert found == {
        "ids that are not portable": 10,
        "leases over 600 s": 3,
        "members of other routes": 1,
        "other texts as a status": 2,
        "results of another shape": 4,
    }
    lines = list(differs_allowed(outcome(comparison), (emulator, replace(emulator, name="strict"))))
    assert lines[0] == "differs, allowed:"
    assert "  leases over 600 s          emulator 200; strict 400 (3 requests)" in lines


def test_a_kind_that_cannot_be_compared_is_told_with_the_reason(emulator: Side, behind: Behind) -> None:
    shared = replace(behind(strict), seed=None)
    players = Player(emulator, "ct-a-", Patience(5)), Player(shared, "ct-b-", Patience(5))
    comparison = compare([each for each in KINDS if "leases" in each.allowed], *players, packaged_description())
    lines = list(differs_allowed(outcome(comparison), (emulator, shared)))
    why = "not compared: changed cannot be seeded, and the sequence needs data in KV"
    assert lines == ["differs, allowed:", f"  leases over 600 s  {why}", ""]


def test_two_that_do_the_same_have_no_such_table(compared: Compare, emulator: Side) -> None:
    assert list(differs_allowed(outcome(compared(None, *KINDS[:2])), (emulator, emulator))) == []


def without_a_part(emulator: Side, behind: Behind, sequences: List[Sequence], *missing: str) -> Comparison:
    def cut(asked: Asked, told: Told) -> Told:
        operation = packaged_description().find(asked.method, asked.path)
        gone = operation is not None and operation.id in missing
        return Told(404, {"Content-Type": "text/plain"}, b"Not found") if gone else told

    lacking = replace(behind(cut), missing=frozenset(missing))
    players = Player(emulator, "ct-a-", Patience(5)), Player(lacking, "ct-b-", Patience(5))
    return compare(sequences, *players, packaged_description())


@pytest.mark.parametrize("missing", [("rollbackMigration",), ("releaseLease", "renewLease")])
def test_a_part_that_one_target_lacks_is_one_line_and_what_does_not_need_it_is_compared(
    missing: tuple[str, ...], emulator: Side, behind: Behind
) -> None:
    names = ("no route opens", "the holder renews", "another worker", "everything is moved", "each claim takes")
    sequences = [each for each in packaged_sequences() if each.name.startswith(names)]
    comparison = without_a_part(emulator, behind, sequences, *missing)
    labels = ", ".join(packaged_description().operations[each].label for each in missing)
    assert comparison.missing == [f"changed has no {labels}"]
    assert not comparison.findings
    asked = {step.operation for step in comparison.steps}
    assert asked & {"claimTask", "runMigration"}
    assert not asked & set(missing)
    lines = list(told(outcome(comparison), (emulator, replace(emulator, name="changed"))))
    assert [line for line in lines if line.startswith("MISSING")] == [
        f"MISSING: changed has no {labels}; what needs it was not compared"
    ]
    assert code_of(outcome(comparison)) == DIFFERENT
