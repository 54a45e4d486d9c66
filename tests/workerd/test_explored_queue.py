"""The reference Worker under `explore`: what is found and replayed on it is what is found and replayed on ours."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from queue_emulator import cli
from queue_emulator.explore import schedule
from queue_emulator.explore.deployed import answering
from queue_emulator.explore.scenarios import SCENARIOS, Answered
from queue_emulator.workerd.bindings import WorkerFlags

FIXTURES = Path(__file__).parents[2] / "fixtures"
WORKER = FIXTURES / "worker" / "worker.mjs"
FILES = sorted((FIXTURES / "schedules").glob("*.schedule"))


@pytest.fixture(scope="module")
def answered(workerd: Path) -> Iterator[Answered]:
    with answering(SCENARIOS, WorkerFlags(WORKER), workerd=workerd) as answered:
        yield answered


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recorded_schedule_breaks_the_same_step_by_step(file: Path, answered: Answered) -> None:
    text = file.read_text(encoding="utf-8")
    read = schedule.read(text, file.name)
    replayed = schedule.replay(replace(read, scenario=answered(read.scenario)))
    assert replayed.differs is None
    assert replayed.broken is not None
    assert f"# broken: {replayed.broken.why}" in text


def explored(*more: str, capsys: pytest.CaptureFixture[str]) -> object:
    assert cli.main(("explore", "--scenario", "two-ends", "--schedules", "8", "--json", *more)) == 1
    return json.loads(capsys.readouterr().out)


@pytest.mark.slow
def test_the_findings_are_the_same(workerd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    on_workerd = explored("--worker", str(WORKER), "--workerd", str(workerd), capsys=capsys)
    assert on_workerd == explored(capsys=capsys)


def test_a_schedule_is_replayed_on_a_worker_that_is_named(workerd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = ("--worker", str(WORKER), "--workerd", str(workerd))
    assert cli.main(("explore", "--replay", str(FILES[0]), *named)) == 1
    assert capsys.readouterr().out.startswith("Still broken: P1 one holder: b holds t01 by its claim, and so does c")


def test_a_worker_that_does_something_else_holds_and_is_told_the_first_difference(
    tmp_path: Path, workerd: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in WORKER.parent.glob("*.mjs"):
        (tmp_path / module.name).write_text(module.read_text())
    queue = (tmp_path / "queue.mjs").read_text()
    look = "if ((await tasks.lease(taskId))?.workerId !== workerId) continue;"
    assert look in queue
    (tmp_path / "queue.mjs").write_text(queue.replace(look, "return json({ success: false, pending: 0 });"))
    named = ("--worker", str(tmp_path / "worker.mjs"), "--workerd", str(workerd))
    assert cli.main(("explore", "--replay", str(FILES[0]), *named)) == 0
    said = capsys.readouterr().out
    assert "line 19: c does nothing, where it was get queue:lease:t01" in said
    assert "Holds now: P1 one holder" in said
