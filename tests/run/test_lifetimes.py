"""The emulator and the command live and end together, whoever is killed, and nothing of either is left."""

import os
import pty
import signal
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import pytest

from tests.cli.emulator_process import COMMAND
from tests.run.tool import StartRun, environment_of, gone, kill
from tests.workerd.serving import alive, below

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are looked up in /proc")

# A tool as tools are: it starts a helper that does not look whether its parent lives, says so, and waits.
TOOL = """
import signal, subprocess, sys
{before}
helper = subprocess.Popen([sys.executable, "-c", "import signal; print('helping', flush=True); signal.pause()"])
print("helper", helper.pid, flush=True)
{after}
"""
WAITING = "signal.pause()"


def tool(after: str = WAITING, before: str = "") -> list[str]:
    return [sys.executable, "-c", TOOL.format(before=before, after=after)]


@pytest.mark.parametrize("code", [0, 1, 7])
def test_the_exit_code_is_the_commands(start_run: StartRun, code: int) -> None:
    assert start_run([sys.executable, "-c", f"raise SystemExit({code})"]).ended() == code


def test_a_command_that_a_signal_ends_counts_as_in_a_shell(start_run: StartRun) -> None:
    code = start_run([sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]).ended()
    assert code == 128 + signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_emulator_reaches_the_command_which_decides_what_it_means(
    start_run: StartRun, number: signal.Signals
) -> None:
    after = f"signal.signal({number.value}, lambda *_: sys.exit(9))\nprint('waiting', flush=True)\n{WAITING}"
    running = start_run(tool(after))
    running.line("waiting")
    everything = below(running.process.pid)
    assert running.stop(number) == 9
    assert gone(everything)


def test_what_the_command_leaves_behind_is_ended(start_run: StartRun) -> None:
    running = start_run(tool(after=""))
    helper = int(running.line(r"helper (\d+)")[1])
    assert running.ended() == 0
    assert gone([helper])


def test_a_command_that_ignores_what_it_is_told_is_killed(start_run: StartRun) -> None:
    running = start_run(
        tool(before="signal.signal(signal.SIGTERM, signal.SIG_IGN)", after=f"print('up', flush=True)\n{WAITING}")
    )
    running.line("up")
    everything = below(running.process.pid)
    assert running.stop() == 128 + signal.SIGKILL
    assert gone(everything)


def test_a_killed_command_takes_what_it_started_and_the_emulator_with_it(start_run: StartRun) -> None:
    running = start_run(tool())
    helper = int(running.line(r"helper (\d+)")[1])
    running.line("helping")
    everything = below(running.process.pid)
    command = next(pid for pid in everything if helper in below(pid) and pid not in (running.process.pid, helper))
    kill(command)
    assert running.ended() == 128 + signal.SIGKILL
    assert gone(everything)


def test_a_killed_emulator_takes_the_command_and_what_that_started_with_it(start_run: StartRun) -> None:
    running = start_run(tool())
    running.line("helping")
    everything = below(running.process.pid)
    kill(running.process.pid)
    assert running.ended() == -signal.SIGKILL
    assert gone(everything)


def test_with_emulator_and_command_killed_at_once_nothing_is_left(start_run: StartRun) -> None:
    running = start_run(tool())
    running.line("helping")
    helper = int(running.line(r"helper (\d+)")[1])
    everything = below(running.process.pid)
    command = next(pid for pid in everything if helper in below(pid) and pid not in (running.process.pid, helper))
    kill(running.process.pid)
    kill(command)
    assert gone(everything)


def test_what_detaches_itself_as_a_browser_does_stays(start_run: StartRun) -> None:
    detached = "import signal; signal.pause()"
    code = f"""
import subprocess, sys
nowhere = dict.fromkeys(("stdout", "stderr"), subprocess.DEVNULL)
print("detached", subprocess.Popen([sys.executable, "-c", {detached!r}], start_new_session=True, **nowhere).pid)
"""
    running = start_run([sys.executable, "-c", code])
    assert running.ended() == 0
    pid = int(running.line(r"detached (\d+)")[1])
    try:
        assert alive([pid])
    finally:
        kill(pid)


def test_no_folder_is_left_also_after_a_kill(start_run: StartRun) -> None:
    with TemporaryDirectory() as temporary:
        assert start_run([sys.executable, "-c", "pass"], TMPDIR=temporary).ended() == 0
        assert list(Path(temporary).iterdir()) == []
        running = start_run(tool(), TMPDIR=temporary)
        running.line("helping")
        everything = below(running.process.pid)
        kill(running.process.pid)
        assert gone(everything)
        assert list(Path(temporary).iterdir()) == []


# A terminal.

# A signal that comes between two of its lines waits for it: no handler is missed before a read that blocks.
PROBE = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
streams = (sys.stdin, sys.stdout, sys.stderr)
print("terminal", *(each.isatty() for each in streams), os.getpgrp() == os.tcgetpgrp(0), flush=True)
signal.sigwait({signal.SIGINT})
print("interrupted", flush=True)
typed = input()
print("typed", typed, "again" if signal.SIGINT in signal.sigpending() else "once", flush=True)
sys.exit(5)
"""


def test_a_terminal_is_the_commands_own_and_ctrl_c_reaches_it_once(tmp_path: Path) -> None:
    command = [COMMAND, "run", "--ephemeral", "--", sys.executable, "-c", PROBE]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(command[0], command, environment_of(tmp_path))
    with os.fdopen(terminal, "r+b", buffering=0) as screen:
        assert read_until(screen, "terminal") == "terminal True True True True"
        screen.write(b"\x03")
        assert read_until(screen, "interrupted").endswith("interrupted")
        screen.write(b"hello\n")
        assert read_until(screen, "typed") == "typed hello once"
        read_to_end(screen)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5


def read_until(screen: BinaryIO, word: str) -> str:
    """The line with a word, as it stands on the screen."""
    line = b""
    while not (line.endswith(b"\n") and word.encode() in line):
        line = line if not line.endswith(b"\n") else b""
        line += screen.read(1)
    return line.decode().strip()


def read_to_end(screen: BinaryIO) -> None:
    with suppress(OSError):  # Linux says so when the last process has closed the terminal
        while screen.read(1024):
            pass
