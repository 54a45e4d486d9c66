"""A command that is forked does what one that is started does."""

from pathlib import Path

import pytest

from tests.contracts.command import environment, fork, run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "arguments",
    [
        ("emulator", "--only", "POST and claim and (generated or other_path)", "--seed", "7"),
        ("--url", "http://127.0.0.1:9", "--only", "generated"),
        ("diff", "emulator"),
        ("emulator", "--", "--no-such-option"),  # for which pytest has a code of its own
    ],
)
def test_a_command_says_and_ends_with_the_same_whether_it_is_forked_or_started(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    started, forked = (run(*arguments, env=environment(), folder=tmp_path, real=real) for real in (True, False))
    assert forked.returncode == started.returncode
    assert without_times(forked.stdout) == without_times(started.stdout)


def without_times(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.endswith("s")]


def test_a_command_that_is_forked_takes_no_environment_and_no_folder_from_the_one_before(tmp_path: Path) -> None:
    without = {name: value for name, value in environment().items() if name != "CONTRACT_QUEUE_KEY"}
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.yaml").write_text("nothing of a sequence")
    folders = (tmp_path, tmp_path / "other")
    runs = [fork("--url", "http://127.0.0.1:9", env=env, folder=tmp_path) for env in (environment(), without)]
    diffs = [
        fork("diff", "emulator", "emulator", "--sequences", "mine.yaml", env=without, folder=folder)
        for folder in folders
    ]
    assert "does not answer" in runs[0].out
    assert "the API key of the queue is not set" in runs[1].out
    assert diffs[0].out != diffs[1].out
