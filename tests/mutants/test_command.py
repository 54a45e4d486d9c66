"""`queue-contracts mutants`: what it prints, and when it fails."""

import argparse
from pathlib import Path

import pytest

from queue_contracts.mutants.catalogue import Change, Mutant
from queue_contracts.mutants.cli import add_arguments, exit_code, lines_of, run
from queue_contracts.mutants.hunt import Bench, Outcome, Run, Verdict

MUTANT = Mutant("lets everybody in", "test_x.py::test_y", (Change("worker.mjs", "a", "b"),))
CAUGHT = Verdict(Outcome.CAUGHT, ("test_x.py::test_y",), "assert 200 == 401")
SURVIVED = Verdict(Outcome.SURVIVED)
NOT_RUN = Verdict(Outcome.NOT_RUN, why="workerd did not start:\nno such file")
UNBROKEN = Run(passed=["test_x.py::test_y"])
FAILING = Run(failed={"test_x.py::test_y": "assert 500 == 200"})


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize(
    ("verdicts", "unbroken", "idle", "own_checks", "code"),
    [
        ([CAUGHT, CAUGHT], UNBROKEN, [], False, 0),
        ([CAUGHT, SURVIVED], UNBROKEN, [], False, 1),
        ([CAUGHT, SURVIVED], UNBROKEN, [], True, 0),
        ([CAUGHT, SURVIVED], UNBROKEN, ["test_own.py::test_nothing"], True, 1),
        ([CAUGHT], FAILING, [], False, 1),
        ([CAUGHT, NOT_RUN, SURVIVED], UNBROKEN, [], False, 2),
        ([CAUGHT], Run(errors=["workerd did not start"]), [], False, 2),
    ],
)
def test_the_exit_code_says_whether_all_were_caught(
    verdicts: list[Verdict], unbroken: Run, idle: list[str], own_checks: bool, code: int
) -> None:
    assert exit_code(verdicts, [unbroken], idle, own_checks=own_checks) == code


def test_a_line_says_what_is_broken_and_the_next_who_noticed() -> None:
    assert list(lines_of(MUTANT, CAUGHT)) == ["caught    lets everybody in", "          test_x.py::test_y"]
    assert list(lines_of(MUTANT, SURVIVED)) == ["SURVIVED  lets everybody in"]
    assert list(lines_of(MUTANT, NOT_RUN))[1:] == ["          workerd did not start:", "          no such file"]


def test_words_that_no_mutant_has_are_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parsed("--only", "no such words")) == 2
    assert "no mutant has 'no such words'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--check", "no_such.py"), "--check no_such.py: no such file of checks"),
        (("--check", "mutants/queue.toml"), "no such file of checks"),
        (("--worker", __file__), "--worker must be the folder of a Worker"),
        (("--workerd", "no-such-binary"), "there is no workerd at no-such-binary"),
    ],
)
def test_what_no_mutant_could_be_hunted_with_is_said_once(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(parsed(*arguments)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_a_folder_that_holds_another_worker_is_said_to_be_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "worker.mjs").write_text("export default {};")
    assert run(parsed("--only", "other scope", "--worker", str(tmp_path))) == 2
    assert "occurs 0 times in worker.mjs, not once" in capsys.readouterr().err


@pytest.mark.runtime
@pytest.mark.slow
def test_one_mutant_and_the_worker_as_it_is(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(parsed("--only", "gives a worker no second task", "--workerd", str(bench.workerd), "--jobs", "2"))
    assert capsys.readouterr().out.splitlines() == [
        "caught    gives a worker no second task",
        "          test_life_of_a_task.py::test_one_worker_can_hold_several_tasks",
        "1 mutants: 1 caught",
    ]
    assert code == 0
