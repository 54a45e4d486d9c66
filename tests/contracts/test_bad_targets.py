"""What the suite says of targets that are late, slow, wrong or not there at all."""

import os
import re
import socket
import threading
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.contracts.command import environment, run, start
from tests.contracts.deployment import Deployment, deployed

pytestmark = pytest.mark.slow

FREELY = ("--rate", "6000/min")


def test_a_target_that_is_half_a_second_late_holds_and_its_delay_is_reported(tmp_path: Path) -> None:
    with deployed(Deployment(late_s=0.5)) as deployment:
        only = ("--only", "posted or queued or ended_by_its_result or takes_a_task")
        env = environment(deployment, kv=True)
        ended = run("--url", deployment.url, *FREELY, "--profile", "isolated", *only, env=env, folder=tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert re.search(r"seen late: a result is read where it was posted: after [0-2]\.\d s", ended.stdout), ended.stdout


def test_a_target_that_is_a_minute_late_is_settled_by_moving_its_clock(tmp_path: Path) -> None:
    only = ("--only", "gone or status_is_read")
    ended = run("emulator", *only, env=environment(), folder=tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "seen late: a finished task is gone everywhere: after 6" in ended.stdout


def test_a_target_that_limits_to_a_request_a_second_is_asked_again_when_it_says(tmp_path: Path) -> None:
    with deployed(Deployment(per_s=1, burst=3)) as deployment:
        only = ("--only", "test_a_wrong_key_reads_nothing and migrate")
        ended = run("--url", deployment.url, *FREELY, *only, env=environment(), folder=tmp_path)
    assert deployment.refused
    assert ended.returncode == 0, ended.stdout


def test_a_target_that_is_down_is_called_unreachable(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        ended = run("--url", url, env=environment(), folder=tmp_path)
    assert ended.returncode == 2
    assert f"{url} does not answer" in ended.stdout


def test_a_run_that_is_refused_does_not_wait_until_what_generates_requests_is_loaded(tmp_path: Path) -> None:
    env = environment(PYTHONPROFILEIMPORTTIME="1")
    ended = run("--url", "https://staging.example.com/api", env=env, folder=tmp_path)
    assert ended.returncode == 2
    assert "queue_contracts.session.runs" in ended.stdout
    assert "schemathesis" not in ended.stdout


def test_a_wrong_key_is_named_and_nothing_else_is_asked(tmp_path: Path) -> None:
    with deployed(Deployment()) as deployment:
        env = environment(CONTRACT_ADMIN_KEY="not-this-one")
        ended = run("--url", deployment.url, env=env, folder=tmp_path)
    assert ended.returncode == 2
    assert "refused the key in CONTRACT_ADMIN_KEY" in ended.stdout
    assert "not-this-one" not in ended.stdout
    assert [path for _, path, _ in deployment.asked] == ["/api/queue", "/api/migrate/status"]


def test_a_target_that_answers_html_is_not_the_worker(tmp_path: Path) -> None:
    with deployed(Deployment(page="<html><title>Sign in</title></html>")) as deployment:
        ended = run("--url", deployment.url, env=environment(), folder=tmp_path)
    assert ended.returncode == 2
    assert "with an HTML page, not like the Worker (status 200, titled 'Sign in')" in ended.stdout


def test_another_host_that_knows_none_of_the_paths_is_not_the_worker(tmp_path: Path) -> None:
    with deployed(Deployment(redirects_to="/elsewhere")) as deployment:
        ended = run("--url", deployment.url, env=environment(), folder=tmp_path)
    assert ended.returncode == 2
    assert "redirects GET /api/queue to /elsewhere (307)" in ended.stdout


def test_a_target_that_asks_to_wait_for_an_hour_is_not_asked_again(tmp_path: Path) -> None:
    deployment = Deployment(retry_after="3600")
    deployment.after_request = lambda method, path: deployment.limit(0.001) if path.endswith("status") else None
    with deployed(deployment):
        ended = run("--url", deployment.url, *FREELY, "--only", "wrong_key", env=environment(), folder=tmp_path)
    assert ended.returncode == 3, ended.stdout
    assert (
        "PROVES NOTHING: the target answers 429 and asks for 3600 s; queue-contracts waits at most 90 s" in ended.stdout
    )
    assert len(deployment.asked) == 3


@pytest.mark.parametrize("name", ["CONTRACT_QUEUE_KEY", "CONTRACT_ADMIN_KEY", "CONTRACT_KV_TOKEN"])
def test_a_key_with_a_line_break_is_refused_by_its_name(name: str, tmp_path: Path) -> None:
    ended = run("--url", "http://127.0.0.1:9", env=environment() | {name: "pasted-secret\n"}, folder=tmp_path)
    assert ended.returncode == 2
    assert f"{name} must have only visible ASCII characters" in ended.stdout
    assert "pasted-secret" not in ended.stdout


def test_a_run_that_asks_the_target_nothing_proves_nothing(tmp_path: Path) -> None:
    with deployed(Deployment()) as deployment:
        ended = run("--url", deployment.url, *FREELY, "--only", "description", env=environment(), folder=tmp_path)
    assert ended.returncode == 3, ended.stdout
    assert "PROVES NOTHING: no check sent a request to the target" in ended.stdout


def test_what_lies_in_the_folder_stands_in_for_no_module_and_nothing_is_left_there(tmp_path: Path) -> None:
    (tmp_path / "queue.py").write_text("raise SystemExit('not this one')")
    with deployed(Deployment()) as deployment:
        arguments = ("--url", deployment.url, *FREELY, "--only", "not_found")
        ended = run(*arguments, env=environment(), folder=tmp_path, real=True)
    assert ended.returncode == 0, ended.stdout
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith("queue-contracts")] == ["queue.py"]


def test_a_run_that_is_told_to_end_tidies_up_and_leaves_no_process(tmp_path: Path) -> None:
    asked = threading.Event()
    deployment = Deployment(after_request=lambda method, path: asked.set())
    with deployed(deployment):
        process = start("--url", deployment.url, env=environment(), folder=tmp_path)
        assert asked.wait(100)
        process.terminate()
        process.communicate(timeout=60)
        seen = len(deployment.asked)
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
    assert process.returncode == 143
    assert len(deployment.asked) == seen


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name one target"),
        (("emulator", "--url", "http://127.0.0.1:1"), "name one target"),
        (("--url", "staging.example.com"), "a target is emulator, workerd or https://HOST"),
        (("--url", "http://staging.example.com"), "plain HTTP would send"),
        (("--url", "https://staging.example.com/api"), "without a path"),
        (("--url", "https://staging.example.com:99999"), "not such an address"),
        (("--url", "https://[::1"), "not such an address"),
        (("--url", "https://staging example.com"), "without a path"),
        (("--url", "https://staging.example.com", "--profile", "disposable"), "--disposable staging.example.com"),
        (("--url", "https://staging.example.com", "--disposable", "example.com"), "but the target is"),
        (("--url", "https://staging.example.com", "--profile", "isolated"), "CONTRACT_KV_ACCOUNT"),
        (("emulator", "--worker", "worker.mjs"), "workerd"),
        (("emulator", "--rate", "0/min"), "rate"),
        (("emulator", "--frobnicate"), "--frobnicate"),
        (("emulator", "--report-dir", "/dev/null/reports"), "/dev/null/reports"),
        (("emulator", "--workers", "-1"), "--workers: must be a whole number, not '-1'"),
        (("emulator", "--only", "and or"), "and or: at column 1"),
        (("emulator", "--", "no-such-file"), "file or directory not found: no-such-file"),
        (("--url", "http://127.0.0.1:9", "--", "--maxfail=1"), "does not answer"),
        (("--url", "http://127.0.0.1:9", "--control", "--disposable", "127.0.0.1:9"), "does not answer"),
        (("diff", "emulator", "http://[::1"), "not such an address"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_sent(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    ended = run(*arguments, env=environment(), folder=tmp_path)
    assert ended.returncode == 2, ended.stdout
    assert said in ended.stdout
    assert "Traceback" not in ended.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("emulator", "--workers", "x"),
        ("emulator", "--no\x1b[31m"),
        ("diff", "emulator"),
        ("mutants", "--jobs", "0"),
    ],
)
def test_wrong_options_are_told_of_in_one_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ended = run(*arguments, env=environment(), folder=tmp_path)
    assert ended.returncode == 2
    (line,) = ended.stdout.splitlines()
    assert line.startswith("queue-contracts")
    assert line.isprintable()


def test_the_version_is_said(tmp_path: Path) -> None:
    ended = run("--version", env=environment(), folder=tmp_path)
    assert ended.stdout == f"queue-contracts {version('queue-emulator')}\n"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CONTRACT_KV_API", "http://[::1", "CONTRACT_KV_API is not an address"),
        ("CONTRACT_KV_ACCOUNT", "acc0/../acc1", "CONTRACT_KV_ACCOUNT must be an id"),
    ],
)
def test_a_way_into_kv_that_is_none_is_refused_by_its_name(name: str, value: str, said: str, tmp_path: Path) -> None:
    env = environment(Deployment(), kv=True, CONTRACT_KV_API="https://api.example.com") | {name: value}
    ended = run("--url", "http://127.0.0.1:9", "--profile", "isolated", env=env, folder=tmp_path)
    assert ended.returncode == 2, ended.stdout
    assert said in ended.stdout


def test_a_report_that_could_not_be_written_is_told_of_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "reports" / "exchanges.har").mkdir(parents=True)
    with deployed(Deployment()) as deployment:
        ended = run("--url", deployment.url, "--report-dir", "reports", env=environment(), folder=tmp_path)
    assert ended.returncode == 2, ended.stdout
    assert "exchanges.har is not a regular file: remove it, or name another place" in ended.stdout
    assert not deployment.asked
