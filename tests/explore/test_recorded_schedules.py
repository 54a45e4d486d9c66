"""The recorded schedules: each still breaks the same guarantee, step by step as it was recorded."""

from pathlib import Path

import pytest

from queue_emulator.explore import schedule

FOLDER = Path(__file__).parents[2] / "fixtures" / "schedules"
FILES = sorted(FOLDER.glob("*.schedule"))


def test_every_known_hazard_that_is_a_schedule_is_recorded() -> None:
    assert [file.name[:3] for file in FILES] == [f"h{number:02}" for number in range(1, 16)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recorded_schedule_breaks_what_it_says_and_nothing_differs(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    replayed = schedule.replay(schedule.read(text, file.name))
    assert replayed.differs is None
    assert replayed.broken is not None
    assert f"# broken: {replayed.broken.why}" in text
