"""A search in several processes ends when it is told to, whatever its schedules do."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workerd.serving import ON_LINUX, children, kill

pytestmark = pytest.mark.slow

WORKER = 'export default { async fetch(request, env) { return new Response(await env.CACHE.get("x")) } }'
SCENARIO = """
worker = "worker.mjs"
guarantees = ["endless.py:looked_at"]
[[actor]]
name = "a"
asks = ["GET /"]
[[actor]]
name = "b"
asks = ["GET /"]
"""
ENDLESS = """
import sys
import threading
from queue_emulator.exploration import no_lost_update
def wait(seen):
    print("in the midst of a schedule", file=sys.stderr, flush=True)
    threading.Event().wait()
looked_at = no_lost_update(lambda answer: 1, wait)
"""


@pytest.fixture
def searching(tmp_path: Path, workerd: Path) -> Iterator[subprocess.Popen[str]]:
    """A search in two processes, both in a schedule that does not end."""
    for name, text in (("worker.mjs", WORKER), ("mine.toml", SCENARIO), ("endless.py", ENDLESS)):
        (tmp_path / name).write_text(text)
    command = (sys.executable, "-m", "queue_emulator", "explore", "--scenario", "mine.toml", "--workerd", str(workerd))
    with subprocess.Popen(
        (*command, "--workers", "2", "--seconds", "1"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as running:
        assert running.stderr is not None
        begun = (line for line in running.stderr if line == "in the midst of a schedule\n")
        assert [next(begun, None) for _ in range(2)] == ["in the midst of a schedule\n"] * 2
        yield running
        running.kill()


ONCE = """
import sys
from queue_emulator.exploration import no_lost_update
asked = []
def wait(seen):
    asked.append(seen)
    if len(asked) == 200:
        print("looked at", file=sys.stderr, flush=True)
        sys.stdin.readline()
    return 0
looked_at = no_lost_update(lambda answer: 1, wait)
"""
TELLS_TIME = """
export default { async fetch(request, env) {
  await env.CACHE.get("x");
  await env.CACHE.put("x", String(Date.now())).catch(() => {});
  return new Response(await env.CACHE.get("x"));
} };
"""


@ON_LINUX
def test_a_runtime_that_is_killed_ends_a_search_in_one_line_and_what_was_found_stays(
    tmp_path: Path, workerd: Path
) -> None:
    for name, text in (("worker.mjs", TELLS_TIME), ("mine.toml", SCENARIO), ("endless.py", ONCE)):
        (tmp_path / name).write_text(text)
    named = ("--workerd", str(workerd), "--seconds", "60")
    with subprocess.Popen(
        (sys.executable, "-m", "queue_emulator", "explore", "--scenario", "mine.toml", *named),
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as running:
        assert running.stderr is not None
        assert next((line for line in running.stderr if line == "looked at\n"), None) is not None
        (child,) = children(running.pid)
        for each in (*children(child), child):  # as by who kills all that has workerd in its command
            kill(each)
        said, errors = running.communicate("\n", timeout=60)
    assert running.returncode == 2
    assert "NO LOST UPDATE" in said
    assert said.rstrip().endswith("; interrupted")
    ended = "queue-emulator: workerd has ended: it was killed, or it crashed; the search is not finished"
    assert [line for line in errors.splitlines() if "schedules, " not in line] == [ended]


def test_ctrl_c_twice_ends_a_search_whose_schedules_do_not_end(searching: "subprocess.Popen[str]") -> None:
    searching.send_signal(signal.SIGINT)
    searching.send_signal(signal.SIGINT)
    said, told = searching.communicate(timeout=60)
    assert "2 of 2 processes did not stop and were killed" in told
    assert said.endswith("; interrupted\n")
    assert searching.returncode == 0


def test_processes_of_a_search_that_was_killed_end_too(searching: "subprocess.Popen[str]") -> None:
    searching.kill()
    searching.communicate(timeout=60)  # all of them hold its ends of the pipes
    assert searching.returncode == -signal.SIGKILL
