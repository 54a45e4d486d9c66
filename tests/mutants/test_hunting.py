"""A catch is a failed check of a Worker that is broken as it says; whatever else goes wrong is not taken for one."""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from queue_contracts.mutants.catalogue import Change, Mutant
from queue_contracts.mutants.hunt import Bench, Outcome, Run, hunt, verdict_on
from queue_contracts.mutants.shared_server import Standing

FOUND = "test_life_of_a_task.py::test_one_worker_can_hold_several_tasks"
ANSWER = "return json({ success: true, taskId, task, lease });"


def mutant(after: str, *, before: str = ANSWER, caught_by: str = FOUND, throws: bool = False) -> Mutant:
    return Mutant("is made up", caught_by, (Change("queue.mjs", before, after),), throws)


@pytest.mark.runtime
@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "outcome", "why"),
    [
        (mutant(f"console.log(); {ANSWER}"), Outcome.SURVIVED, ""),
        (mutant('return json({ success: false, message: "", pending: 0 });'), Outcome.CAUGHT, "test_one_worker"),
        (mutant("return nobody;"), Outcome.NOT_RUN, "with an exception, which this mutant should not cause"),
        (mutant("return nobody;", throws=True), Outcome.CAUGHT, "test_one_worker"),
        (mutant("return {;"), Outcome.NOT_RUN, "did not start"),
        (mutant("return null;", caught_by=f"{FOUND}_at_all"), Outcome.NOT_RUN, "not found"),
        (mutant("return null;", caught_by=f"{FOUND}[no such case]"), Outcome.NOT_RUN, "ran none of"),
    ],
    ids=[
        "the same in other words", "broken", "broken otherwise than it says", "broken by an exception, as it says",
        "no JavaScript", "no such check", "no such case",
    ],
)  # fmt: skip
def test_only_a_failed_check_catches(
    made: Mutant, outcome: Outcome, why: str, bench: Bench, hunter: ProcessPoolExecutor
) -> None:
    verdict = hunter.submit(hunt, made, bench).result()
    assert verdict.outcome is outcome
    assert why in verdict.why


def hunts_on_one_runtime(mutants: list[Mutant], bench: Bench) -> list[Outcome]:
    with Standing(mutants, bench) as standing:
        return [standing.hunt(each).outcome for each in (*mutants, mutants[0])]


@pytest.mark.runtime
@pytest.mark.slow
def test_of_many_mutants_on_one_runtime_each_is_hunted_as_itself(bench: Bench, hunter: ProcessPoolExecutor) -> None:
    nothing = 'return json({ success: false, message: "", pending: 0 });'
    mutants = [
        Mutant(name, FOUND, (Change("queue.mjs", ANSWER, after),), throws)
        for name, after, throws in [
            ("is the same in other words", f"console.log(); {ANSWER}", False),
            ("is broken", nothing, False),
            ("is broken otherwise than it says", "return nobody;", False),
            ("is broken by an exception", "return nobody;", True),
        ]
    ]
    found = hunter.submit(hunts_on_one_runtime, mutants, bench).result()
    assert found == [Outcome.SURVIVED, Outcome.CAUGHT, Outcome.NOT_RUN, Outcome.CAUGHT, Outcome.SURVIVED]


@pytest.mark.runtime
@pytest.mark.slow
def test_checks_of_your_own_file_use_the_fixtures_of_the_suite(
    tmp_path: Path, bench: Bench, hunter: ProcessPoolExecutor
) -> None:
    own = tmp_path / "test_own.py"
    own.write_text(
        "from queue_contracts.targets import entries\n"
        "def test_a_task_can_be_claimed(client, control):\n"
        "    control.start_with([entries.new_task('a')])\n"
        "    assert client.ask('claimTask', body={'workerId': 'me'}).json()['success'] is True\n"
        "def test_nothing(client):\n"
        "    assert client\n"
    )
    broken = mutant('return json({ success: false, message: "", pending: 0 });')
    verdict = hunter.submit(hunt, broken, bench, (str(own),)).result()
    assert verdict.outcome is Outcome.CAUGHT
    assert verdict.caught_by == ("test_own.py::test_a_task_can_be_claimed",)


def test_an_error_outside_of_a_check_outweighs_a_failure_in_one() -> None:
    run = Run(passed=["a"], failed={"b": "assert False"}, errors=["the target did not start"])
    assert verdict_on(mutant("x"), run).outcome is Outcome.NOT_RUN
