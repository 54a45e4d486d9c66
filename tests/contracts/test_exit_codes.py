"""A fault of the suite itself is none of the codes that say something of a target."""

from pathlib import Path

import pytest

from tests.contracts.command import environment, run

pytestmark = pytest.mark.slow

FAULTY = "def {hook}():\n    raise RuntimeError('no such thing')\n"


@pytest.mark.parametrize(
    ("hook", "workers"),
    [
        ("pytest_configure", "0"),
        ("pytest_collection_modifyitems", "0"),
        ("pytest_collection_modifyitems", "2"),
        ("pytest_sessionfinish", "0"),
    ],
)
def test_a_fault_of_the_suite_is_told_from_a_broken_contract_and_from_no_proof(
    hook: str, workers: str, tmp_path: Path
) -> None:
    (tmp_path / "faulty.py").write_text(FAULTY.format(hook=hook))
    arguments = ("emulator", "--only", "description", "--workers", workers, "--", "-p", "faulty")
    ended = run(*arguments, env=environment(PYTHONPATH=str(tmp_path)), folder=tmp_path)
    assert ended.returncode == 70, ended.stdout
    assert "RuntimeError: no such thing" in ended.stdout
