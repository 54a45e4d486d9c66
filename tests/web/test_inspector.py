"""The page as it is served, and the controls that it needs: what they answer, what they refuse, whom they answer."""

import asyncio
import base64
import json
import re
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.resources import files

import httpx
import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.javascript import Json, ToJson
from queue_emulator.core.options import PutRequest
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.web.inspector.stream import followed
from tests.asking import client_of
from tests.web.keys import CONTROL, QUEUE

pytestmark = pytest.mark.anyio
TOKYO = {**QUEUE, "X-Emulator-Location": "NRT"}


async def test_the_page_and_its_parts_are_served_under_a_policy_that_runs_nothing_else(
    client: httpx.AsyncClient,
) -> None:
    page = await client.get(f"{CONTROL}/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = page.headers["content-security-policy"]
    for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "require-trusted-types-for 'script'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert not any(sign in page.text for sign in ("<style", " style=", "onclick", "http://", "https://"))
    for name, kind in (("main.mjs", "text/javascript"), ("base.css", "text/css"), ("icon.svg", "image/svg+xml")):
        part = await client.get(f"{CONTROL}/page/{name}")
        assert (part.status_code, part.headers["content-type"].partition(";")[0]) == (200, kind)
    for name in ("nothing.mjs", "..%2Fstream.py", "..%2f..%2fcontrol.py", "index.html%00.css"):
        assert (await client.get(f"{CONTROL}/page/{name}")).status_code == 404, name
    assert (await client.post(f"{CONTROL}/")).status_code == 405


async def test_the_page_needs_no_token_where_one_opens_the_controls_and_holds_nothing(
    deployment: Deployment,
) -> None:
    app = create_app(replace(deployment, control_token="sesame"))
    async with client_of(app, peer=("192.0.2.7", 4711), base_url="http://emulator.example") as client:
        assert (await client.get(f"{CONTROL}/")).status_code == 200
        assert (await client.get(f"{CONTROL}/page/main.mjs")).status_code == 200
        assert (await client.get(f"{CONTROL}/", headers={"Origin": "https://example.com"})).status_code == 403
        for path in ("/overview", "/journal/stream", "/page/../overview", "//overview"):
            assert (await client.get(CONTROL + path)).status_code in (401, 404), path
        assert (await client.post(f"{CONTROL}/keys/list", json={})).status_code == 401


async def test_keys_are_told_with_what_each_location_would_show(client: httpx.AsyncClient, clock: MovableClock) -> None:
    await client.post(f"{CONTROL}/enqueue", json={"task": {"id": "t1"}})
    await client.get("/api/queue/t1", headers=TOKYO)
    clock.advance(5_000)
    await client.post("/api/queue/t1/status", headers=QUEUE, json={"status": "seen"})
    (key,) = (await client.post(f"{CONTROL}/keys/list", json={"prefix": "queue:"})).json()["keys"]
    assert key["locations"]["NRT"] == {
        "kept": "copy",
        "version": 1,
        "age_ms": 5_000,
        "until_ms": clock.now_ms() + 55_000,
        "stale": True,
    }
    assert key["locations"]["SJC"]["version"] == key["version"] == 2
    told = (await client.post(f"{CONTROL}/keys/read", json={"key": "queue:task:t1"})).json()
    assert json.loads(told["entry"]["text"])["status"] == "seen"
    assert json.loads(told["locations"]["NRT"]["entry"]["text"])["status"] == "pending"
    assert "entry" not in told["locations"]["SJC"], "it is the centre's"


async def test_what_is_written_stands_there_with_metadata_and_lifetime(
    client: httpx.AsyncClient, clock: MovableClock
) -> None:
    body = {"key": "k", "base64": base64.b64encode(b"\xff").decode(), "metadata": {"a": 1}, "expiration_ttl": 90}
    assert (await client.post(f"{CONTROL}/keys/write", json=body)).json() == {"key": "k", "version": 1}
    entry = (await client.post(f"{CONTROL}/keys/read", json={"key": "k"})).json()["entry"]
    assert (entry["base64"], entry["metadata"], entry["size_bytes"]) == ("/w==", {"a": 1}, 1)
    assert entry["expiration"] == clock.now_ms() // 1000 + 90
    assert (await client.post(f"{CONTROL}/clock", json={"to": "next expiry"})).json()["now_ms"] == 1000 * entry[
        "expiration"
    ]
    assert (await client.post(f"{CONTROL}/keys/read", json={"key": "k"})).json()["entry"] is None
    assert (await client.post(f"{CONTROL}/clock", json={"to": "next expiry"})).status_code == 409


async def test_a_long_value_is_cut_between_two_characters_unless_all_of_it_is_asked_for(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    value = "é" * 600_000 + "x"
    await deployment.emulated().put("SJC", PutRequest(b"long", b"a" + value.encode()))
    entry = (await client.post(f"{CONTROL}/keys/read", json={"key": "long"})).json()["entry"]
    assert (entry["cut"], entry["size_bytes"]) == (True, 1_200_002)
    assert entry["text"] == "a" + "é" * ((1 << 19) - 1)
    whole = (await client.post(f"{CONTROL}/keys/read", json={"key": "long", "whole": True})).json()["entry"]
    assert whole["text"] == "a" + value


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        ("keys/list", {"limit": 0}, "limit must be a whole number from 1 to 1000, not 0"),
        ("keys/list", {"limit": True}, "limit must be a whole number from 1 to 1000, not true"),
        ("keys/list", {"cursor": "x"}, "Error: KV GET failed: 400"),
        ("keys/list", {"namespace": "other"}, "unknown namespace 'other'; this emulator has CACHE"),
        ("keys/list", {"prefixes": "x"}, "unknown member 'prefixes'; allowed: namespace, prefix, cursor, limit"),
        ("keys/read", {}, "key is missing"),
        ("keys/write", {"key": "k"}, "a value is given as `text` or as `base64`"),
        ("keys/write", {"key": "k", "text": "", "base64": ""}, "a value is given as `text` or as `base64`"),
        ("keys/write", {"key": "k", "base64": "?"}, "base64 is not base64"),
        ("keys/write", {"key": "", "text": "v"}, "Error: KV PUT failed: 400"),
        ("keys/write", {"key": "k", "text": "v", "expiration_ttl": 5}, "Expiration TTL must be at least 60"),
        ("keys/write", {"key": "k", "text": "v", "expiration": 1.5}, "expiration must be a whole number of seconds"),
        ("keys/write", {"key": "k", "text": "v", "metadata": "x" * 1100}, "exceeds limit of 1024"),
        ("keys/delete", {"keys": []}, "keys must be an array of 1 to 1000 keys"),
        ("keys/delete", {"keys": ["a", 1]}, "keys[1] must be a string, not 1"),
        ("journal/picture", {"after": "x"}, "after must be a whole number"),
        ("journal/picture", {"key": "nothing"}, "there is nothing to draw"),
        ("clock", {"to": "tomorrow"}, "to must be 'next expiry', not 'tomorrow'"),
        ("explore", {}, "this emulator was started without the explorer"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_written(
    client: httpx.AsyncClient, deployment: Deployment, path: str, body: dict[str, Json], why: str
) -> None:
    answer = await client.post(f"{CONTROL}/{path}", json=body)
    assert 400 <= answer.status_code < 500
    assert why in answer.json()["error"]
    assert await deployment.emulated().count() == 0


async def test_deleting_and_bulk_files_work_in_any_namespace(client: httpx.AsyncClient, deployment: Deployment) -> None:
    assert deployment.namespaces is not None
    other = await deployment.namespaces.create("other")
    data = [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]
    answer = await client.post(f"{CONTROL}/keys/import?namespace=other", json=data)
    assert answer.json() == {"written": 2, "ignoredFields": {}}
    assert (await client.post(f"{CONTROL}/keys/delete", json={"namespace": other.id, "keys": ["a"]})).json() == {
        "deleted": 1
    }
    entries = (await client.post(f"{CONTROL}/keys/entries", json={"namespace": "other"})).json()["entries"]
    assert [each["key"] for each in entries] == ["b"]
    assert await deployment.emulated().count() == 0


async def test_the_stream_gives_what_is_there_then_what_comes_and_ends_with_the_emulator(
    deployment: Deployment,
) -> None:
    service, ending = deployment.emulated(), asyncio.Event()
    await service.put("SJC", PutRequest(b"a", b"1"))
    pieces = followed(service.journal, 0, ending)
    assert await anext(pieces) == "\n"
    assert json.loads(await anext(pieces))["key"] == "a"
    for key in (b"b", b"c"):
        await service.put("SJC", PutRequest(key, b"1"))
    together = (await anext(pieces)).splitlines()
    assert [json.loads(line)["key"] for line in together] == ["b", "c"]
    ending.set()
    assert [piece async for piece in pieces] == []


async def test_who_is_far_behind_is_told_of_the_last(deployment: Deployment) -> None:
    service = deployment.emulated()
    await service.load("SJC", [PutRequest(b"k%d" % number, b"v") for number in range(6_000)])
    pieces = followed(service.journal, 0, asyncio.Event())
    await anext(pieces)
    lines = (await anext(pieces)).splitlines()
    assert (json.loads(lines[0])["position"], json.loads(lines[-1])["position"]) == (5_001, 6_000)
    await pieces.aclose()  # type: ignore[attr-defined]


async def test_what_the_page_looks_at_again_and_again_is_not_logged(
    client: httpx.AsyncClient, logged: list[str]
) -> None:
    reads = {"X-Emulator-Inspector": "reads"}
    await client.get(f"{CONTROL}/overview", headers=reads)
    await client.get(f"{CONTROL}/page/main.mjs")
    assert logged == []
    await client.get("/api/queue", headers={**QUEUE, **reads})
    assert len(logged) == 1, "a request to the Worker is always told"
    await client.post(f"{CONTROL}/keys/list", json={}, headers=reads)
    assert len(logged) == 1
    await client.post(f"{CONTROL}/keys/delete", json={"keys": ["a"]}, headers=reads)
    await client.post(f"{CONTROL}/reset", headers=reads)
    await client.delete(f"{CONTROL}/faults", headers=reads)
    assert len(logged) == 4, "a change is always told"


class _Explorer:
    """Finds one thing, when it is allowed to."""

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.played_beside = False

    def scenarios(self) -> Sequence[Mapping[str, ToJson]]:
        return [{"name": "one"}]

    async def search(self, scenario: str | None, seconds: float, random_seed: int) -> AsyncIterator[str]:
        self.begun.set()
        yield '{"progress": {}}'
        await self.go_on.wait()
        yield '{"end": {}}'

    def play(self, schedule: str, choices: Sequence[Mapping[str, Json]]) -> Mapping[str, ToJson]:
        self.played_beside = threading.current_thread() is not threading.main_thread()
        return {"made": len(choices)}


async def test_one_search_runs_at_a_time(deployment: Deployment) -> None:
    explorer = _Explorer()
    async with client_of(create_app(replace(deployment, explorer=lambda: explorer))) as client:
        first = asyncio.ensure_future(client.post(f"{CONTROL}/explore", json={"seconds": 1}))
        await explorer.begun.wait()
        assert (await client.post(f"{CONTROL}/explore", json={"seconds": 0})).status_code == 400
        second = await client.post(f"{CONTROL}/explore", json={})
        assert (second.status_code, "a search is running already" in second.text) == (409, True)
        explorer.go_on.set()
        assert (await first).text.splitlines() == ['{"progress": {}}', '{"end": {}}']
        assert (await client.post(f"{CONTROL}/explore", json={})).status_code == 200
        assert (await client.post(f"{CONTROL}/explore/play", json={"schedule": "one"})).json() == {"made": 0}
        assert explorer.played_beside, "a long play holds up nobody"
        file = "# a schedule of queue-emulator explore, form 1\nscenario /etc/passwd.toml\n"
        assert (await client.post(f"{CONTROL}/explore/play", json={"schedule": file})).status_code == 400


async def test_a_search_whose_client_is_gone_before_the_answer_begins_is_over(deployment: Deployment) -> None:
    explorer = _Explorer()
    explorer.go_on.set()
    app = create_app(replace(deployment, explorer=lambda: explorer))

    async def gone(message: Message) -> None:
        raise OSError("the client is gone")

    async def body() -> Message:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    path = f"{CONTROL}/explore"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8787")],
        "client": ("127.0.0.1", 4711),
        "server": ("127.0.0.1", 8787),
    }
    with suppress(OSError, ClientDisconnect):
        await app(scope, body, gone)
    assert not explorer.begun.is_set(), "nobody asked for a line"
    async with client_of(app) as client:
        assert (await client.post(path, json={})).status_code == 200


_WAYS_PAST_DOM = re.compile(
    r"\.(textContent|innerText|innerHTML|outerHTML|nodeValue|ariaLabel) = "
    r"|insertAdjacent|createText|document\.write"
)


async def test_all_text_of_the_page_goes_through_the_module_that_shows_what_is_hidden() -> None:
    folder = files("queue_emulator.web.inspector").joinpath("page")
    modules = [each for each in folder.iterdir() if each.name.endswith(".mjs") and each.name != "dom.mjs"]
    assert len(modules) > 10
    past = {
        each.name: [line for line in each.read_text("utf-8").splitlines() if _WAYS_PAST_DOM.search(line)]
        for each in modules
    }
    assert {name: lines for name, lines in past.items() if lines} == {}
    assert _WAYS_PAST_DOM.search("why.textContent = error.message;")
