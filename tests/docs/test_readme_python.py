"""README.md's Python runs as it stands in it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.emulator_process import closed_environment
from tests.docs.readme import blocks

pytestmark = pytest.mark.slow

PYTHON = [block.content for block in blocks() if block.language == "python"]
PROGRAMS = [content for content in PYTHON if "def test_" not in content]
# What has a Worker on workerd runs in tests/workerd.
TESTS = [content for content in PYTHON if "def test_" in content and "worker=" not in content]


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_runs_without_a_warning(tmp_path: Path, program: str) -> None:
    done = _python("-W", "error", "-c", program, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_the_examples_of_tests_pass(tmp_path: Path) -> None:
    for number, content in enumerate(TESTS):
        (tmp_path / f"test_example_{number}.py").write_text(content, "utf-8")
    done = _python("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(tmp_path), folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert f"{sum(content.count('def test_') for content in TESTS)} passed" in done.stdout


def _python(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=closed_environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
