"""`keys`, `journal`, `clock`, `faults` and `reset`: the controls of a running emulator as commands."""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from queue_emulator.commands import controls
from queue_emulator.commands.text_table import columns, shortened, width
from tests.cli.emulator_process import (
    COMMAND,
    QUEUE,
    WAIT_S_MAX,
    Emulator,
    StartEmulator,
    closed_environment,
)
from tests.cli.in_process import refusal, run_here

pytestmark = pytest.mark.slow
CONTROL = "/cdn-cgi/emulator/"
TOKYO = {**QUEUE, "X-Emulator-Location": "NRT"}


@pytest.fixture
def stale(start_emulator: StartEmulator) -> Emulator:
    """One in which NRT shows what is old."""
    running = start_emulator("--ephemeral", "--location", "SJC", "--location", "NRT")
    running.ask("POST", "/cdn-cgi/emulator/clock", json={"freeze": True})
    running.ask("GET", "/api/queue", headers=TOKYO)
    running.ask("POST", "/cdn-cgi/emulator/enqueue", json={"task": {"id": "t1"}})
    running.ask("GET", "/api/queue/t1", headers=TOKYO)
    running.ask("POST", "/cdn-cgi/emulator/clock", json={"advance_s": 2})
    running.ask("POST", "/api/queue/t1/status", headers=QUEUE, json={"status": "seen"})
    running.ask("GET", "/api/queue", headers=TOKYO)
    return running


def test_they_show_and_change_what_the_emulator_knows(stale: Emulator, tmp_path: Path) -> None:
    def said(*words: str) -> list[str]:
        done = run_here(*words, "--url", stale.url, folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    heading, key = said("keys", "--prefix", "queue:task:")
    assert heading.split() == ["KEY", "CENTRE", "EXPIRES", "SJC", "NRT"]
    assert "queue:task:t1  v2" in key
    assert re.search(r"STALE: v1, \d+ of 60 s", key)
    assert "NRT" not in said("keys", "--location", "SJC")[0]
    (line,) = said("keys", "--json")
    assert json.loads(line)["locations"]["NRT"]["stale"] is True
    (read,) = said("journal", "--stale")
    assert "NRT  list     queue:task: " in read
    assert re.search(r"copy [\d.]+ s old, STALE: not v2  GET /api/queue", read)
    assert [json.loads(each)["operation"] for each in said("journal", "--key", "queue:task:t1", "--json")] == [
        "list",
        "put",
        "get",
        "get",
        "put",
        "list",
    ]
    assert "frozen, " in said("clock", "+60")[0]
    before = json.loads(said("clock", "--json")[0])["offset_ms"]
    assert "running" in said("clock", "resume")[0]
    assert "ahead of this machine" in said("clock", "next-expiry")[0]
    assert json.loads(said("clock", "--json")[0])["offset_ms"] - before > 3_000_000
    assert said("keys") == ["no keys"], "what expires has expired"
    assert said("faults") == ["no fault rules"]
    added = said("faults", "add", "fail_before", "operation=put", "key_prefix=queue:lease:", "times=1")
    assert " ".join(added[1].split()) == "1 fail_before 0 0 status 500, operation put, key_prefix queue:lease:, times 1"
    assert json.loads(said("faults", "--json")[0])[0]["times"] == 1
    assert said("faults", "remove", "1") == ["no fault rules"]
    assert said("reset") == ["all data, faults, journal and counts are deleted"]
    assert said("journal") == ["no operations"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["keys", "--location", "LAX"], "unknown location 'LAX'; this emulator has SJC"),
        (["keys", "--namespace", "NO"], "unknown namespace 'NO'"),
        (["faults", "add", "explode"], "verdict must be one of"),
        (["faults", "add", "delay", "for_s=much"], "for_s must be a number, not 'much'"),
        (
            ["faults", "forget"],
            "usage: faults [add VERDICT NAME=VALUE... | remove ID | clear], for example: faults add",
        ),
        (["faults", "remove", "7"], "no fault rule has the id '7'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(emulator: Emulator, folder: Path, words: list[str], why: str) -> None:
    assert why in refusal(*words, "--url", emulator.url, folder=folder)


def test_a_change_of_the_clock_that_is_none_is_refused(folder: Path) -> None:
    done = run_here("clock", "later", folder=folder)
    assert done.returncode == 2
    assert "a time must look like 2026-11-23T17:00:00Z, not 'later'; or +60" in done.stderr


@contextmanager
def following(emulator: Emulator, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A command that follows, in a process of its own; killed where it would hang."""
    command = [COMMAND, *words, "--follow", "--url", emulator.url]
    with subprocess.Popen(command, env=closed_environment(), stdout=subprocess.PIPE, encoding="utf-8") as process:
        watchdog = threading.Timer(WAIT_S_MAX, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def test_what_comes_is_followed_and_an_end_of_the_emulator_ends_it(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral")
    with following(emulator, "journal") as journal:
        emulator.ask("POST", f"{CONTROL}keys/write", json={"key": "a\x1b[2J", "text": "v"})
        assert "put      a\\u001b[2J" in next_line(journal), "a terminal obeys nothing in a key"
        read_whole = re.compile(
            r"GET /cdn-cgi/emulator/journal\b(?!/).*\n.*GET /cdn-cgi/emulator/journal\b(?!/)", re.DOTALL
        )
        tries = (emulator.ask("GET", f"{CONTROL}clock") for _ in range(3_000))
        assert any(read_whole.search(emulator.log()) for _ in tries), "what there was is read until there is no more"
        emulator.ask("POST", f"{CONTROL}keys/write", json={"key": "b", "text": "v"})
        assert "put      b " in next_line(journal)
        assert emulator.stop() == 0, "a stream without an end does not hold up the end"
        assert journal.wait(WAIT_S_MAX) == 0


def test_each_key_that_changes_is_followed_until_the_emulator_ends(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral")
    with following(emulator, "keys") as keys:
        assert next_line(keys) == "no keys"
        emulator.ask("POST", f"{CONTROL}keys/write", json={"key": "a", "text": "v"})
        assert next_line(keys).startswith("-- 20")
        assert next_line(keys).split() == ["a", "v1", "-"]
        emulator.ask("POST", f"{CONTROL}keys/write", json={"key": "b", "text": "v"})
        assert next_line(keys).startswith("-- 20")
        assert next_line(keys).split() == ["b", "v2", "-"], "`a` has not changed"
        assert emulator.stop() == 0
        assert keys.wait(WAIT_S_MAX) == 0


def test_a_command_sends_the_token_that_opens_the_controls(start_emulator: StartEmulator, folder: Path) -> None:
    token = {"EMULATOR_CONTROL_TOKEN": "open-sesame"}
    clock = ("clock", "--url", start_emulator("--ephemeral", environment=token).url)
    assert run_here(*clock, folder=folder, environment=token).returncode == 0
    told = refusal(*clock, folder=folder, environment={"EMULATOR_CONTROL_TOKEN": "another"})
    assert "not the token" in told
    assert "another" not in told


def test_columns_are_as_wide_as_a_terminal_shows_them() -> None:
    assert columns([("a", "b"), ("東京都", "x"), ("e\u0301", "y")]) == ["a       b", "東京都  x", "e\u0301       y"]
    assert columns([("\x1b[2J", "y")]) == ["\\u001b[2J  y"], "what a terminal would obey"
    assert columns([("👨\u200d👩", "x"), ("a", "y")]) == ["👨\u200d👩  x", "a     y"]


@pytest.mark.parametrize("columns_max", [20, 40, 60, 80, 100, 200])
@pytest.mark.parametrize("key", ["k", "queue:task:" + "x" * 60, "東" * 60, "e\u0301" * 60, "\x1b[2J" * 20])
def test_a_table_is_no_wider_than_its_terminal_as_far_as_that_can_be(columns_max: int, key: str) -> None:
    rows = [("KEY", "CENTRE"), (key, "v1"), ("short", "v12")]
    lines = columns(rows, columns_max)
    assert max(map(width, lines)) <= max(columns_max, 16 + 2 + 6)
    assert all(line.endswith(row[-1]) for line, row in zip(lines, rows, strict=True))
    assert ("…" in lines[1]) == (max(map(width, columns(rows))) > columns_max)
    event = controls.Event(
        1, 0, "SJC", "put", key, "POST /api/queue/claim", "new", "HIT", 101, version=1, stale=True, newer_version=2
    )
    line = controls.event_line(event, columns_max)
    assert "v1, copy 0.1 s old, STALE: not v2" in line
    assert width(line) <= max(columns_max, 28 + 16 + 1 + 33)


def test_the_middle_of_a_text_goes() -> None:
    assert shortened("queue:lease:task-0001", 12) == "queue:…-0001"
    assert (shortened("abcdef", 6), shortened("東京都", 5), shortened("東京都", 4)) == ("abcdef", "東…都", "東…")
