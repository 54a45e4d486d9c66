"""Reports of a run in one process, where pytest itself writes the JUnit file."""

from pathlib import Path

import pytest

from tests.contracts.command import environment, run

pytestmark = pytest.mark.slow


def test_what_a_check_tells_beside_its_verdict_breaks_nothing(tmp_path: Path) -> None:
    arguments = ("emulator", "--only", "test_guarantees and everywhere", "--report-dir", "reports")
    ended = run(*arguments, env=environment(), folder=tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert 'name="settled"' in (tmp_path / "reports" / "junit.xml").read_text()
