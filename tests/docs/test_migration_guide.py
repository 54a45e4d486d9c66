"""The commands of the migration guide, run as they stand in it with only the host replaced, show what it says."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from queue_emulator.worker.fetch import ROUTES
from tests.cli.emulator_process import ADMIN, COMMAND, QUEUE, closed_environment
from tests.docs.readme import LOCAL, REPOSITORY, Block, StartedFor, blocks, paste

pytestmark = pytest.mark.slow

PATH = REPOSITORY / "emulator" / "queue_emulator" / "worker" / "MIGRATION.md"
TEXT = PATH.read_text("utf-8")
BASIC = ["task1", "task2", "task3", "task4", "task5"]


def under(words: str) -> Block:
    """The first block of curl commands after these words."""
    _, found, rest = TEXT.partition(words)
    assert found, words
    return next(block for block in blocks(rest) if block.uses_curl)


def answers(words: str, started_for: StartedFor) -> tuple[Any, ...]:
    block = under(words)
    return tuple(paste(block, started_for(block)))


def test_the_new_worker_sees_nothing_of_old_data_and_asks_for_a_migration(started_for: StartedFor) -> None:
    queue, status = answers("See what the new Worker does not see", started_for)
    assert queue == {"pending": [], "count": 0}
    assert (status["needsMigration"], status["status"]["oldTaskCount"]) == (True, 5)


def test_the_dual_worker_lists_the_same_tasks_before_and_after_the_run(started_for: StartedFor) -> None:
    before, run, after = answers("Deploy the dual Worker first", started_for)
    assert (before["pending"], after["pending"]) == (BASIC, BASIC)
    assert (run["success"], run["tasks"]["migrated"]) == (True, 5)


def run_as_script(words: str, started_for: StartedFor, folder: Path) -> subprocess.CompletedProcess[str]:
    """The block as a shell runs it, in a folder that has the fixtures and nothing else."""
    block = under(words)
    (folder / "fixtures").symlink_to(REPOSITORY / "fixtures")
    script = block.content.replace(LOCAL, started_for(block).url)
    environment = closed_environment({"ADMIN_API_KEY": "dev-admin-key"})
    environment["PATH"] = f"{Path(COMMAND).parent}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environment,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_generated_data_is_migrated_and_the_report_names_what_was_left(started_for: StartedFor, tmp_path: Path) -> None:
    pasted = run_as_script("**3. Do it with data", started_for, tmp_path)
    assert '"migrated":196,"failed":4' in pasted.stdout
    assert "not clean: tasks: 4 orphaned" in pasted.stdout
    assert pasted.returncode == 1


def test_more_tasks_than_one_run_can_move_are_moved_in_a_copy(started_for: StartedFor, tmp_path: Path) -> None:
    pasted = run_as_script("### More tasks than one run", started_for, tmp_path)
    assert '"migrated":1200,"failed":0' in pasted.stdout
    assert pasted.stdout.splitlines()[-1] == "clean"
    assert pasted.returncode == 0


def test_a_number_passes_the_verification_and_is_served_as_a_task(started_for: StartedFor) -> None:
    run, task = answers("### Verification does not check", started_for)
    assert run["success"] is False
    assert not [error for error in run["errors"] if "a-number" in error]
    assert task == 42


def test_a_refused_delete_leaves_a_task_under_both_keys_for_good(started_for: StartedFor) -> None:
    block = under("### Between two steps")
    emulator = started_for(block)
    _, first, second, old, new = (answer for answer in paste(block, emulator) if isinstance(answer, dict))
    assert first["errors"] == ["Task task1: Error: KV DELETE failed: 500 Internal Server Error"]
    assert second["message"].startswith("Migration not needed")
    assert emulator.ask("GET", "/api/queue/task1", headers=QUEUE).status_code == 200
    status = emulator.ask("GET", "/api/migrate/status", headers=ADMIN).json()
    assert (status["needsMigration"], status["status"]["newTaskCount"]) == (False, 5)
    assert emulator.ask("GET", "/cdn-cgi/emulator/status").json()["keys"] == 8  # 5 tasks, 2 leases, and the old task1
    keys = [[entry["key"] for entry in answer["entries"]] for answer in (old, new)]
    assert keys == [["orchestrator:queue:task1"], ["queue:task:task1"]]


def test_a_run_that_is_out_of_operations_fails_the_rest_and_the_next_gets_less_far(started_for: StartedFor) -> None:
    first, after_first, second, after_second = answers("### A run that has used up", started_for)
    assert (first["tasks"]["migrated"], first["totalFailed"], first["success"]) == (249, 951, False)
    assert [error.startswith("Fatal: ") for error in first["errors"][-3:]] == [False, True, True]
    assert second["success"] is False
    moved = [status["status"]["newTaskCount"] for status in (after_first, after_second)]
    assert moved[0] == 250
    assert 0 < moved[1] - moved[0] < moved[0]


def test_a_pending_list_that_is_no_list_is_a_success_that_moved_no_task(started_for: StartedFor) -> None:
    run, status = answers("only means that no item failed", started_for)
    assert (run["success"], run["totalFailed"], run["leases"]["migrated"]) == (True, 0, 1)
    assert run["errors"] == ["Fatal: TypeError: pending is not iterable"]
    assert (status["needsMigration"], status["status"]["newTaskCount"]) == (True, 0)


def test_two_locations_lease_one_task_to_two_workers(started_for: StartedFor) -> None:
    *_, nothing_to_release, san_jose, _, tokyo = answers("### Two locations, one task", started_for)
    assert nothing_to_release["message"] == "No active lease"
    assert san_jose["taskId"] == tokyo["taskId"] == "t1"
    assert (san_jose["lease"]["workerId"], tokyo["lease"]["workerId"]) == ("san-jose", "tokyo")


def test_a_rollback_deletes_the_only_copies(started_for: StartedFor) -> None:
    run, rollback, queue = answers("## Rollback", started_for)
    assert (run["tasks"]["migrated"], rollback["success"], rollback["deleted"]) == (5, True, 7)
    assert queue == {"pending": [], "count": 0}


def test_every_block_of_commands_is_asked_for_above() -> None:
    headings = (
        "See what the new",
        "Deploy the dual",
        "Do it with data",
        "### Veri",
        "### Between",
        "### A run",
        '### `"success"',
        "### More",
        "### Two",
        "## Rollback",
    )
    assert len([block for block in blocks(TEXT) if block.uses_curl]) == len(headings)


def test_the_operations_it_names_are_the_operations_that_are_made(started_for: StartedFor) -> None:
    emulator = started_for(Block("sh", "", ("--ephemeral", "--seed", "fixtures/old-format/basic.json")))
    for method, path in (("GET", "status"), ("POST", "run"), ("POST", "rollback")):
        emulator.ask(method, f"/api/migrate/{path}", headers=ADMIN)
    assert emulator.stop() == 0
    counted = [int(count) for count in re.findall(r"(\d+) KV operations", emulator.log())]
    tasks, leases = 5, 2
    assert counted == [4, 4 + 4 * (tasks + leases), 2 + tasks + leases]


def test_it_names_the_routes_of_the_migration_and_no_other() -> None:
    named = set(re.findall(r"^\| `(?:GET|POST) (/api/migrate/\w+)` \| 200", TEXT, re.MULTILINE))
    assert named == {route.template for route in ROUTES if route.template.startswith("/api/migrate/")}


def test_the_readme_leads_to_it() -> None:
    assert "(emulator/queue_emulator/worker/MIGRATION.md)" in (REPOSITORY / "README.md").read_text("utf-8")
