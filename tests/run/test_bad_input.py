"""What cannot be run is refused in one clear line, before anything is touched."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.emulator_process import closed_environment, run
from tests.cli.in_process import refusal
from tests.run.tool import StartRun

WAIT = [sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"]


def refused(folder: Path, *arguments: str, **variables: str) -> str:
    """The one line; nothing is written."""
    return refusal("run", *arguments, folder=folder, environment=variables or None)


@pytest.mark.parametrize("arguments", [(), ("--",), ("--location", "SJC", "--")])
def test_a_command_is_needed(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert refused(tmp_path, *arguments) == "run needs a command, as in: queue-emulator run -- npx wrangler dev"


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path, "--", "wrangle", "dev") == "cannot run wrangle: it is not on the PATH"


def test_without_node_its_tools_are_not_found(tmp_path: Path) -> None:
    line = refused(tmp_path, "--", "npx", "wrangler", "dev", PATH=str(tmp_path))
    assert line == "cannot run npx: it is not on the PATH; Node.js and its npx must be installed"


def test_a_path_that_is_no_program_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    assert refused(tmp_path, "--", "./notes.txt") == "cannot run ./notes.txt: it may not be run"
    assert refused(tmp_path, "--", "./nothing") == "cannot run ./nothing: there is no such file"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--at", "CACHE"), "--at must be BINDING=LOCATION, such as CACHE=NRT, not 'CACHE'"),
        (("--at", "my-cache=NRT"), "--at must be BINDING=LOCATION, such as CACHE=NRT, not 'my-cache=NRT'"),
        (("--at", "CACHE=NRT", "--at", "CACHE=FRA"), "--at gives CACHE two locations, NRT and FRA: give it one"),
        (("--port", "8787"), "port 8787 is requested by both --port and the command: change one"),
    ],
)
def test_an_option_that_cannot_be_is_named(tmp_path: Path, arguments: tuple[str, ...], why: str) -> None:
    assert refused(tmp_path, *arguments, "--", sys.executable, "dev", "--port", "8787") == why


def test_a_seed_that_kv_would_refuse_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(json.dumps([{"key": "", "value": "v"}]))
    line = refused(tmp_path, "--seed", "CACHE=bad.json", "--", sys.executable)
    assert line.startswith("bad.json: ")


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(tmp_path, "--port", str(port), "--", sys.executable)
    assert line.startswith(f"cannot listen on 127.0.0.1 port {port}: Address already in use")


def test_a_folder_for_sockets_that_is_too_long_is_named(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    ended = run("run", "--", sys.executable, folder=tmp_path, environment={"TMPDIR": str(folder)})
    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 2
    assert line.startswith(f"queue-emulator: cannot listen at {folder}/queue-emulator-")
    assert line.endswith("AF_UNIX path too long; TMPDIR names the folder for that")


def test_two_runs_on_one_state_are_refused(start_run: StartRun, tmp_path: Path) -> None:
    start_run(WAIT, kept=True).line("up")
    line = refused(tmp_path, "--", sys.executable, "-c", "print('ran')")
    assert "state.sqlite" in line
    assert "in use by another process" in line


def test_a_command_that_ends_at_once_says_that_nothing_was_emulated(start_run: StartRun) -> None:
    running = start_run([sys.executable, "-c", "raise SystemExit(3)"])
    assert running.ended() == 3
    (line,) = running.ours()
    assert line.startswith("queue-emulator: the command ended with exit code 3: no miniflare was found")


def test_options_of_the_command_are_its_own(start_run: StartRun) -> None:
    code = "import sys; print('given', sys.argv[1:])"
    running = start_run([sys.executable, "-c", code, "--", "--location", "x", "--port", "1"])
    assert running.line("given")[0]
    assert running.lines[0] == "given ['--', '--location', 'x', '--port', '1']"
    assert running.ended() == 0


def test_what_is_seeded_is_not_read_by_the_command(tmp_path: Path) -> None:
    """Standard input is the command's."""
    command = [str(Path(sys.executable).with_name("queue-emulator")), "run", "--ephemeral", "--"]
    ended = subprocess.run(
        [*command, sys.executable, "-c", "print(input())"],
        cwd=tmp_path,
        env=closed_environment(),
        input="typed\n",
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert ended.stdout == "typed\n"


@pytest.mark.parametrize(
    "left", ["garbage \x1b[2J", "", "{" * 60_000, None], ids=["no-json", "empty", "deep", "a-device"]
)
def test_a_report_that_cannot_be_read_is_told_of_in_one_line(left: str | None, tmp_path: Path) -> None:
    """Whatever the command runs can write where a refusal is left."""
    code = "import os, pathlib; path = pathlib.Path(os.environ['QUEUE_EMULATOR_RUN'], 'refused'); "
    code += "path.symlink_to('/dev/zero')" if left is None else f"path.write_text({left!r})"
    ended = run("run", "--ephemeral", "--", sys.executable, "-c", code, folder=tmp_path)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    said = "queue-emulator: the command ended, perhaps because its version of miniflare is not supported; the report "
    said += "of the reason cannot be read"
    assert said in ended.stderr.splitlines()
