"""The command itself: its help, its version, and what it says to arguments it does not take."""

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.emulator_process import run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("arguments", [("--version",), ("-m", "queue_emulator", "--version")])
def test_both_ways_of_starting_it_tell_the_version(folder: Path, arguments: tuple[str, ...]) -> None:
    as_module = arguments[0] == "-m"
    done = run(*arguments, folder=folder, command=sys.executable) if as_module else run(*arguments, folder=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"queue-emulator {version('queue-emulator')}\n", "")


def test_help_names_the_commands(folder: Path) -> None:
    done = run("--help", folder=folder)
    assert done.returncode == 0
    for command in ("serve", "seed"):
        assert f"    {command} " in done.stdout


def test_help_of_serve_names_every_option(folder: Path) -> None:
    done = run("serve", "--help", folder=folder)
    assert done.returncode == 0
    for option in (
        *("--host", "--port", "--state", "--ephemeral", "--seed", "--profile"),
        *("--location", "--worker-version", "--rate-limit", "--strict", "--quiet"),
    ):
        assert f"  {option}" in done.stdout
    assert "(default: 127.0.0.1)" in done.stdout
    assert "(default: 8787)" in done.stdout


def test_help_of_seed_names_its_targets(folder: Path) -> None:
    done = run("seed", "--help", folder=folder)
    assert done.returncode == 0
    assert "--to ENDPOINT" in done.stdout
    assert "--state FILE" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "COMMAND"),
        (("dance",), "dance"),
        (("seed",), "FILE"),
        (("serve", "--port", "99999"), "99999"),
        (("serve", "--port", "-1"), "-1"),
        (("serve", "--port", "http"), "http"),
        (("serve", "--profile", "lenient"), "lenient"),
        (("serve", "--worker-version", "newest"), "newest"),
        (("serve", "--rate-limit", "0"), "'0'"),
        (("serve", "--rate-limit", "many"), "many"),
        (("serve", "--ephemeral", "--state", "kept.sqlite"), "--state"),
        (("seed", "a.json", "--to", "http://127.0.0.1:8787", "--state", "kept.sqlite"), "--state"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(folder: Path, arguments: tuple[str, ...], named: str) -> None:
    done = run(*arguments, folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    last_line = done.stderr.splitlines()[-1]
    assert last_line.startswith("queue-emulator")
    assert named in last_line
    assert not list(folder.iterdir())


@pytest.mark.parametrize("code", ["", "S J C", "SJC/../NRT", "ЖЖЖ", "A" * 17, "Tokyo", "S1C"])
def test_a_location_is_named_by_an_airport_code(folder: Path, code: str) -> None:
    done = run("serve", "--port", "0", "--location", code, folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"queue-emulator: --location must be an airport code of three letters, such as SJC or NRT, not {code!r}\n"
    )
    assert not list(folder.iterdir())
