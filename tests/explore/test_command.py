"""`queue-emulator explore`: what it says, writes, and ends with."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from queue_emulator import cli
from queue_emulator.explore.schedule import FIRST_LINE
from tests.workerd.serving import ON_LINUX, children, kill

DAEMONS = ("explore", "--scenario", "two-ends", "--schedules", "64", "--random-seed", "1")


def run(*arguments: str) -> int:
    try:
        return cli.main(arguments)
    except SystemExit as ended:
        assert isinstance(ended.code, int)
        return ended.code


@pytest.mark.slow
def test_what_breaks_is_told_in_five_lines_written_and_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*DAEMONS, "--out", str(tmp_path / "found")) == 1
    said = capsys.readouterr().out
    takes = "needs          a location answers from its own copies for up to a minute"
    paragraph = next(each for each in said.split("\n\n") if each.startswith("P1 ONE HOLDER") and takes in each)
    lines = paragraph.splitlines()
    assert len(lines) == 5
    written = Path(lines[4].split()[-1])
    assert written.parent == tmp_path / "found"
    assert f"--replay {written}" in written.with_suffix(".svg").read_text()

    assert run("explore", "--replay", str(written)) == 1
    assert capsys.readouterr().out.startswith("Still broken: P1 one holder: a holds t1 by its claim, and so does b")


@pytest.mark.slow
def test_the_same_number_of_schedules_and_seed_say_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for _ in range(2):
        assert run(*DAEMONS, "--json") == 1
        said.append(json.loads(capsys.readouterr().out))
    assert said[0] == said[1]
    assert said[0]["schedules"] == 64
    assert {"guarantee", "why", "needs", "steps", "switches"} <= said[0]["findings"][0].keys()


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2], ids=["one-process", "two-processes"])
def test_ctrl_c_keeps_what_was_found(count: int, tmp_path: Path) -> None:
    with searching(tmp_path, count) as running:
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=60)
    assert running.returncode == 1
    assert said.splitlines()[-1].endswith("; interrupted")
    assert list(tmp_path.glob("*.schedule"))


@ON_LINUX
@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_search_and_what_all_have_found_stays(tmp_path: Path) -> None:
    with searching(tmp_path, 2) as running:
        started = [pid for pid in children(running.pid) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(started) == 2
        kill(started[0])
        said, errors = running.communicate(timeout=60)
    assert running.returncode == 2
    assert said.splitlines()[-1].endswith("; interrupted")
    assert list(tmp_path.glob("*.schedule"))
    killed = "queue-emulator: a process of the search has ended without a word: it was killed"
    assert errors.splitlines()[-1] == f"{killed}; the search is not finished"


@contextmanager
def searching(folder: Path, processes: int) -> Iterator["subprocess.Popen[str]"]:
    """A search without an end that has found something."""
    arguments = [
        "-m",
        "queue_emulator",
        "explore",
        "--scenario",
        "two-ends",
        "--seconds",
        "600",
        "--out",
        str(folder),
        "--workers",
        str(processes),
    ]
    with subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as running:
        assert running.stderr is not None
        assert any("broken guarantees: P" in line for line in running.stderr)
        yield running
        running.kill()


def test_where_nothing_breaks_it_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explore", "--scenario", "daemons", "--schedules", "1") == 0
    assert capsys.readouterr().out.startswith("nothing is broken in 1 schedules")


def test_a_schedule_that_holds_now_ends_with_0_and_says_what_differed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mended.schedule"
    path.write_text(
        "# a schedule of queue-emulator explore, form 1\n"
        "broken     P4 renew\n"
        "actor      a at SJC on new: claim\n"
        "a          claim   get queue:lease:t1   -> nothing\n"
    )
    assert run("explore", "--replay", str(path), "--picture", str(tmp_path / "mended.svg")) == 0
    assert "P4 no failure: holds now" in (tmp_path / "mended.svg").read_text()
    said = capsys.readouterr().out
    assert "line 4: a does list queue:task:, where it was get queue:lease:t1" in said
    assert "Holds now: P4 no failure." in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--scenario", "nobody"), "unknown scenario 'nobody'; there are daemons, two-ends"),
        (("--seconds", "0"), "must be more than 0 and at most 86400 seconds, not '0'"),
        (("--schedules", "many"), "must be a whole number above 0, not 'many'"),
        (("--seconds", "1", "--schedules", "1"), "not allowed with"),
        (("--replay", "there-is-none.schedule"), "there-is-none.schedule: No such file or directory"),
        (("--replay", "x", "--out", "y"), "--replay does one schedule again: it takes no --out"),
        (("--machines", "17"), "must be 1 to 16 machines, not '17'"),
        (("--picture", "x"), "--picture draws one schedule: give it with --replay"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("explore", *arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.parametrize(
    ("put", "said"),
    [
        (lambda path: path.symlink_to("/dev/zero"), "is not a regular file"),
        (os.mkfifo, "is not a regular file"),
        (lambda path: path.write_bytes(b"#" * 1_000_001), "has 1,000,001 bytes; at most 1,000,000 are read"),
    ],
    ids=["a-device", "a-pipe", "a-large-file"],
)
def test_a_schedule_without_an_end_is_refused(
    put: Callable[[Path], object], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "x.schedule")
    assert run("explore", "--replay", str(tmp_path / "x.schedule")) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("put", [lambda path, to: path.symlink_to(to), lambda path, to: os.link(to, path)])
def test_a_schedule_is_written_through_no_link(
    put: Callable[[Path, Path], object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    precious, found = tmp_path / "precious", tmp_path / "found"
    precious.write_text("mine")
    assert run(*DAEMONS, "--out", str(found)) == 1
    names = sorted(path.name for path in found.iterdir())
    assert run(*DAEMONS, "--out", str(found)) == 1  # those of a run before are replaced
    assert sorted(path.name for path in found.iterdir()) == names
    for name in names:
        (found / name).unlink()
        put(found / name, precious)
    capsys.readouterr()
    assert run(*DAEMONS, "--out", str(found)) == 2
    assert "link" in capsys.readouterr().err.splitlines()[-1]
    assert precious.read_text() == "mine"
    assert sorted(path.name for path in found.iterdir()) == names


@pytest.mark.parametrize("put", [lambda path, to: path.symlink_to(to), lambda path, to: os.mkfifo(path)])
def test_a_picture_is_drawn_through_no_link_and_waits_for_no_reader(
    put: Callable[[Path, Path], object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    precious, drawn, one = tmp_path / "precious", tmp_path / "one.svg", tmp_path / "one.schedule"
    precious.write_text("mine")
    one.write_text(f"{FIRST_LINE}\nbroken P4 renew\nactor a at SJC on new: claim\n")
    put(drawn, precious)
    assert run("explore", "--replay", str(one), "--picture", str(drawn)) == 2
    assert "is a symbolic link" in (said := capsys.readouterr().err) or "is not a regular file" in said
    assert precious.read_text() == "mine"


@pytest.mark.parametrize("scenario", ["../evil.toml", "link.toml", "{there}/evil.toml"])
def test_a_schedule_leads_to_no_code_outside_of_the_folder(
    scenario: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A schedule is sent from one to another, and a scenario names functions of Python."""
    (tmp_path / "evil.toml").write_text('worker = "evil.py:worker"\nguarantees = ["no-5xx"]\n')
    (tmp_path / "evil.py").write_text("import pathlib\npathlib.Path(__file__).with_name('done').touch()\n")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    Path("link.toml").symlink_to("../evil.toml")
    named = scenario.format(there=tmp_path)
    Path("x.schedule").write_text(f"{FIRST_LINE}\nscenario {named}\nbroken no-5xx\n")
    assert run("explore", "--replay", "x.schedule") == 2
    said = capsys.readouterr().err
    assert f"is of {named}, which is not below this folder and can run code: say --scenario {named} too" in said
    assert not (tmp_path / "done").exists()
    assert run("explore", "--replay", "x.schedule", "--scenario", named) == 2  # there is no such function in it
    assert (tmp_path / "done").exists() == (scenario != "link.toml")  # which looks beside itself


def test_the_scenario_of_a_schedule_that_lies_elsewhere_is_the_one_of_its_name_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "found").mkdir()
    (tmp_path / "mine.toml").write_text('worker = "mine.py:worker"\nguarantees = ["no-6xx"]\n')
    (tmp_path / "mine.py").write_text("def worker(): ...\n")
    monkeypatch.chdir(tmp_path / "found")
    Path("x.schedule").write_text(f"{FIRST_LINE}\nscenario mine.toml\nbroken no-5xx\n")
    assert run("explore", "--replay", "x.schedule") == 2
    assert "mine.toml, which is not in this folder: say where, with --scenario FILE" in capsys.readouterr().err
    assert run("explore", "--replay", "x.schedule", "--scenario", "../mine.toml") == 2
    said = capsys.readouterr().err
    assert "../mine.toml: " in said
    assert "'no-6xx' must be written as file.py:name, or be one of no-5xx" in said
