"""The Python Worker and the reference Worker on workerd answer random requests alike, and do the same in KV."""

from pathlib import Path

import pytest

from tests.agreement.comparing import Comparison, Tally
from tests.agreement.generated import Step, script

pytestmark = pytest.mark.slow


def test_random_requests_are_answered_alike(tmp_path: Path, workerd: Path) -> None:
    comparison, tally = Comparison(tmp_path, workerd.parents[3]), Tally()
    try:
        for seed in (2, 5, 7, 9):  # each version of the Worker, each replication lag
            found = comparison.differences(script(seed, 120), tally)
            assert found is None, "\n".join(found.lines())
    finally:
        comparison.end()
    assert tally.requests == 484
    assert tally.stale > 20
    assert {200, 400, 401, 404, 500} <= set(tally.statuses)


def test_a_worker_that_answers_otherwise_is_found(tmp_path: Path, workerd: Path) -> None:
    comparison = Comparison(tmp_path, workerd.parents[3])
    try:
        queue = tmp_path / "new" / "queue.mjs"
        queue.write_text(queue.read_text().replace("Date.now()", "Date.now() + 1"))
        of_new = next(made for made in (script(seed, 120) for seed in range(100)) if made.version == "new")
        found = comparison.differences(of_new, Tally())
    finally:
        comparison.end()
    assert found is not None
    assert isinstance(found.script.steps[found.index], Step)
