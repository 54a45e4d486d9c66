"""The emulator's score against workerd, measured: the Python Worker beside the reference Worker on the real runtime."""

import json
import os
from pathlib import Path

import pytest

from queue_contracts.compare.calibration import packaged_calibration
from queue_contracts.compare.scores import Score
from queue_contracts.packaged import reference_worker
from tests.differences_of_targets.commands import queue_contracts

pytestmark = [pytest.mark.slow, pytest.mark.runtime]


@pytest.fixture
def workerd() -> Path:
    """What WORKERD names; these tests mean nothing without it."""
    if not os.environ.get("WORKERD"):
        pytest.fail("WORKERD must name the workerd binary, or the node_modules folder that holds it", pytrace=False)
    return Path(os.environ["WORKERD"]).absolute()


def test_the_scores_are_measured_and_recorded_when_they_are_good(workerd: Path, tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    record = ("--record", "--calibration", file)
    ended = queue_contracts("fidelity", "--workerd", workerd, *record, "--json", folder=tmp_path)
    assert ended.code == 0, ended.out[-4000:] + ended.err
    told = json.loads(ended.out)
    assert told["measured"] is True
    assert told["worseThanRecorded"] == []
    assert {each["verdict"] for each in told["findings"]} <= {"variant", "noise"}
    assert all(each["compared"] for each in told["scores"])
    assert {each["why"] for each in told["notCompared"]} == {
        "workerd runs on real time: the Worker's own clock cannot be moved"
    }
    recorded = [Score(**each) for each in json.loads(file.read_text())["scores"]]
    kept = [Score(**each) for each in json.loads(packaged_calibration().read_text())["scores"]]
    assert recorded == kept


def test_a_worker_that_is_not_faithful_is_found_out(workerd: Path, tmp_path: Path) -> None:
    """The reference Worker with one word of its code changed: it answers a release with the lease still there."""
    worker = tmp_path / "worker"
    worker.mkdir()
    for file in reference_worker().iterdir():
        (worker / file.name).write_bytes(file.read_bytes())
    queue = worker / "queue.mjs"
    kept = "await tasks.deleteLease(id);\n  return json({ success: true });"
    assert kept in queue.read_text()
    queue.write_text(queue.read_text().replace(kept, "return json({ success: true });"))

    arguments = ("diff", "emulator", "workerd", "--worker", worker, "--workerd", workerd, "--only", "leases.yaml")
    ended = queue_contracts(*arguments, "--json", folder=tmp_path)
    assert ended.code == 1, ended.err
    broken = {each["operation"] for each in json.loads(ended.out)["findings"] if each["verdict"] == "contract break"}
    assert "renewLease" in broken
