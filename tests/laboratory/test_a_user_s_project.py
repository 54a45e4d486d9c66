"""A project of a user with names like ours, in a process of its own: its tests find its own modules and fixtures."""

import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from textwrap import dedent

import pytest

pytestmark = pytest.mark.slow

# Without what other packages bring, which takes longer to load than everything else.
_LEFT_OUT = ("cacheprovider", "schemathesis", "hypothesispytest")
PYTEST = ("-m", "pytest", "-q", *(word for name in _LEFT_OUT for word in ("-p", f"no:{name}")))
PROJECT = {
    "emulator.py": "def speed():\n    return 88\n",
    "contracts/__init__.py": "",
    "contracts/terms.py": "NOTICE_DAYS = 30\n",
    "testing.py": "",
    "tests/conftest.py": """
        import pytest

        @pytest.fixture
        def kv():
            return {"mine": True}

        @pytest.fixture
        def faults():
            return ["mine"]
        """,
    "tests/test_own_names.py": """
        import emulator as of_the_project
        from contracts.terms import NOTICE_DAYS

        def test_modules(kv, faults):
            assert (of_the_project.speed(), NOTICE_DAYS) == (88, 30)
            assert (kv, faults) == ({"mine": True}, ["mine"])

        def test_beside_ours(emulator, emulator_clock, kv):
            emulator.at("SJC").kv.put("k", "v")
            emulator_clock.advance(60)
            assert emulator.at("NRT").kv.get("k") == "v"
            assert kv == {"mine": True}
        """,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, source in PROJECT.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(source), "utf-8")
    return tmp_path


def python(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A process in the folder of the project that knows nothing of ours but what is installed."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV", "PYTHON"))
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_project_with_modules_and_fixtures_of_our_names_is_tested_as_if_we_were_not_there(project: Path) -> None:
    ran = python(project, *PYTEST, "-W", "error")
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
    assert "2 passed" in ran.stdout


def test_our_fixtures_are_found_where_the_project_has_none_of_these_names(project: Path) -> None:
    (project / "tests" / "conftest.py").unlink()
    (project / "tests" / "test_own_names.py").write_text("def test_it(kv, faults):\n    kv.put('k', 'v')\n", "utf-8")
    ran = python(project, *PYTEST, "-W", "error")
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr


def test_the_commands_run_in_such_a_project(project: Path) -> None:
    ran = python(project, "-m", "queue_emulator", "--version")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("queue-emulator ")


def test_an_empty_session_loads_the_plugin_and_nothing_under_it(project: Path) -> None:
    listing = """
        import atexit, sys
        atexit.register(lambda: print(*(name for name in sys.modules if name.startswith("queue_"))))
        """
    (project / "tests" / "conftest.py").write_text(dedent(listing), "utf-8")
    (project / "tests" / "test_own_names.py").write_text("", "utf-8")
    loaded = set(python(project, *PYTEST).stdout.splitlines()[-1].split())
    plugins = {"queue_emulator.pytest_plugin", "queue_contracts.pytest_entry"}
    assert loaded == {"queue_emulator", "queue_contracts", *plugins}


@pytest.mark.parametrize("package", ["queue_emulator", "queue_contracts"])
def test_both_packages_say_that_they_are_typed(package: str) -> None:
    assert files(package).joinpath("py.typed").is_file()
