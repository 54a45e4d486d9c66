"""The workflow in contracts/README.md: it is one, it names what there is, and its steps do what they say."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contracts.command import environment
from tests.contracts.deployment import QUEUE_KEY, Deployment, deployed

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "contracts" / "README.md").read_text("utf-8")
(BLOCK,) = re.findall(r"^```yaml\n(name: contract\n.*?)^```$", README, re.MULTILINE | re.DOTALL)
# BaseLoader, because YAML 1.1 takes the key `on` for true.
WORKFLOW: dict[str, Any] = yaml.load(BLOCK, Loader=yaml.BaseLoader)
REPORTS = {"junit.xml", "report.html", "exchanges.har"}


def runs(job: str) -> list[str]:
    return [step["run"] for step in WORKFLOW["jobs"][job]["steps"] if "run" in step]


def check(job: str, folder: Path, env: dict[str, str], *, only: str) -> "subprocess.CompletedProcess[str]":
    """The job's last command as it stands, on a few of the checks: all of them run in their own environment."""
    (command,) = (each for each in runs(job) if each.startswith("queue-contracts "))
    beside = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", f"{command} --only '{only}'"],
        cwd=folder,
        env={**env, "PATH": beside, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def test_it_reaches_staging_neither_for_pull_requests_nor_twice_at_a_time_nor_with_the_operators_key() -> None:
    staging = WORKFLOW["jobs"]["staging"]
    assert "pull_request" in WORKFLOW["on"]
    assert staging["if"] == "github.event_name != 'pull_request'"
    assert staging["concurrency"] == {"group": "contract-staging", "cancel-in-progress": "false"}
    assert set(staging["env"]) == {"STAGING_URL", "CONTRACT_QUEUE_KEY"}
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_what_a_step_runs_is_never_put_together_from_what_others_wrote() -> None:
    commands = [command for job in WORKFLOW["jobs"] for command in runs(job)]
    assert len(commands) == 5
    assert not any("${{" in command for command in commands)


def test_it_installs_extras_that_there_are() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    named = re.findall(
        r"pip install '\.\[(.*?)\]'", " ".join(command for job in WORKFLOW["jobs"] for command in runs(job))
    )
    assert named == ["contracts,workerd", "contracts"]
    assert {extra for each in named for extra in each.split(",")} <= set(project["optional-dependencies"])


@pytest.mark.slow
def test_the_step_that_checks_the_emulator_holds_and_leaves_reports(tmp_path: Path) -> None:
    env = environment(TARGET="emulator", PYTHONPROFILEIMPORTTIME="1")
    ended = check("here", tmp_path, env, only="says_when_it_ends")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "4 checks passed" in ended.stdout
    assert "schemathesis.generation" in ended.stderr
    assert "schemathesis.specs.openapi.coverage" not in ended.stderr, "requests were generated that nobody asked for"
    assert {path.name for path in (tmp_path / "reports").iterdir()} == REPORTS


@pytest.mark.slow
def test_the_step_that_checks_staging_sends_declared_gets_and_leaves_reports(tmp_path: Path) -> None:
    env = environment()
    del env["CONTRACT_ADMIN_KEY"]
    with deployed(Deployment()) as deployment:
        ended = check("staging", tmp_path, {**env, "STAGING_URL": deployment.url}, only="test_what_is_listed")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert {(method, path) for method, path, _ in deployment.asked} == {("GET", "/api/queue")}
    written = {path.name: path.read_text("utf-8") for path in (tmp_path / "reports").iterdir()}
    assert set(written) == REPORTS
    assert not any(QUEUE_KEY in content for content in written.values())
