"""An emulator that somebody else started, at its URL: as late as production or not, with a clock that can be moved."""

from pathlib import Path

import pytest

from queue_contracts.targets.opening import open_target
from queue_contracts.targets.target import Target
from tests.contracts.command import Ended, environment, run
from tests.contracts.deployment import Deployment, deployed

pytestmark = pytest.mark.slow


def checked(target: Target, *arguments: str, folder: Path) -> Ended:
    env = environment(CONTRACT_QUEUE_KEY=target.queue_key, CONTRACT_ADMIN_KEY=target.admin_key)
    host = target.url.partition("://")[2]
    return run(
        "--url", target.url, "--control", "--disposable", host, "--rate", "6000", *arguments, env=env, folder=folder
    )


def test_one_that_is_a_minute_late_is_settled_by_its_clock_and_not_asked_for_what_only_an_even_one_can(
    tmp_path: Path,
) -> None:
    with open_target("emulator", locations=("SJC", "NRT"), options=("--profile", "cloudflare")) as target:
        ended = checked(target, "--only", "gone or says_when_it_ends", folder=tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "seen late: a finished task is gone everywhere: after 6" in ended.stdout
    assert (
        "not checked: test_life_of_a_task.py: 4 checks: they need a target that can be read right after a write"
        in ended.stdout
    )


def test_one_that_sees_every_write_at_once_is_asked_for_more(tmp_path: Path) -> None:
    with open_target("emulator") as target:
        ended = checked(target, "--only", "says_when_it_ends", folder=tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "4 checks passed" in ended.stdout


def test_what_has_no_control_surface_is_not_taken_for_an_emulator(tmp_path: Path) -> None:
    with deployed(Deployment()) as deployment:
        host = deployment.url.partition("://")[2]
        given = ("--url", deployment.url, "--control", "--disposable", host)
        ended = run(*given, env=environment(), folder=tmp_path)
    assert ended.returncode == 2
    assert f"{deployment.url} has no emulator controls: leave --control out" in ended.stdout


def test_results_that_all_write_one_list_are_posted_a_second_apart(tmp_path: Path) -> None:
    old = ("--profile", "cloudflare", "--worker-version", "old")
    with open_target("emulator", locations=("SJC", "NRT"), options=old) as target:
        ended = checked(target, "--format", "old", "--only", "about_results", folder=tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "4 checks passed, 0 failed" in ended.stdout
