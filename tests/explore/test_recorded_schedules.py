"""The recorded schedules: each still breaks the same guarantee, step by step as it was recorded."""

from pathlib import Path

import pytest

from queue_emulator import cli
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


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_its_picture_is_the_one_that_is_drawn_of_it(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FOLDER.parents[1])
    drawn = tmp_path / "drawn.svg"
    assert cli.main(["explore", "--replay", str(file.relative_to(FOLDER.parents[1])), "--picture", str(drawn)]) == 1
    assert drawn.read_text(encoding="utf-8") == file.with_suffix(".svg").read_text(encoding="utf-8")


def test_the_readme_shows_each_with_its_replay_and_its_picture() -> None:
    readme = (FOLDER.parents[1] / "README.md").read_text(encoding="utf-8")
    for file in FILES:
        assert f"| `fixtures/schedules/{file.name}` | <a href=" in readme
        assert f'<img src="fixtures/schedules/{file.stem}.svg"' in readme
