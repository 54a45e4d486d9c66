"""`queue-contracts diff` from outside: exit codes, what it prints, and what it never sends or shows."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from queue_contracts.cli import main
from queue_contracts.compare.sides import Side
from tests.contracts.command import environment
from tests.contracts.deployment import Deployment, deployed
from tests.differences_of_targets.commands import queue_contracts
from tests.differences_of_targets.proxy import Asked, Change, Running, Told, serving, through

pytestmark = pytest.mark.slow

FAST = ("--rate", "6000")


@dataclass
class Staging:
    """A deployment that may not be harmed: what it was asked, and how it answers; `same` is it without the changes."""

    running: Running
    change: list[Change]
    environment: dict[str, str]
    same: str


@pytest.fixture
def staging(emulator: Side) -> Iterator[Staging]:
    changes: list[Change] = [lambda asked, told: told]
    with serving(through(emulator.url, lambda asked, told: changes[-1](asked, told))) as running:
        keys = {"CONTRACT_QUEUE_KEY": emulator.queue_key, "CONTRACT_ADMIN_KEY": emulator.admin_key}
        yield Staging(running, changes, keys, emulator.url)


def other_words(asked: Asked, told: Told) -> Told:
    return Told(told.status, told.headers, told.content.replace(b"Task not found", b"No such task"))


def with_the_key_in_it(asked: Asked, told: Told) -> Told:
    """A deployment that leaks what it was sent."""
    if told.status != 404:
        return told
    leaked = json.dumps({"error": f"no task for {asked.headers.get('X-API-Key')}", "leak": 1}).encode()
    return Told(404, told.headers, leaked)


def test_two_emulators_are_equal(tmp_path: Path) -> None:
    ended = queue_contracts("diff", "emulator", "emulator", "--only", "leases.yaml", folder=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert "renewLease" in ended.out
    assert "contract break:" not in ended.out


def test_a_deployment_is_only_observed(staging: Staging, tmp_path: Path) -> None:
    """Everything of the package that only reads, and nothing else; and it says so before it begins."""
    url = staging.running.url
    ended = queue_contracts("diff", "emulator", url, *FAST, folder=tmp_path, environment=staging.environment)
    assert ended.code == 0, ended.out + ended.err
    asked = staging.running.asked
    assert len(asked) > 10
    assert {each.method for each in asked} == {"GET"}
    assert not any("?" in each.path or each.content for each in asked)
    assert f"{url.removeprefix('http://')}: " in ended.err
    assert "min at 6000 a minute" in ended.err
    assert "profile observe" in ended.err
    assert "only GET is sent in the profile observe" in ended.out
    for key in staging.environment.values():
        assert key not in ended.out + ended.err


def test_a_difference_is_told_with_both_answers_and_a_line_for_a_shell(staging: Staging, tmp_path: Path) -> None:
    staging.change.append(other_words)
    url = staging.running.url
    arguments = ("diff", staging.same, url, *FAST, "--only", "nobody has queued")
    ended = queue_contracts(*arguments, folder=tmp_path, environment=staging.environment)
    assert ended.code == 1
    lines = [line.strip() for line in ended.out.splitlines()]
    assert "text difference: getTask, body.error" in lines
    assert "sequence  what nobody has queued or finished is not found, step 1" in lines
    assert 'body.error = "Task not found"' in lines
    assert 'body.error = "No such task"' in lines
    curls = [shlex.split(line) for line in lines if line.startswith("curl ")]
    assert any(each[-3].startswith(f"{url}/api/queue/ct-") for each in curls)
    assert all(each[-1] == "X-API-Key: $CONTRACT_QUEUE_KEY" for each in curls)


def test_a_deployment_that_shows_a_key_ends_the_run_and_the_key_is_not_repeated(
    staging: Staging, tmp_path: Path
) -> None:
    staging.change.append(with_the_key_in_it)
    arguments = ("diff", staging.same, staging.running.url, *FAST, "--only", "nobody has queued")
    ended = queue_contracts(*arguments, folder=tmp_path, environment=staging.environment)
    assert ended.code == 1
    assert "stopped, the answer contains an API key" in ended.err
    assert not any(key in ended.out + ended.err for key in staging.environment.values())


def test_json_has_the_scores_the_findings_and_what_was_left_out(staging: Staging, tmp_path: Path) -> None:
    staging.change.append(other_words)
    arguments = ("diff", staging.same, staging.running.url, *FAST, "--json", "--only", ".yaml")
    ended = queue_contracts(*arguments, folder=tmp_path, environment=staging.environment)
    told = json.loads(ended.out)
    assert ended.code == 1
    score = next(each for each in told["scores"] if each["operation"] == "getTask")
    assert score["texts"] > 0
    assert score["equal"] + score["texts"] == score["compared"]
    assert {each["verdict"] for each in told["findings"]} == {"text difference"}
    assert {each["field"] for each in told["findings"]} == {"body.error"}
    assert any("runMigration" in each["operations"] for each in told["notCompared"])


def test_known_differences_of_ones_own_count_for_the_targets_they_name(staging: Staging, tmp_path: Path) -> None:
    staging.change.append(other_words)
    hosts = [url.removeprefix("http://") for url in (staging.running.url, staging.same)]
    known = tmp_path / "known.yaml"
    known.write_text(
        f"- {{between: {hosts}, operation: getTask, field: body.error, reason: other words,"
        " date: 2026-11-01, expires: 2999-01-01}\n"
    )
    arguments = ("diff", staging.same, staging.running.url, *FAST, "--known", known, "--only", "nobody has queued")
    ended = queue_contracts(*arguments, folder=tmp_path, environment=staging.environment)
    assert ended.code == 0, ended.out
    assert "known     until 2999-01-01: other words" in ended.out

    staging.change.pop()
    stale = queue_contracts(*arguments, folder=tmp_path, environment=staging.environment)
    assert stale.code == 1
    assert "known difference no longer happens, delete it: getTask body.error" in stale.out


def test_sequences_of_ones_own_that_must_not_be_sent_leave_nothing_to_compare(staging: Staging, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("- {name: mine, steps: [{operation: runMigration, status: 200}]}")
    arguments = ("diff", staging.same, staging.running.url, *FAST, "--sequences", mine)
    ended = queue_contracts(*arguments, folder=tmp_path, environment=staging.environment)
    assert ended.code == 3
    assert "nothing was compared" in ended.err
    assert not any(each.method == "POST" for each in staging.running.asked)


def test_a_queue_of_ones_own_is_compared_in_everything_if_its_host_is_named(staging: Staging, tmp_path: Path) -> None:
    host = staging.running.url.removeprefix("http://")
    arguments = ("diff", "emulator", staging.running.url, *FAST, "--disposable", host, "--only", "routes.yaml")
    ended = queue_contracts(*arguments, folder=tmp_path, environment=staging.environment)
    assert ended.code == 0, ended.out + ended.err
    assert {each.method for each in staging.running.asked} >= {"GET", "PUT", "DELETE", "POST"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("emulator", "http://127.0.0.1:9"), "does not answer"),
        (("emulator", "staging"), "'staging'"),
        (("emulator", "http://staging.example"), "plain HTTP would send"),
        (("emulator", "emulator", "--disposable", "staging.example"), "which is not one of the two targets"),
        (("emulator", "emulator", "--worker", "worker.mjs"), "work only with the target workerd"),
        (("emulator", "emulator", "--only", "no such words"), "no sequence has 'no such words'"),
        (("emulator", "emulator", "--sequences", "nothing.yaml"), "nothing.yaml"),
        (("emulator", "emulator", "--known", "nothing.yaml"), "nothing.yaml"),
        (("emulator", "workerd", "--workerd", "nowhere"), "there is no workerd at nowhere"),
        (("emulator", "emulator", "--rate", "often"), "must be from 1/min"),
        (("emulator",), "required: B"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_was_wrong(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CONTRACT_QUEUE_KEY", "a-key-of-the-queue")
    monkeypatch.delenv("WORKERD", raising=False)
    monkeypatch.chdir(tmp_path)
    try:
        code = main(["diff", *arguments])
    except SystemExit as ended:
        code = int(str(ended.code))
    told = capsys.readouterr()
    assert code == 2
    assert said in told.err
    assert told.out == ""


def test_a_wrong_key_and_a_missing_one_end_with_2(staging: Staging, tmp_path: Path) -> None:
    wrong = queue_contracts(
        *("diff", staging.same, staging.running.url), folder=tmp_path, environment={"CONTRACT_QUEUE_KEY": "another"}
    )
    assert wrong.code == 2
    assert "CONTRACT_QUEUE_KEY" in wrong.err
    assert "another" not in wrong.err
    missing = queue_contracts("diff", staging.same, staging.running.url, folder=tmp_path)
    assert missing.code == 2
    assert "CONTRACT_QUEUE_KEY" in missing.err


OWN = """
- name: one task of the run's own
  steps:
    - seed: [{task: a}, {lease: a, worker: w}]
    - {operation: getTask, id: a, status: 200, until: {}}
    - {operation: updateTaskStatus, id: a, status: 200, body: {status: claimed}}
    - {operation: postResult, id: a, status: 200, body: {success: true}}
    - {operation: getResult, id: a, status: 200, until: {}}
- name: what belongs to everybody
  steps:
    - {operation: claimTask, status: 200, body: {workerId: w}}
    - {operation: rollbackMigration, status: 200}
"""


def test_on_a_shared_queue_only_ids_of_the_run_are_written_and_nothing_stays(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(OWN)
    with deployed(Deployment()) as shared:
        shared.put("queue:task:foreign", {"id": "foreign"})
        shared.put("orchestrator:result:foreign", {"success": True})
        before = shared.dump()
        arguments = ("diff", "emulator", shared.url, *FAST, "--profile", "isolated", "--sequences", mine)
        keys = environment(shared, kv=True)
        ended = queue_contracts(*arguments, folder=tmp_path, environment=keys)
        assert ended.code == 0, ended.out + ended.err
        assert "1 of the sequences" in ended.out
        assert shared.dump() == before
        written = [path for method, path, _ in shared.asked if method == "POST"]
        assert all("/ct-" in path for path in written)
        probes = [path for path in written if "-probe" in path]  # of a task that does not exist: which routes are there
        assert len(written) - len(probes) == 2

        without_kv = queue_contracts(*arguments, folder=tmp_path, environment=environment(shared))
        assert without_kv.code == 2
        assert "set CONTRACT_KV_ACCOUNT, CONTRACT_KV_NAMESPACE and CONTRACT_KV_TOKEN" in without_kv.err
