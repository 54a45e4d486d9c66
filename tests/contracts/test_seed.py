"""The generated requests are a function of the seed, whatever the number of processes."""

import re
from pathlib import Path

import pytest

from tests.contracts.command import environment, run

pytestmark = pytest.mark.slow


def hash_of_a_run(folder: Path, *arguments: str) -> str:
    ended = run(
        "emulator",
        "--only",
        "generated and migrate",
        *arguments,
        env=environment(XDG_CACHE_HOME=str(folder)),
        folder=folder,
    )
    assert ended.returncode == 0, ended.stdout
    line = re.search(r"^all of them +(\d+)  ([0-9a-f]{12})$", ended.stdout, re.MULTILINE)
    assert line, ended.stdout
    assert int(line[1]) > 50
    return line[2]


def test_one_process_and_two_send_the_same_and_another_seed_sends_something_else(tmp_path: Path) -> None:
    alone = hash_of_a_run(tmp_path, "--seed", "7")
    assert hash_of_a_run(tmp_path, "--seed", "7", "--workers", "2") == alone
    assert hash_of_a_run(tmp_path, "--seed", "8") != alone
    kept = {each.name for each in (tmp_path / "queue-contracts").iterdir()}
    assert kept == {"unicode_data", ".gitignore"}, "a run would begin with the examples of another"
