"""Generated text of other people's in every place that is shown: no line has anything in it that a terminal obeys."""

import asyncio
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queue_emulator.cli import main
from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.transfer.output import say
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.worker.auth import ApiKeys
from tests.cli.in_process import as_it_was
from tests.core.test_shown import obeyed
from tests.transfer.hostile_servers import hostile_server, http

pytestmark = pytest.mark.slow

ATTACKS = (
    "\x1b[2J\x1b[H",
    "\x9b31m",
    "\x1b]0;title\x07",
    "\r\nqueue-emulator: done",
    "\u202eevil",
    "\x85",
    "\u2028",
    "\x7f",
)
HOSTILE = st.lists(st.one_of(st.sampled_from(ATTACKS), st.text(max_size=8)), min_size=1, max_size=4).map("".join)
NAMES = HOSTILE.map(
    lambda text: text.encode("utf-8", "replace").decode().replace("/", "").replace("\0", "")[:40] or "x"
)
ATTACK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


TRIED: Counter[str] = Counter()


@pytest.fixture(autouse=True)
def tried(record_property: Callable[[str, object], None]) -> Iterator[None]:
    """What each test has tried, counted: a property of it in the report of JUnit."""
    TRIED.clear()
    yield
    record_property("tried", json.dumps(TRIED))
    assert TRIED["acts"] >= 60
    assert TRIED["lines"] >= 2 * TRIED["acts"]


def shown_by(act: Callable[[], object]) -> list[str]:
    """The lines that something writes to either stream, checked."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape", newline="") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        act()
    for stream in (out, err):
        stream.flush()
    lines = [line for stream in (out, err) for line in stream.buffer.getvalue().decode().split("\n")]
    assert {line: obeyed(line) for line in lines if obeyed(line)} == {}
    TRIED["acts"] += 1
    TRIED["lines"] += len(lines)
    return lines


@pytest.fixture(autouse=True)
def handler_of_sigterm() -> Iterator[None]:
    with as_it_was():
        yield


@dataclass
class Liar:
    """A server that answers everything with what it was told to."""

    url: str = ""
    status: int = 200
    answer: bytes = b""

    def will_say(self, status: int, answer: object) -> None:
        self.status, self.answer = status, json.dumps(answer).encode()


@pytest.fixture(scope="module")
def liar() -> Iterator[Liar]:
    made = Liar()
    with hostile_server(lambda number, path: [http(made.answer, status=f"{made.status} Said")]) as made.url:
        yield made


@ATTACK
@given(route=HOSTILE, error=HOSTILE)
def test_routes_and_errors_of_a_server_in_the_cost_table(liar: Liar, route: str, error: str) -> None:
    counts = {"requests": 1, "reads": 1}
    liar.will_say(200, {"routes": {route: counts}, "operations": counts, "estimate": None})
    assert len(shown_by(lambda: main(["cost", "--url", liar.url]))) == 7, "a route is one line"
    liar.will_say(409, {"error": error})
    lines = shown_by(lambda: main(["cost", "--url", liar.url]))
    assert [line for line in lines if line and not line.startswith("    ")] == [lines[1]]


@settings(ATTACK, max_examples=15)
@given(name=NAMES, key=HOSTILE, field=HOSTILE, error=HOSTILE)
def test_files_and_what_is_in_them(liar: Liar, name: str, key: str, field: str, error: str) -> None:
    liar.will_say(502, {"error": error})
    with TemporaryDirectory() as folder:
        state, file = f"{folder}/state.sqlite", f"{folder}/_{name}"
        Path(file).write_text(json.dumps([{"key": key, "value": "1", field: 1}]))
        Path(f"{file}.json").write_text(f'{{"main": {json.dumps(key)}, "{error!r}": ')
        commands = (
            *(["seed", file, "--yes", f"--to={to}"] for to in (state, liar.url, f"{file}/nowhere", key)),
            ["verify", "--from", state, "--before", file],
            ["verify", "--from", state, "--before", file, "--json"],
            ["export", liar.url],
            ["serve", "--port=0", "--seed", file, "--state", f"{file}/state"],
            ["serve", "--port=0", "--worker", file],
            ["serve", "--port=0", "--worker", f"{file}.json"],
        )
        for command in commands:
            shown_by(partial(main, command))


@dataclass(frozen=True)
class Asked:
    """A client of an application, near a location."""

    app: Any
    location: str

    def __call__(self, method: str, path: bytes, key: bytes, content: bytes = b"") -> None:
        near = [(b"x-emulator-location", self.location.encode("utf-8", "replace"))] if key == b"q" else []
        scope = {
            "type": "http", "http_version": "2", "method": method, "raw_path": path, "query_string": b"",
            "path": path.decode("latin-1"), "headers": [(b"host", b"localhost"), (b"x-api-key", key), *near],
            "client": ("127.0.0.1", 1), "root_path": "", "scheme": "http",
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content}

        async def send(message: dict[str, Any]) -> None:
            pass

        asyncio.run(self.app(scope, receive, send))


@ATTACK
@given(method=HOSTILE, path=HOSTILE, task_id=HOSTILE, location=HOSTILE)
def test_requests_in_the_log(method: str, path: str, task_id: str, location: str) -> None:
    clock = MovableClock.frozen_at(0)
    keys = ApiKeys(queue_api_key="q", admin_api_key="a")

    def attack() -> None:
        service = KVService(MemoryStore(), clock=clock)
        app = create_app(Deployment(service=service, clock=clock, keys=keys, dice=Dice(1), api_token="t"))
        ask = Asked(app, location)
        raw = b"/" + path.encode("utf-8", "replace")
        ask(method, raw, b"q")
        ask(method, b"/client/v4" + raw, b"t")
        ask("GET", b"/cdn-cgi/emulator" + raw, b"")
        entries = [
            {"key": "orchestrator:pending", "value": json.dumps([task_id])},
            {"key": "orchestrator:lease:a", "value": task_id},
        ]
        ask("POST", b"/cdn-cgi/emulator/seed", b"", json.dumps(entries).encode("utf-8", "replace"))
        ask("POST", b"/api/migrate/run", b"a")

    lines = shown_by(attack)
    of_worker = ("  worker: ", "  uncaught ", "    ")
    assert len([line for line in lines if line and not line.startswith(of_worker)]) == 5, "a request is one line"


@ATTACK
@given(title=HOSTILE, path=NAMES)
def test_lines_of_a_report(title: str, path: str) -> None:
    lines = shown_by(lambda: say(f"  {title} is a namespace", f"  seeded {path}"))
    assert len(lines) == 4, "two lines and the end of each stream"
