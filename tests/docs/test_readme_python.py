"""README.md's programs in Python run as they stand in it; its tests run in tests/laboratory and tests/workerd."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.emulator_process import closed_environment
from tests.docs.readme import blocks

pytestmark = pytest.mark.slow

PYTHON = [block.content for block in blocks() if block.language == "python"]
PROGRAMS = [content for content in PYTHON if "def test_" not in content]


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_runs_without_a_warning(tmp_path: Path, program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env=closed_environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
