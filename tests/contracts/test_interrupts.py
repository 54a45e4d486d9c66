"""Whoever is told to end tidies up, says so in a line, and leaves no process behind."""

import itertools
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.contracts.command import environment, start
from tests.contracts.deployment import RESULT, Deployment, deployed

pytestmark = pytest.mark.slow

# The second step waits for a task that never comes.
SEQUENCE = """
- name: one that waits until it is ended
  steps:
    - {operation: postResult, id: a, status: 200, body: {success: true}}
    - {operation: getTask, id: a, status: 200, until: {}}
"""


def tell(process: subprocess.Popen[str], number: int) -> None:
    """As a supervisor ends the first process, and a terminal interrupts all of them."""
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)


def members(group: int) -> list[str]:
    """The emulators and the hunting processes of a group; Python's own tracker ends a moment after its last one."""
    listed = subprocess.run(["ps", "-eo", "pgid=,args="], capture_output=True, text=True, check=True).stdout
    split = (line.split(None, 1) for line in listed.splitlines())
    return [args for pgid, args in split if int(pgid) == group and re.search("queue-emulator|spawn_main", args)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_comparison_that_is_told_to_end_takes_away_what_it_wrote(number: int, code: int, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(SEQUENCE)
    waits = threading.Event()
    deployment = Deployment(
        after_request=lambda method, path: waits.set() if method == "GET" and "/ct-" in path else None
    )
    with deployed(deployment):
        options = ("--profile", "isolated", "--rate", "6000", "--sequences", "mine.yaml")
        env = environment(deployment, kv=True)
        process = start("diff", deployment.url, "emulator", *options, env=env, folder=tmp_path)
        assert waits.wait(60)
        assert any(key.startswith(RESULT) for key in deployment.dump())
        tell(process, number)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == code, output
    assert output.splitlines()[-1] == "queue-contracts: interrupted"
    assert "Traceback" not in output
    assert not members(process.pid)
    assert not deployment.dump()


@pytest.mark.runtime
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_hunt_that_is_told_to_end_begins_no_further_one(number: int, code: int, tmp_path: Path) -> None:
    env = environment(WORKERD=os.environ["WORKERD"])
    process = start("mutants", "--jobs", "2", "--only", "test_life_of_a_task", env=env, folder=tmp_path)
    assert process.stdout is not None
    first = process.stdout.readline()
    tell(process, number)
    output, _ = process.communicate(timeout=60)
    assert first.startswith("caught"), first + output
    assert process.returncode == code, output
    assert output.splitlines()[-1] == "queue-contracts: interrupted"
    assert "Traceback" not in output
    assert not members(process.pid)
    assert not list(tmp_path.glob("mutant-*"))


def test_a_comparison_whose_reader_has_gone_ends_without_a_word(tmp_path: Path) -> None:
    env = environment()
    process = start("diff", "emulator", "emulator", "--only", "an empty queue", env=env, folder=tmp_path)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(60) == 128 + signal.SIGPIPE


def test_a_run_in_the_background_of_a_script_can_be_told_to_end_and_says_what_it_came_to_so_far(tmp_path: Path) -> None:
    asked, ended, counted = threading.Event(), threading.Event(), itertools.count()

    def hold(method: str, path: str) -> None:
        if next(counted) == 12:  # the answer to the next request of this connection never comes
            asked.set()
            ended.wait(60)

    with deployed(Deployment(after_request=hold)) as deployment:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell starts what stands before an `&`
        try:
            given = ("--url", deployment.url, "--rate", "6000", "--only", "wrong_key", "--report-dir", "reports")
            process = start(*given, env=environment(), folder=tmp_path)
        finally:
            signal.signal(signal.SIGINT, before)
        assert asked.wait(60)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
        ended.set()
    assert process.returncode == 143, output
    assert "PROVES NOTHING" not in output
    came_to = re.search(r"INTERRUPTED: this is what (\d+) of 40 checks came to", output)
    assert came_to, output
    assert 5 < int(came_to[1]) < 12
    assert f"{came_to[1]} checks passed, 0 failed; " in output
    assert "Contract of" in (tmp_path / "reports" / "report.html").read_text()


KILLED = """
import os, signal
from pathlib import Path
from queue_contracts.targets.serving import running_emulator
with running_emulator(Path.cwd()) as target:
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_what_a_process_has_started_ends_with_it_however_it_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", KILLED]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment(), start_new_session=True)
    assert process.wait(60) == -signal.SIGKILL
    waiting = threading.Event()
    for _ in range(300):
        if not members(process.pid):
            return
        waiting.wait(0.1)
    pytest.fail(f"still there: {members(process.pid)}")
