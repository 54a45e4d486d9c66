"""What leaves the suite in each profile, by the recording of a deployment; and what is left in its queue afterwards."""

import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest

from queue_contracts.sending.run import DAY_S, new_run_id
from tests.contracts.command import environment, run, start
from tests.contracts.deployment import ADMIN_KEY, LEASE, QUEUE_KEY, RESULT, TASK, TOKEN, Deployment, deployed

pytestmark = pytest.mark.slow

DECLARED_GETS = re.compile(r"/api/queue|/api/(queue|result)/[A-Za-z0-9-]{1,64}|/api/migrate/status")
FREELY = ("--rate", "6000/min")


def task(task_id: str) -> dict[str, object]:
    return {
        "id": task_id, "type": "task", "source": "chat", "content": "Somebody's work", "priority": "low",
        "metadata": {}, "queuedAt": "2026-11-20T09:00:00.118Z", "status": "pending",
    }  # fmt: skip


def with_foreign_tasks(deployment: Deployment) -> Deployment:
    for task_id in ("alpha", "ct-", "ct-handmade", "zeta"):
        deployment.put(TASK + task_id, task(task_id))
    deployment.put(LEASE + "zeta", {"workerId": "daemon-1", "claimedAt": "x", "expiresAt": "y"})
    deployment.put(RESULT + "done", {"success": True})
    return deployment


def test_observing_sends_nothing_but_declared_gets(tmp_path: Path) -> None:
    with deployed(with_foreign_tasks(Deployment())) as deployment:
        before = deployment.dump()
        reports = tmp_path / "reports" / "of today"
        ended = run("--url", deployment.url, *FREELY, "--report-dir", str(reports), env=environment(), folder=tmp_path)

    assert ended.returncode == 0, ended.stdout
    assert {method for method, _, _ in deployment.asked} == {"GET"}
    assert all(DECLARED_GETS.fullmatch(path) and not body for _, path, body in deployment.asked)
    assert deployment.dump() == before
    announced = re.search(r"at most (\d+) requests", ended.stdout)
    assert announced
    assert 50 < len(deployment.asked) <= int(announced[1])
    assert "not checked: test_life_of_a_task.py" in ended.stdout
    written = {path.name for path in reports.iterdir()}
    assert written == {"junit.xml", "report.html", "exchanges.har"}
    for path in reports.iterdir():
        assert not [key for key in (QUEUE_KEY, ADMIN_KEY) if key in path.read_text(encoding="utf-8")], path
    assert QUEUE_KEY not in ended.stdout


@pytest.mark.parametrize("strict", [False, True])
def test_observing_reads_ten_listed_tasks_at_most_and_finds_the_one_that_is_refused(
    strict: bool, tmp_path: Path
) -> None:
    foreign = Deployment(strict=strict)
    for task_id in ("claim", "team a/build 7", "evt_1", "x" * 300, *(f"task-{number}" for number in range(20))):
        foreign.put(TASK + task_id, task(task_id))
    with deployed(foreign) as deployment:
        only = ("--only", "what_is_listed")
        ended = run("--url", deployment.url, *FREELY, *only, env=environment(), folder=tmp_path)

    assert ended.returncode == int(strict), ended.stdout
    assert (
        "listed but refused with 400, so they can be claimed and never finished: ['evt_1']" in ended.stdout
    ) is strict
    read = {path for _, path, _ in deployment.asked if path.startswith("/api/queue/")}
    assert len(read) <= 10 + 1  # what opens the run asks for a task of its own
    assert {path for path in read if not DECLARED_GETS.fullmatch(path)} == {"/api/queue/evt_1"}
    assert "/api/queue/claim" not in read


def test_an_isolated_run_changes_no_foreign_key_and_claims_nothing_beside_foreign_tasks(tmp_path: Path) -> None:
    with deployed(with_foreign_tasks(Deployment())) as deployment:
        before = deployment.dump()
        env = environment(deployment, kv=True)
        only = ("--only", "isolated or where_it_was")
        ended = run("--url", deployment.url, *FREELY, "--profile", "isolated", *only, env=env, folder=tmp_path)

    assert ended.returncode == 0, ended.stdout
    assert deployment.dump() == before
    posted = [path for method, path, _ in deployment.asked if method == "POST"]
    assert len(posted) > 10
    assert all(re.match(r"/api/(queue|result)/ct-[0-9a-f]{12}-", path) for path in posted)
    assert "not checked: claimTask: the queue holds 4 tasks of others" in ended.stdout
    assert TOKEN not in ended.stdout


def test_an_isolated_run_claims_its_own_tasks_where_there_are_no_others(tmp_path: Path) -> None:
    with deployed(Deployment()) as deployment:
        only = ("--only", "a_claim_takes_a_task_of_this_run")
        env = environment(deployment, kv=True)
        ended = run("--url", deployment.url, *FREELY, "--profile", "isolated", *only, env=env, folder=tmp_path)

    assert ended.returncode == 0, ended.stdout
    assert "1 checks passed" in ended.stdout
    assert "/api/queue/claim" in [path for _, path, _ in deployment.asked]
    assert deployment.dump() == {}


def test_what_a_killed_run_left_behind_is_swept_by_the_next(tmp_path: Path) -> None:
    half_way = threading.Event()
    deployment = with_foreign_tasks(Deployment())
    left_here = f"{TASK}ct-{new_run_id(time.time() - 3 * DAY_S)}-held-1"
    for key in (left_here, TASK + "ct-202611201530-deploy", TASK + f"ct-{new_run_id(time.time() - 3700)}-held-1"):
        deployment.put(key, task("of another run, or of none"))
    deployment.after_request = lambda method, path: half_way.set() if path.endswith("/renew") else None
    foreign = {key: value for key, value in deployment.dump().items() if key != left_here}
    arguments = ("--profile", "isolated", "--only", "test_isolated")
    with deployed(deployment):
        env = environment(deployment, kv=True)
        killed = start("--url", deployment.url, *FREELY, *arguments, env=env, folder=tmp_path)
        assert half_way.wait(200)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.communicate()
        left = deployment.dump()
        ended = run(
            "--url", deployment.url, *FREELY, "--profile", "isolated", "--only", "reads_and or renews_and",
            env=env, folder=tmp_path,
        )  # fmt: skip

    assert [key for key in left if "ct-" in key and key not in foreign], "nothing was left behind"
    assert {key: left[key] for key in foreign} == foreign
    assert ended.returncode == 0, ended.stdout
    assert deployment.dump() == foreign
