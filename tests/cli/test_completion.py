"""What a shell completes is what the commands take: tried in the shell itself."""

import subprocess
from functools import cache
from pathlib import Path

import pytest

import queue_contracts.cli
import queue_emulator.cli
from tests.cli.in_process import run_here

PROGRAMS = {"queue-emulator": queue_emulator.cli.main, "queue-contracts": queue_contracts.cli.main}


@cache
def script(program: str, shell: str) -> str:
    return run_here("completion", shell, folder=Path(__file__).parent, main=PROGRAMS[program]).stdout


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
