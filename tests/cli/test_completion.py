"""What a shell completes is what the commands take: tried in the shell itself."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAMS = {"queue-emulator": "queue_emulator", "queue-contracts": "queue_contracts.cli"}


def script(program: str, shell: str) -> str:
    command = [sys.executable, "-m", PROGRAMS[program], "completion", shell]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def completed(program: str, *words: str, folder: Path) -> set[str]:
    """What bash offers for the last of the words."""
    quoted = " ".join(f"'{word}'" for word in (program, *words))
    asked = f"""
        {script(program, "bash")}
        COMP_WORDS=({quoted}); COMP_CWORD={len(words)}
        {"_shtab_" + program.replace("-", "_")}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    told = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True, cwd=folder)
    return set(told.stdout.split())


@pytest.mark.parametrize(
    ("program", "words", "offered"),
    [
        ("queue-emulator", ("se",), {"serve", "seed"}),
        ("queue-emulator", ("serve", "--worker-v"), {"--worker-version"}),
        ("queue-emulator", ("serve", "--profile", ""), {"cloudflare", "local"}),
        ("queue-emulator", ("serve", "--state", "my"), {"my.sqlite"}),
        ("queue-contracts", ("m",), {"mutants"}),
        ("queue-contracts", ("workerd", "--format", ""), {"new", "old", "dual"}),
        ("queue-contracts", ("--disp",), {"--disposable"}),
    ],
)
def test_a_shell_completes_commands_options_and_files(
    program: str, words: tuple[str, ...], offered: set[str], tmp_path: Path
) -> None:
    (tmp_path / "my.sqlite").touch()
    assert completed(program, *words, folder=tmp_path) == offered


@pytest.mark.parametrize("program", PROGRAMS)
def test_other_shells_have_scripts_too(program: str) -> None:
    assert script(program, "zsh").startswith(f"#compdef {program}")
    assert f"complete {program} " in script(program, "tcsh")
