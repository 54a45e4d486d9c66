"""The command itself: its help, its version, and what it says to arguments that it does not take."""

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.emulator_process import files_of, run
from tests.cli.in_process import refusal, run_here


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("--version",), ("-m", "queue_emulator", "--version")])
def test_both_ways_of_starting_it_tell_the_version(folder: Path, arguments: tuple[str, ...]) -> None:
    as_module = arguments[0] == "-m"
    done = run(*arguments, folder=folder, command=sys.executable) if as_module else run(*arguments, folder=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"queue-emulator {version('queue-emulator')}\n", "")


@pytest.mark.slow
def test_a_process_that_is_refused_says_it_in_one_line_and_ends_with_2(folder: Path) -> None:
    done = run("serve", "--port", "0", "--seed", "missing.json", folder=folder)
    said = "queue-emulator: cannot read missing.json: No such file or directory\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--help",), ("    serve ", "    seed ")),
        (("serve", "--help"), ("  --host", "  --state", "(default: 127.0.0.1)", "(default: 8787)")),
        (("seed", "--help"), ("--to ENDPOINT", "--state FILE")),
    ],
)
def test_help_names_commands_and_options(folder: Path, arguments: tuple[str, ...], named: tuple[str, ...]) -> None:
    done = run_here(*arguments, folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert [each for each in named if each not in done.stdout] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "queue-emulator: the following arguments are required: COMMAND; see queue-emulator --help"),
        (("brew",), "queue-emulator: argument COMMAND: invalid choice: 'brew'"),
        (("serve", "--prot", "1"), "queue-emulator: unrecognized arguments: --prot 1"),
        (("serve", "a\x1b[2J\nb"), r"queue-emulator: unrecognized arguments: a\u001b[2J"),
        (("serve", "--port"), "queue-emulator serve: argument --port: expected one argument"),
        (("serve", "--port", "x"), "queue-emulator serve: argument --port: a port must be 0 to 65535, not 'x'"),
        (("serve", "--port", "99999"), "a port must be 0 to 65535, not '99999'"),
        (("serve", "--port", "-1"), "a port must be 0 to 65535, not '-1'"),
        (("serve", "--plan", "\x1b[2J\n"), "queue-emulator serve: argument --plan: invalid choice: '\\x1b[2J\\n'"),
        (("serve", "--profile", "lenient"), "argument --profile: invalid choice: 'lenient'"),
        (("serve", "--worker-version", "newest"), "'newest'"),
        (("serve", "--rate-limit", "0"), "argument --rate-limit: must be a whole number above 0, not '0'"),
        (("serve", "--rate-limit", "many"), "argument --rate-limit: must be a whole number above 0, not 'many'"),
        (("serve", "--state", "a", "--ephemeral"), "argument --ephemeral: not allowed with argument --state"),
        (("serve", "--location", "sjc", "--location", "SJC"), "--location SJC is given twice"),
        (("serve", "--location", "api"), "API is the name of Cloudflare's API in faults and journal"),
        (("seed",), "queue-emulator seed: the following arguments are required: FILE"),
        (
            ("seed", "a.json", "--to", "http://127.0.0.1:8787", "--state", "kept.sqlite"),
            "argument --state: not allowed with argument --to",
        ),
        (("cost", "--over", "-1"), "queue-emulator cost: argument --over: must be a whole number above 0, not '-1'"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run_here(*arguments, folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    first, *others = done.stderr.splitlines()
    assert said in first
    assert [line for line in others if not line.startswith("    ")] == []
    assert files_of(folder) == {}


@pytest.mark.parametrize("code", ["", "S J C", "SJC/../NRT", "ЖЖЖ", "A" * 17, "Tokyo", "S1C"])
def test_a_location_is_named_by_an_airport_code(folder: Path, code: str) -> None:
    assert refusal("serve", "--port", "0", "--location", code, folder=folder) == (
        f"--location must be an airport code of three letters, such as SJC or NRT, not {code!r}"
    )
