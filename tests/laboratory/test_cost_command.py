"""`queue-emulator cost`: the same as a table, asked of a running emulator."""

import json
from pathlib import Path

import pytest

from tests.cli.emulator_process import QUEUE, Emulator, StartEmulator
from tests.cli.in_process import refusal, run_here

pytestmark = pytest.mark.slow
CONTROL = "/cdn-cgi/emulator"


@pytest.fixture(scope="module")
def running(start_for_module: StartEmulator) -> Emulator:
    """An emulator that has seen a daemon's minute: four claims, and a result that nobody waited for."""
    emulator = start_for_module("--ephemeral")
    for _ in range(4):
        emulator.ask("POST", "/api/queue/claim", headers=QUEUE, json={"workerId": "d"})
    emulator.ask("POST", "/api/result/t1", headers=QUEUE, json={"success": True})
    return emulator


def test_it_prints_operations_by_route_and_what_both_plans_say(running: Emulator, tmp_path: Path) -> None:
    told = run_here("cost", "--url", running.url, "--over", "60", folder=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    table, _, estimate = told.stdout.partition("\n\n")
    assert [line.split() for line in table.splitlines()] == [
        ["KV", "operations", "requests", "reads", "writes", "deletes", "lists"],
        ["POST", "/api/queue/claim", "4", "0", "0", "0", "4"],
        ["POST", "/api/result/{id}", "1", "0", "1", "2", "0"],
        ["all", "0", "1", "2", "4"],
    ]
    assert estimate.splitlines() == [
        "Cost of this traffic (60 s of it), repeated all day (prices of 2026-11):",
        "  free plan   fails each day: writes 1,440 of 1,000, deletes 2,880 of 1,000, lists 5,760 of 1,000",
        "  paid plan   $5.00 a month, $0.1667 a day, with the $5.00 of the subscription",
    ]


def test_for_programs_it_prints_json(running: Emulator, tmp_path: Path) -> None:
    told = run_here("cost", "--url", running.url, "--over", "60", "--json", folder=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    said = json.loads(told.stdout)
    assert said["routes"]["POST /api/queue/claim"]["lists"] == 4
    assert said["estimate"]["free"]["exceeded"] == ["writes", "deletes", "lists"]
    assert said["over_s"] == 60


def test_over_a_day_the_same_traffic_is_within_the_free_plan(running: Emulator, tmp_path: Path) -> None:
    told = run_here("cost", "--url", running.url, "--over", "86400", folder=tmp_path)
    assert "Cost of this traffic (86,400 s of it), repeated all day" in told.stdout
    assert "free plan   within the daily quotas" in told.stdout


def test_too_little_time_asks_for_over(start_emulator: StartEmulator, tmp_path: Path) -> None:
    """A frozen clock sees no time pass."""
    emulator = start_emulator("--ephemeral")
    emulator.ask("POST", f"{CONTROL}/clock", json={"freeze": True})
    emulator.ask("GET", "/api/queue", headers=QUEUE)
    told = run_here("cost", "--url", emulator.url, folder=tmp_path)
    assert told.returncode == 0
    assert told.stdout.splitlines()[-1] == (
        "The traffic was too short to compute a day from it: give its length in seconds with --over."
    )


@pytest.mark.parametrize("over", ["0", "-1", "1.5", "day"])
def test_a_time_that_cannot_be_is_refused_before_anybody_is_asked(over: str, tmp_path: Path) -> None:
    assert "must be a whole number above 0" in run_here("cost", "--over", over, folder=tmp_path).stderr


def test_without_an_emulator_it_says_so_in_one_line(tmp_path: Path) -> None:
    line = refusal("cost", "--url", "http://127.0.0.1:1", folder=tmp_path)
    assert line.startswith("no emulator answers at http://127.0.0.1:1: ")
