"""README.md's commands, run as they stand in it with only the host replaced, do what it says."""

import re
from typing import Any

import pytest

from tests.cli.emulator_process import QUEUE
from tests.docs.readme import STAGING, Block, StartedFor, blocks, paste

pytestmark = pytest.mark.slow

CURL_BLOCKS = [block for block in blocks() if block.uses_curl]
(STAGING_BLOCK,) = (block for block in CURL_BLOCKS if STAGING in block.content)
(LOCATIONS_BLOCK,) = (block for block in CURL_BLOCKS if "X-Emulator-Location" in block.content)


def test_the_owners_commands_finish_a_task_and_are_logged_as_the_readme_shows(
    started_for: StartedFor,
) -> None:
    emulator = started_for(STAGING_BLOCK)
    status, run, queue, claim, *result = _objects(paste(STAGING_BLOCK, emulator))
    assert status["needsMigration"] is True
    assert (status["status"]["oldTaskCount"], status["status"]["oldLeaseCount"]) == (5, 2)
    assert (run["success"], run["tasks"]["migrated"], run["leases"]["migrated"]) == (True, 5, 2)
    assert (queue["count"], queue["pending"]) == (5, ["task1", "task2", "task3", "task4", "task5"])
    assert (claim["success"], claim["taskId"]) == (True, "task2")  # task1 is leased
    assert claim["lease"]["workerId"] == "test-worker"
    if not result:  # then the README leaves this to its reader
        posted = emulator.ask("POST", "/api/result/task2", headers=QUEUE, json={"success": True, "output": "done"})
        result = [posted.json()]
    assert result == [{"success": True}]
    assert emulator.ask("GET", "/api/queue", headers=QUEUE).json()["pending"] == ["task1", "task3", "task4", "task5"]
    assert emulator.ask("GET", "/api/queue/task2", headers=QUEUE).status_code == 404
    assert emulator.ask("GET", "/api/result/task2", headers=QUEUE).json() == {"success": True, "output": "done"}
    assert emulator.stop() == 0
    shown = [line for block in blocks() if block.language == "text" for line in block.content.splitlines()]
    in_readme = [_without_duration(line) for line in shown if re.match(r"(GET|POST) /api/", line)]
    logged = [_without_duration(line) for line in emulator.log().splitlines()]
    assert in_readme
    assert [line for line in in_readme if line not in logged] == []


def test_another_location_sees_a_finished_task_for_a_minute(started_for: StartedFor) -> None:
    emulator = started_for(LOCATIONS_BLOCK)
    pending = [answer["pending"] for answer in _objects(paste(LOCATIONS_BLOCK, emulator)) if "pending" in answer]
    assert pending == [["t1"], ["t1"], []]


@pytest.mark.parametrize("block", CURL_BLOCKS, ids=range(len(CURL_BLOCKS)))
def test_no_command_is_refused(started_for: StartedFor, block: Block) -> None:
    answers = _objects(paste(block, started_for(block)))
    assert len(answers) == len(re.findall(r"^curl ", block.content, re.MULTILINE))
    assert [answer for answer in answers if "error" in answer] == []


def _objects(documents: list[object]) -> list[dict[str, Any]]:
    assert all(isinstance(document, dict) for document in documents)
    return [document for document in documents if isinstance(document, dict)]


def _without_duration(line: str) -> str:
    return re.sub(r"\d+\.\d ms", "… ms", line)
