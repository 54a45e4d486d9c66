"""A Worker that lacks a part is checked without it: one line says what is missing, and nothing else is found."""

from pathlib import Path

import pytest

from queue_contracts.described.operations import packaged_description
from queue_contracts.targets.opening import open_target
from tests.contracts.command import environment, run
from tests.differences_of_targets.proxy import Asked, Told, serving, through

pytestmark = pytest.mark.slow

# Of each kind that meets a missing part: by the route, by the operation, in passing; and such as do not meet it.
SOME = "wrong_key_is_refused and (rollback or claim) or a_rollback_leaves or releasing or says_when_it_ends"


@pytest.mark.parametrize(
    ("lacking", "without", "code"),
    [
        (("migration",), (), 1),
        (("rollbackMigration", "releaseLease"), ("--without", "rollbackMigration", "--without", "releaseLease"), 0),
    ],
)
def test_what_is_missing_is_one_line_and_everything_else_holds(
    lacking: tuple[str, ...], without: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    cut = frozenset[str]().union(*map(packaged_description().named, lacking))

    def change(asked: Asked, told: Told) -> Told:
        operation = packaged_description().find(asked.method, asked.path)
        missing = operation is not None and operation.id in cut
        return Told(404, {"Content-Type": "text/plain"}, b"Not found") if missing else told

    with open_target("emulator") as target, serving(through(target.url, change)) as worker:
        env = environment(CONTRACT_QUEUE_KEY=target.queue_key, CONTRACT_ADMIN_KEY=target.admin_key)
        given = ("--url", worker.url, "--control", "--disposable", worker.url.partition("://")[2], "--rate", "6000")
        ended = run(*given, *without, "--only", SOME, env=env, folder=tmp_path)

    assert ended.returncode == code, ended.stdout
    assert "BROKEN" not in ended.stdout
    assert " 0 failed; " in ended.stdout
    mark = "MISSING" if code else "not checked"
    told = [line for line in ended.stdout.splitlines() if line.startswith(f"{mark}: the Worker has no ")]
    assert len(told) == len(lacking), ended.stdout
    assert "PROVES NOTHING" not in ended.stdout


def test_a_part_that_nobody_describes_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    ended = run("emulator", "--without", "rollback", env=environment(), folder=tmp_path)
    assert ended.returncode == 2
    assert "--without rollback: openapi.yaml has queue, results, migration, listPendingTasks, " in ended.stdout
