"""`--ready-file`: there when requests are answered, gone at the end, and nobody else's file is touched."""

import json
import os
from pathlib import Path

import pytest

from queue_emulator.compose.ready_file import ReadyFile
from queue_emulator.core.errors import SettingsError
from tests.cli.emulator_process import StartEmulator
from tests.cli.in_process import run_here

TOKEN = "a-token-for-scripts"


def test_it_says_where_the_emulator_answers_and_no_secret(start_emulator: StartEmulator, tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    emulator = start_emulator("--ready-file", str(ready), environment={"EMULATOR_CONTROL_TOKEN": TOKEN})
    told = json.loads(ready.read_text())
    assert told["url"] == emulator.url
    assert told["pid"] == emulator.process.pid
    assert told["controls"] == f"{emulator.url}/cdn-cgi/emulator"
    assert list(told["namespaces"]) == ["CACHE"]
    answer = emulator.ask("GET", "/cdn-cgi/emulator/status", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    emulator.stop()
    assert not ready.exists()
    assert TOKEN not in emulator.log() + "".join(emulator.banner) + json.dumps(told)


@pytest.mark.parametrize("command", [["serve", "--ephemeral"], ["run", "--ephemeral"]])
def test_a_start_that_fails_on_its_port_leaves_the_file_of_the_emulator_that_has_it(
    start_emulator: StartEmulator, folder: Path, tmp_path: Path, command: list[str]
) -> None:
    ready = tmp_path / "ready.json"
    emulator = start_emulator("--ephemeral", "--ready-file", str(ready))
    words = [*command, "--port", f"{emulator.port}", "--ready-file", str(ready)]
    second = run_here(*words, *(["--", "true"] if command[0] == "run" else []), folder=folder)
    assert second.returncode == 2
    assert "cannot listen" in second.stderr
    assert json.loads(ready.read_text())["url"] == emulator.url


def test_what_another_run_left_goes_at_the_start(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    ReadyFile(ready).write({"url": "http://127.0.0.1:1"})
    ReadyFile(ready)
    assert not ready.exists()


def test_another_runs_file_is_left_at_the_end(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    ours = ReadyFile(ready)
    ours.write({"url": "http://127.0.0.1:1"})
    theirs = json.dumps({"url": "http://127.0.0.1:2", "pid": os.getpid() + 1})
    ready.write_text(theirs)
    ours.remove()
    assert ready.read_text() == theirs


def a_text(path: Path) -> None:
    path.write_text("{}")


def a_folder(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_link(path: Path) -> None:
    target = path.with_name("target")
    ReadyFile(target).write({"url": "http://127.0.0.1:1"})
    path.symlink_to(target)


def a_broken_link(path: Path) -> None:
    path.symlink_to(path.with_name("nothing"))


@pytest.mark.parametrize("make", [a_text, a_folder, a_pipe, a_link, a_broken_link])
def test_a_file_that_is_not_ours_is_refused_and_left(tmp_path: Path, make: object) -> None:
    ready = tmp_path / "ready.json"
    make(ready)  # type: ignore[operator]
    before = sorted((each.name, each.lstat().st_ino) for each in tmp_path.iterdir())
    with pytest.raises(SettingsError, match="is there and is no ready file: name another one"):
        ReadyFile(ready)
    assert sorted((each.name, each.lstat().st_ino) for each in tmp_path.iterdir()) == before


def test_a_folder_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be written: No such file or directory"):
        ReadyFile(tmp_path / "nowhere" / "ready.json")
