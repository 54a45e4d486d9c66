"""controls.yaml describes every control, no more and no less, and the events of the journal."""

import json
import re

import httpx
import pytest
import yaml
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from starlette.routing import Mount, Route

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.journal import Event
from queue_emulator.web.control_app import MODULES, create_control_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.web.description import controls_path
from queue_emulator.web.inspector.page import is_page
from tests.web.keys import CONTROL, QUEUE

pytestmark = pytest.mark.anyio

DESCRIPTION = yaml.safe_load(controls_path().read_text("utf-8"))


def test_it_is_valid_and_describes_every_control(deployment: Deployment) -> None:
    validate(DESCRIPTION)
    (mount,) = create_control_app(deployment).routes
    assert isinstance(mount, Mount)
    there = {
        (method, route.path)
        for route in mount.routes
        if isinstance(route, Route) and not (is_page(route.path) or route.path[1:] in MODULES)
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = {(method.upper(), path) for path, item in DESCRIPTION["paths"].items() for method in item}
    assert described == there


async def test_it_is_served_as_it_is_kept(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{CONTROL}/controls.yaml")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/yaml")
    assert answer.content == controls_path().read_bytes()


async def test_events_are_as_it_says_and_it_names_every_member_of_one(
    client: httpx.AsyncClient, clock: MovableClock
) -> None:
    await client.post(f"{CONTROL}/enqueue", json={"task": {"id": "t1"}})
    await client.get("/api/queue/t1", headers={**QUEUE, "X-Emulator-Location": "NRT"})
    clock.advance(2_000)
    await client.post("/api/queue/t1/status", headers=QUEUE, json={"status": "seen"})
    await client.post(f"{CONTROL}/faults", json={"verdict": "fail_before", "operation": "list"})
    await client.get("/api/queue/t1", headers={**QUEUE, "X-Emulator-Location": "NRT"})
    await client.get("/api/queue", headers=QUEUE)
    lines = (await client.get(f"{CONTROL}/journal")).text.splitlines()
    schema = DESCRIPTION["components"]["schemas"]["Event"]
    for line in lines:
        OAS31Validator(schema).validate(json.loads(line))
    whole = Event(1, 1, 0, 0, 0, "SJC", "i", "r", "get", b"k", "HIT", 1, 1, 2, 3, "failed", 1, "CACHE", "old")
    assert set(json.loads(whole.to_json_line())) == set(schema["properties"])


def test_the_types_for_tests_in_javascript_have_the_same_members() -> None:
    types = controls_path().with_name("emulator.d.mts").read_text("utf-8")
    (members,) = re.findall(r"export interface Operation \{\n(.*?)\n\}", types, re.DOTALL)
    named = dict(re.findall(r"^  (\w+)(\??):", members, re.MULTILINE))
    schema = DESCRIPTION["components"]["schemas"]["Event"]
    assert set(named) == set(schema["properties"])
    assert {name for name, optional in named.items() if not optional} == set(schema["required"])
