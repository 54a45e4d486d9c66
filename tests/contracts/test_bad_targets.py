"""What the suite says of targets that are late, slow, wrong or not there at all."""

import re
import socket
from pathlib import Path

import pytest

from tests.contracts.command import environment, run
from tests.contracts.deployment import Deployment, deployed

pytestmark = pytest.mark.slow

FREELY = ("--rate", "6000/min")


def test_a_target_that_is_half_a_second_late_holds_and_its_delay_is_reported(tmp_path: Path) -> None:
    with deployed(Deployment(late_s=0.5)) as deployment:
        only = ("--only", "posted or queued or ended_by_its_result or takes_a_task")
        env = environment(deployment, kv=True)
        ended = run("--url", deployment.url, *FREELY, "--profile", "isolated", *only, env=env, folder=tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert re.search(r"settled: a result is read where it was posted: after [0-2]\.\d s", ended.stdout), ended.stdout


def test_a_target_that_is_a_minute_late_is_settled_by_moving_its_clock(tmp_path: Path) -> None:
    only = ("--only", "gone or status_is_read")
    ended = run("emulator", *only, env=environment(), folder=tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "settled: a finished task is gone everywhere: after 6" in ended.stdout


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
    assert "with an HTML page, not as the Worker does (status 200, titled 'Sign in')" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name one target"),
        (("emulator", "--url", "http://127.0.0.1:1"), "name one target"),
        (("--url", "staging.example.com"), "a target is emulator, workerd or https://HOST"),
        (("--url", "http://staging.example.com"), "over plain HTTP"),
        (("--url", "https://staging.example.com/api"), "without a path"),
        (("--url", "https://staging.example.com", "--profile", "disposable"), "--disposable staging.example.com"),
        (("--url", "https://staging.example.com", "--disposable", "example.com"), "but the target is"),
        (("--url", "https://staging.example.com", "--profile", "isolated"), "CONTRACT_KV_ACCOUNT"),
        (("emulator", "--worker", "worker.mjs"), "workerd"),
        (("emulator", "--rate", "0/min"), "rate"),
        (("emulator", "--frobnicate"), "--frobnicate"),
        (("--url", "http://127.0.0.1:9", "--", "--maxfail=1"), "does not answer"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_sent(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    ended = run(*arguments, env=environment(), folder=tmp_path)
    assert ended.returncode == 2, ended.stdout
    assert said in ended.stdout
