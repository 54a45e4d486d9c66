"""The recorded scores: shown as what they are where there is no workerd, and not to fall below."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from queue_contracts.compare.calibration import (
    Calibration,
    CalibrationError,
    packaged_calibration,
    read_calibration,
    worse,
    write_calibration,
)
from queue_contracts.compare.parser import packaged_sequences
from queue_contracts.compare.scores import Score
from queue_contracts.compare.steps import NOT_DESCRIBED
from queue_contracts.described.operations import packaged_description
from tests.differences_of_targets.commands import queue_contracts

RECORDED = Calibration(date(2026, 11, 24), {"workerd": "2026-07-30"}, (Score("getTask", 10, 9, 1),))


def test_the_recorded_scores_are_of_every_operation_and_of_the_sequences_as_they_are() -> None:
    recorded = read_calibration(packaged_calibration())
    assert {score.operation for score in recorded.scores} == {*packaged_description().operations, NOT_DESCRIBED}
    assert set(recorded.versions) == {"workerd", "queue-emulator", "python"}
    asked = [step.label for sequence in packaged_sequences() for step in sequence.requests]
    for score in recorded.scores:
        assert score.compared + score.not_compared == asked.count(score.operation), (
            f"{score.operation}: the sequences have changed since the scores were recorded; "
            "record them again: queue-contracts fidelity --record"
        )


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    write_calibration(file, RECORDED)
    assert read_calibration(file) == RECORDED
    assert [each.name for each in tmp_path.iterdir()] == ["calibration.json"]


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (Score("getTask", 10, 9, 1), []),
        (Score("getTask", 20, 19, 1), []),
        (Score("getTask", 10, 8, 2), ["getTask: 8 of 10 equal, 9 of 10 on 2026-11-24"]),
        (Score("getTask", 9, 9), ["getTask: 9 answers were compared, 10 on 2026-11-24"]),
        (
            Score("getResult", 10, 10),
            [
                "getTask: 0 answers were compared, 10 on 2026-11-24",
                "getTask: 0 of 0 equal, 9 of 10 on 2026-11-24",
            ],
        ),
    ],
)
def test_a_score_that_falls_or_counts_less_is_told(now: Score, said: list[str]) -> None:
    assert [*worse(RECORDED, (now,))] == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "[" * 100_000,
        " " * 1_000_001,
        '{"date":"now","versions":{},"scores":[]}',
        '{"scores":[{"a":1}]}',
    ],
)
def test_a_file_that_is_no_calibration_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(text)
    with pytest.raises(CalibrationError, match="is not a file of scores"):
        read_calibration(file)


@pytest.mark.slow
def test_without_a_workerd_the_recorded_scores_are_shown_with_their_date(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    write_calibration(file, replace(RECORDED, date=date(2026, 7, 1)))
    ended = queue_contracts("fidelity", "--calibration", file, folder=tmp_path)
    assert ended.code == 3, ended.err
    assert ended.out.startswith("NOT MEASURED NOW")
    assert "saved on 2026-07-01, workerd 2026-07-30" in ended.out
    assert "9 10" in ended.out

    told = json.loads(queue_contracts("fidelity", "--json", "--calibration", file, folder=tmp_path).out)
    assert told["measured"] is False
    assert told["date"] == "2026-07-01"
    assert told["scores"][0]["share"] == 0.9


@pytest.mark.slow
def test_scores_that_somebody_else_recorded_do_not_write_to_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    title = "\x1b]0;title\x07\u202e\nAll is well"
    write_calibration(file, replace(RECORDED, versions={title: "1", "b": title}, scores=(Score(title, 10, 9, 1),)))
    ended = queue_contracts("fidelity", "--calibration", file, folder=tmp_path)
    assert ended.code == 3, ended.err
    assert not {*"\x1b\x07\u202e"} & {*ended.out}
    assert not [line for line in ended.out.splitlines() if line.startswith("All is well")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--record",), "--record needs workerd"),
        (("--workerd", "nowhere"), "there is no workerd at nowhere"),
        (("--calibration", "nothing.json"), "nothing.json is not a file of scores"),
    ],
)
def test_what_cannot_be_done_ends_with_2(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    ended = queue_contracts("fidelity", *arguments, folder=tmp_path)
    assert ended.code == 2
    assert said in ended.err


@pytest.mark.slow
def test_a_program_that_is_not_workerd_is_not_measured_with(tmp_path: Path) -> None:
    other = tmp_path / "workerd"
    other.write_text("#!/bin/sh\necho hello\n")
    other.chmod(0o755)
    ended = queue_contracts("fidelity", "--workerd", other, folder=tmp_path)
    assert ended.code == 2
    assert "is not workerd: it does not print its version" in ended.err
