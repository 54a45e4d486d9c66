"""The emulator inside a test: one process, no port, a clock that stands still, nothing to await.

Everything runs in the caller's own thread of control: a store in memory never waits, and a fault's delay moves the
clock instead of taking time. So the same calls serve plain and asynchronous tests. Requests overlap where a test says
so: one that was begun does its KV operations when it is told to, and others come in between.
"""

import json as json_text
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import unquote

from starlette.types import ASGIApp, Message

from queue_emulator.core.bulk import parse_bulk
from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import EmulatorError
from queue_emulator.core.javascript import Json, ToJson, writable
from queue_emulator.core.journal import Event
from queue_emulator.core.plans import Cost, cost
from queue_emulator.core.profiles import CLOUDFLARE, Profile
from queue_emulator.core.wire_names import LOCATION_HEADER
from queue_emulator.kv.pipeline import Pipeline
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.kv.turn import Actor, HeldTurns
from queue_emulator.kv.waiting import advance_instead
from queue_emulator.run_now import ONE_AT_A_TIME
from queue_emulator.run_now import run_now as run_now
from queue_emulator.testing_controls import EmulatorClock as EmulatorClock
from queue_emulator.testing_controls import Faults as Faults
from queue_emulator.testing_kv import KV as KV
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.worker.auth import ApiKeys
from queue_emulator.worker.fetch import WorkerVersion

NOON_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z
KEYS = ApiKeys(queue_api_key="test-queue-key", admin_api_key="test-admin-key")
API_TOKEN = "test-api-token"  # noqa: S105 - opens Cloudflare's API of an emulator in a test
_OWN_KEY = "the key that the path asks for"

Version: TypeAlias = Literal["old", "dual", "new"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request was answered; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The content as UTF-8; raises UnicodeDecodeError."""
        return self.content.decode()

    def json(self) -> dict[str, Json]:
        """The content as a JSON object, as the Worker's answers are; raises ValueError for anything else."""
        parsed = json_text.loads(self.content)
        if not isinstance(parsed, dict):
            raise ValueError(f"the answer is no JSON object: {self.content[:80]!r}")
        return parsed

    def member(self, *path: str | int) -> Json:
        """What stands under names and indexes in the JSON: `member("lease", "workerId")`; raises LookupError."""
        return member(self.json(), *path)


class Emulator:
    """A deployed Worker over KV in memory. The clock stands at 2026-01-01T12:00:00Z until it is moved.

    `locations` are airport codes, the first is the default; `strict` answers 400 to what is outside of openapi.yaml;
    `seed` makes every draw repeatable. As `app` it is an
    ASGI application for any client that takes one, such as httpx.ASGITransport.
    """

    def __init__(
        self,
        *,
        profile: Profile = CLOUDFLARE,
        locations: Sequence[str] = ("SJC",),
        worker_version: Version = "new",
        rate_limit: int | None = None,
        strict: bool = False,
        seed: int = 0,
    ) -> None:
        self._clock = MovableClock.frozen_at(NOON_MS)
        dice = Dice(seed)
        self.turns = HeldTurns(ONE_AT_A_TIME)
        pipeline = Pipeline(self._clock, dice, advance_instead(self._clock), profile.plan, self.turns)
        service = KVService(
            MemoryStore(), clock=self._clock, profile=profile, dice=dice, pipeline=pipeline, namespace="CACHE"
        )
        self.log: list[str] = []
        self.deployment = Deployment(
            service=service,
            clock=self._clock,
            keys=KEYS,
            locations=tuple(locations),
            version=WorkerVersion(worker_version),
            rate_limit_per_minute=rate_limit,
            strict=strict,
            dice=dice,
            log=self.log.append,
            api_token=API_TOKEN,
        )
        self.app: ASGIApp = create_app(self.deployment)
        self.clock = EmulatorClock(self._clock)
        self.faults = Faults(self.deployment)

    def at(self, location: str) -> "Location":
        """Requests from near `location`, which comes to be if there was none of this name."""
        if location not in self.deployment.locations:
            self.deployment.locations += (location,)
        return Location(self, location)

    def get(self, path: str, *, key: str | None = _OWN_KEY, headers: Mapping[str, str] | None = None) -> Reply:
        """GET at the first location; keywords as for `Location.request`."""
        return self.at(self.deployment.locations[0]).get(path, key=key, headers=headers)

    def post(
        self,
        path: str,
        json: ToJson = None,
        *,
        content: bytes | None = None,
        key: str | None = _OWN_KEY,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """POST at the first location; keywords as for `Location.request`."""
        return self.at(self.deployment.locations[0]).post(path, json, content=content, key=key, headers=headers)

    def begin(
        self,
        method: str,
        path: str,
        *,
        json: ToJson = None,
        content: bytes | None = None,
        key: str | None = _OWN_KEY,
        headers: Mapping[str, str] | None = None,
    ) -> "Actor[Reply]":
        """A request at the first location that goes on when it is told to; see `Location.begin`."""
        here = self.at(self.deployment.locations[0])
        return here.begin(method, path, json=json, content=content, key=key, headers=headers)

    def enqueue(
        self, task: Mapping[str, ToJson] | None = None, *, format: Literal["old", "new"] = "new"
    ) -> dict[str, Json]:
        """A task through CommHub, as a webhook would bring it; returns it as it was written.

        What `task` leaves out is made up, its `id` too. Raises EmulatorError for a task that CommHub would not send.
        """
        task_written = self._control("enqueue", {"format": format, "task": dict(task or {})})["task"]
        assert isinstance(task_written, dict)
        return task_written

    def load(self, data: str | Path | Sequence[Mapping[str, ToJson]]) -> int:
        """Write a bulk-put file or array at the first location, all or nothing; returns how many keys.

        A member is `{"key", "value", "base64"?, "expiration"?, "expiration_ttl"?, "metadata"?}`, times in seconds:
        https://developers.cloudflare.com/kv/reference/kv-commands/#kv-bulk-put . Raises BulkDataError, OSError.
        """
        content = Path(data).read_bytes() if isinstance(data, (str, Path)) else _encoded(list(data))
        parsed = parse_bulk(content, self._clock.now_ms())
        run_now(self.deployment.service.load(self.deployment.locations[0], parsed.requests))
        return len(parsed.requests)

    def journal(self, *, after: int = 0) -> list[Event]:
        """The KV operations after a position (1 is the first), oldest first: queue_emulator.core.journal.Event."""
        return list(self.deployment.service.journal.after(after))

    def cost(self, *, over_s: int) -> Cost:
        """Operations by route, and what such traffic in `over_s` seconds, 1 or more, costs in US dollars."""
        if over_s < 1:
            raise EmulatorError(f"over_s must be 1 or more seconds, not {over_s}")
        traffic = self.deployment.service.meter.traffic(over_s)
        return {**traffic, "estimate": cost(traffic["operations"], over_s)}

    def _control(self, control: str, body: Mapping[str, ToJson]) -> dict[str, Json]:
        reply = self.post(f"/cdn-cgi/emulator/{control}", body)
        if reply.status != 200:
            raise EmulatorError(str(reply.json()["error"]))
        return reply.json()


@dataclass(frozen=True, slots=True)
class Location:
    """The emulator as it is reached from one location."""

    emulator: Emulator
    name: str

    def get(self, path: str, *, key: str | None = _OWN_KEY, headers: Mapping[str, str] | None = None) -> Reply:
        """GET from here; keywords as for `request`."""
        return self.request("GET", path, key=key, headers=headers)

    def post(
        self,
        path: str,
        json: ToJson = None,
        *,
        content: bytes | None = None,
        key: str | None = _OWN_KEY,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """POST from here; keywords as for `request`."""
        return self.request("POST", path, json=json, content=content, key=key, headers=headers)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: ToJson = None,
        content: bytes | None = None,
        key: str | None = _OWN_KEY,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request. `path` may have a query, and is sent as it is; an error of the Worker is an answer like others.

        json     the body, unless `content` is given; None sends no body
        content  the body as bytes, for one that is not JSON
        key      the X-API-Key: by default the one that the path asks for, None for none
        headers  more headers; they replace those that are sent anyway: Host, X-Emulator-Location, X-API-Key
        """
        return run_now(self._call(method, path, json, content, key, headers))

    def begin(
        self,
        method: str,
        path: str,
        *,
        json: ToJson = None,
        content: bytes | None = None,
        key: str | None = _OWN_KEY,
        headers: Mapping[str, str] | None = None,
    ) -> "Actor[Reply]":
        """One request that stands before its first KV operation, and does the next one whenever it is told to.

        Requests that were begun overlap: `begun.until("put", "queue:lease:t1")`, then others, then `begun.finish()`.
        """
        return self.emulator.turns.actor(self._call(method, path, json, content, key, headers))

    def _call(
        self,
        method: str,
        path: str,
        json: ToJson,
        content: bytes | None,
        key: str | None,
        headers: Mapping[str, str] | None,
    ) -> Coroutine[object, None, Reply]:
        if content is None:
            content = b"" if json is None else _encoded(json)
        if key == _OWN_KEY:
            key = KEYS.admin_api_key if path.startswith("/api/migrate") else KEYS.queue_api_key
        sent = {"host": "127.0.0.1", LOCATION_HEADER: self.name, **(headers or {})}
        if key is not None:
            sent["x-api-key"] = key
        return _call(self.emulator.app, method, path, sent, content)

    @property
    def kv(self) -> "KV":
        """The KV namespace as it is seen here."""
        return KV(self.emulator, self.name)


def member(value: Json, *path: str | int) -> Json:
    """What stands in a JSON value under a path of names and indexes; raises LookupError, which shows the value."""
    found = value
    for step in path:
        try:
            found = found[step]  # type: ignore[index]
        except (LookupError, TypeError):
            raise LookupError(f"no {step!r} in {found!r:.200}, at {list(path)} of {value!r:.200}") from None
    return found


def _encoded(value: ToJson) -> bytes:
    return json_text.dumps(value, default=writable).encode()


async def _call(app: ASGIApp, method: str, path: str, headers: Mapping[str, str], content: bytes) -> Reply:
    raw_path, _, query = path.encode("ascii").partition(b"?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw_path.decode()),
        "raw_path": raw_path,
        "query_string": query,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 80),
    }
    received: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        return received.pop(0) if received else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return Reply(
        sent[0]["status"],
        {name.decode(): value.decode() for name, value in sent[0]["headers"]},
        b"".join(message.get("body", b"") for message in sent[1:]),
    )
