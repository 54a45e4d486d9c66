"""A program in the place of workerd: its output is read within a bound of bytes and time, and nothing of it stays."""

import asyncio
import os
import resource
import select
from collections.abc import Callable
from pathlib import Path

import pytest

from queue_contracts.targets.workerd import RuntimeMissing, version_of
from queue_emulator.core.errors import SettingsError
from queue_emulator.workerd.binary_date import compatibility_date_of

MEGABYTES_MORE_MAX = 60
PROGRAMS = {
    "prints without an end": "exec cat /dev/zero",
    "prints lines without an end": "exec yes 'no version'",
    "prints nothing and does not end": "echo $$ > pids; exec sleep 60",
    "cannot be told to end": "trap '' TERM; echo $$ > pids; sleep 60; sleep 60",
    "closes its output and does not end": "echo $$ > pids; exec >&- 2>&-; exec sleep 60",
    "leaves another behind that holds its output": "sleep 60 & echo $! > pids",
    "prints what is no text": "printf '\\377\\376'",
    "prints nothing": "true",
}


def in_the_emulator(program: Path, seconds: float) -> str:
    return asyncio.run(compatibility_date_of(program, seconds))


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    monkeypatch.chdir(tmp_path)

    def made(script: str) -> Path:
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        return path

    return made


@pytest.mark.parametrize("asked", [in_the_emulator, version_of])
@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_program_that_says_no_version_is_refused_and_ended(
    kind: str, asked: Callable[[Path, float], str], program: Callable[[str], Path], tmp_path: Path
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises((SettingsError, RuntimeMissing), match="is not workerd: it does not print its version"):
        asked(program(PROGRAMS[kind]), 0.2)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024 < MEGABYTES_MORE_MAX
    for pid in (tmp_path / "pids").read_text().split() if (tmp_path / "pids").exists() else ():
        assert ends(int(pid))


@pytest.mark.parametrize("asked", [in_the_emulator, version_of])
def test_a_program_that_goes_on_after_its_version_is_believed(
    asked: Callable[[Path, float], str], program: Callable[[str], Path]
) -> None:
    assert asked(program("echo workerd 2026-11-17; exec yes more"), 30) == "2026-11-17"


def ends(pid: int) -> bool:
    """Whether a process is gone, or goes now: a signal takes a moment."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 10)[0])
    finally:
        os.close(process)
