"""Where several versions of the Worker answer, log, journal and controls say which; where one does, none."""

import json
import re
from typing import Any

import httpx
import msgspec
import pytest
import yaml
from openapi_schema_validator import OAS31Validator

from queue_emulator.commands import controls
from queue_emulator.core.journal_words import lines
from queue_emulator.core.request_line import Answered
from queue_emulator.drawing.journal import journal_story
from queue_emulator.drawing.story import Begin
from queue_emulator.web.deployment import Deployment
from queue_emulator.web.description import controls_path
from queue_emulator.worker.rollout import rollout
from tests.web.keys import CONTROL, QUEUE

pytestmark = pytest.mark.anyio

DESCRIPTION = yaml.safe_load(controls_path().read_text("utf-8"))
TOKYO = {**QUEUE, "X-Emulator-Location": "NRT"}


async def told(client: httpx.AsyncClient, control: str, schema: str) -> dict[str, Any]:
    """What a control answers, which is as controls.yaml says."""
    answer: dict[str, Any] = (await client.get(f"{CONTROL}/{control}")).json()
    OAS31Validator({**DESCRIPTION, "$ref": f"#/components/schemas/{schema}"}).validate(answer)
    return answer


async def test_with_one_version_nobody_speaks_of_versions(
    client: httpx.AsyncClient, deployment: Deployment, logged: list[str]
) -> None:
    await client.get("/api/queue", headers=TOKYO)
    assert re.fullmatch(r"GET /api/queue 200 \d+\.\d ms NRT, 1 KV operation", logged[0])
    assert "workerVersion" not in (await client.get(f"{CONTROL}/journal")).text
    for control, schema in (("status", "Status"), ("overview", "Overview")):
        said = await told(client, control, schema)
        assert said["workerVersion"] == "new"
        assert "workerVersions" not in said
    deployment.version = None  # somebody's own
    assert (await told(client, "status", "Status"))["workerVersion"] is None


async def test_with_several_each_request_and_its_operations_name_theirs(
    client: httpx.AsyncClient, deployment: Deployment, logged: list[str]
) -> None:
    deployment.rollout = rollout(["NRT=old"], None, deployment.locations)
    await client.get("/api/queue", headers=TOKYO)
    await client.get("/api/queue", headers=QUEUE)
    await client.post(f"{CONTROL}/enqueue", json={"task": {"id": "t1"}})
    assert re.fullmatch(r"GET /api/queue 200 \d+\.\d ms NRT, version old, 1 KV operation", logged[0])
    assert re.fullmatch(r"GET /api/queue 200 \d+\.\d ms SJC, version new, 1 KV operation", logged[1])
    journal = (await client.get(f"{CONTROL}/journal")).text.splitlines()
    assert [json.loads(line).get("workerVersion") for line in journal] == ["old", "new", None], "the last is no run's"
    assert controls.event_line(msgspec.json.decode(journal[0], type=controls.Event)).endswith(
        "  GET /api/queue, version old"
    )
    for control, schema in (("status", "Status"), ("overview", "Overview")):
        said = await told(client, control, schema)
        assert said["workerVersion"] is None
        assert said["workerVersions"] == [{"name": "new", "locations": ["SJC"]}, {"name": "old", "locations": ["NRT"]}]


async def test_words_and_picture_of_a_journal_name_it(client: httpx.AsyncClient, deployment: Deployment) -> None:
    deployment.rollout = rollout([], "old=100,new=0", deployment.locations)
    await client.get("/api/queue", headers=QUEUE)
    events = list(deployment.service.journal.after(0))
    (line,) = lines(events, {}, last=10)
    assert line.endswith("(GET /api/queue, version old)")
    begin = journal_story(events).moments[0]
    assert isinstance(begin, Begin)
    assert begin.title == "GET /api/queue, version old"


def test_a_split_is_told_by_its_shares_and_programs_are_told_the_version() -> None:
    shares = rollout([], "old=75,new=25", ("SJC", "NRT")).shares(("SJC", "NRT"))
    assert shares == [{"name": "old", "share": 75}, {"name": "new", "share": 25}]
    line = Answered(0, "GET", "/", 200, 1, 0, "SJC", "old").as_json()
    assert json.loads(line)["worker_version"] == "old"
