"""Arguments that cannot be: one line that says what was wrong and where to look, code 2, nothing written."""

from pathlib import Path

import pytest

from tests.cli.emulator_process import files_of, run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            [],
            "queue-emulator: the following arguments are required: COMMAND; see queue-emulator --help",
        ),
        (["brew"], "queue-emulator: argument COMMAND: invalid choice: 'brew'"),
        (["serve", "--prot", "1"], "queue-emulator: unrecognized arguments: --prot 1"),
        (["serve", "--port", "x"], "queue-emulator serve: argument --port: a port must be 0 to 65535, not 'x'"),
        (["serve", "--port"], "queue-emulator serve: argument --port: expected one argument"),
        (["serve", "--plan", "\x1b[2J\n"], "queue-emulator serve: argument --plan: invalid choice: '\\x1b[2J\\n'"),
        (["serve", "a\x1b[2J\nb"], r"queue-emulator: unrecognized arguments: a\u001b[2J"),
        (["serve", "--state", "a", "--ephemeral"], "argument --ephemeral: not allowed with argument --state"),
        (["seed"], "queue-emulator seed: the following arguments are required: FILE"),
        (["cost", "--over", "-1"], "queue-emulator cost: argument --over: must be a whole number above 0, not '-1'"),
        (
            ["serve", "--location", "Tokyo"],
            "--location must be an airport code of three letters, such as SJC or NRT, not 'Tokyo'",
        ),
        (["serve", "--location", "sjc", "--location", "SJC"], "--location SJC is given twice"),
        (["serve", "--location", "api"], "API is the name of Cloudflare's API in faults and journal"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(tmp_path: Path, arguments: list[str], said: str) -> None:
    told = run(*arguments, folder=tmp_path)
    assert (told.returncode, told.stdout) == (2, "")
    first, *others = told.stderr.splitlines()
    assert said in first
    assert [line for line in others if not line.startswith("    ")] == []
    assert files_of(tmp_path) == {}


def test_help_and_version_are_no_errors(tmp_path: Path) -> None:
    assert run("--version", folder=tmp_path).stdout.startswith("queue-emulator ")
    assert run("serve", "--help", folder=tmp_path).stdout.startswith("usage: queue-emulator serve ")
