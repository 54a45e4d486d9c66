"""The emulator inside a test: one process, no port, a clock that stands still, nothing to await.

Everything runs in the caller's own thread of control: a store in memory never waits, and a fault's delay moves the
clock instead of taking time. So the same calls serve plain and asynchronous tests. Requests overlap where a test says
so: one that was begun does its KV operations when it is told to, and others come in between.
"""

import json as json_text
import threading
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from starlette.types import ASGIApp, Message

from queue_emulator.core.bulk import parse_bulk
from queue_emulator.core.clock import MovableClock, iso_8601, parse_iso_8601
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import EmulatorError
from queue_emulator.core.faults import rule_from_json, rule_to_json
from queue_emulator.core.javascript import Json
from queue_emulator.core.journal import Event
from queue_emulator.core.profiles import CLOUDFLARE, Profile
from queue_emulator.core.surface import LOCATION_HEADER
from queue_emulator.kv.binding import Binding, ListResult, ValueWithMetadata
from queue_emulator.kv.pipeline import Pipeline
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.kv.turn import Actor, HeldTurns
from queue_emulator.kv.waiting import advance_instead
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.worker.auth import ApiKeys
from queue_emulator.worker.fetch import WorkerVersion

NOON_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z
KEYS = ApiKeys(queue_api_key="test-queue-key", admin_api_key="test-admin-key")
API_TOKEN = "test-api-token"  # noqa: S105 - opens Cloudflare's API of an emulator in a test
_OWN_KEY = "the key that the path asks for"

Result = TypeVar("Result")

_ONE_AT_A_TIME = threading.RLock()


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request was answered; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Json:
        return json_text.loads(self.content)


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
        worker_version: str = "new",
        rate_limit: int | None = None,
        strict: bool = False,
        seed: int = 0,
    ) -> None:
        self._clock = MovableClock.frozen_at(NOON_MS)
        dice = Dice(seed)
        self.turns = HeldTurns(_ONE_AT_A_TIME)
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

    def get(self, path: str, **options: Any) -> Reply:
        """GET at the first location; options as for `Location.request`."""
        return self.at(self.deployment.locations[0]).get(path, **options)

    def post(self, path: str, json: Json = None, **options: Any) -> Reply:
        """POST at the first location; options as for `Location.request`."""
        return self.at(self.deployment.locations[0]).post(path, json, **options)

    def begin(self, method: str, path: str, **options: Any) -> "Actor[Reply]":
        """A request at the first location that goes on when it is told to; see `Location.begin`."""
        return self.at(self.deployment.locations[0]).begin(method, path, **options)

    def enqueue(self, task: Mapping[str, Json] | None = None, *, format: str = "new") -> Json:
        """A task through CommHub, as a webhook would bring it; returns it as it was written."""
        return self._control("enqueue", {"format": format, "task": dict(task or {})})["task"]

    def load(self, data: str | Path | Sequence[Mapping[str, Json]]) -> int:
        """Write a bulk-put file or array at the first location, all or nothing; returns how many keys."""
        content = Path(data).read_bytes() if isinstance(data, (str, Path)) else json_text.dumps(list(data)).encode()
        parsed = parse_bulk(content, self._clock.now_ms())
        run_now(self.deployment.service.load(self.deployment.locations[0], parsed.requests))
        return len(parsed.requests)

    def journal(self, *, after: int = 0) -> list[Event]:
        """The KV operations since a position, oldest first."""
        return list(self.deployment.service.journal.after(after))

    def cost(self, *, over_s: int) -> Json:
        """Operations by route, and what such traffic in `over_s` seconds costs."""
        return self.get(f"/cdn-cgi/emulator/cost?over_s={over_s}").json()

    def _control(self, control: str, body: Json) -> Json:
        reply = self.post(f"/cdn-cgi/emulator/{control}", body)
        if reply.status != 200:
            raise EmulatorError(reply.json()["error"])
        return reply.json()


@dataclass(frozen=True, slots=True)
class Location:
    """The emulator as it is reached from one location."""

    emulator: Emulator
    name: str

    def get(self, path: str, **options: Any) -> Reply:
        return self.request("GET", path, **options)

    def post(self, path: str, json: Json = None, **options: Any) -> Reply:
        return self.request("POST", path, json=json, **options)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Json = None,
        content: bytes | None = None,
        key: str | None = _OWN_KEY,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request. `key` is the X-API-Key, by default the right one for the path, None for none.

        `json` is sent unless `content` is given; `path` may have a query, and is sent as it is.
        """
        return run_now(self._call(method, path, json, content, key, headers))

    def begin(
        self,
        method: str,
        path: str,
        *,
        json: Json = None,
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
        json: Json,
        content: bytes | None,
        key: str | None,
        headers: Mapping[str, str] | None,
    ) -> Coroutine[Any, Any, Reply]:
        if content is None:
            content = b"" if json is None else json_text.dumps(json).encode()
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


@dataclass(frozen=True, slots=True)
class KV:
    """`env.CACHE` at one location, each call an invocation of its own. Options as for queue_emulator.kv.Binding."""

    emulator: Emulator
    location: str

    def at(self, location: str) -> "KV":
        return self.emulator.at(location).kv

    def get(self, key: str, type: str = "text", **options: Json) -> Any:
        return run_now(self._binding().get(key, type, **options))

    def get_with_metadata(self, key: str, type: str = "text", **options: Json) -> ValueWithMetadata:
        return run_now(self._binding().get_with_metadata(key, type, **options))

    def get_bulk(self, keys: Sequence[str], type: str = "text", **options: Json) -> dict[str, Any]:
        return run_now(self._binding().get_bulk(keys, type, **options))

    def put(self, key: str, value: str | bytes, **options: Json) -> None:
        run_now(self._binding().put(key, value, **options))

    def delete(self, key: str) -> None:
        run_now(self._binding().delete(key))

    def list(self, **options: Json) -> ListResult:
        return run_now(self._binding().list(**options))

    def _binding(self) -> Binding:
        return self.emulator.deployment.binding(self.location)


@dataclass(frozen=True, slots=True)
class EmulatorClock:
    """The emulator's clock, in seconds."""

    clock: MovableClock

    def advance(self, seconds: float) -> None:
        """Move forward: every expiry, copy, quota and timestamp follows."""
        self.clock.advance(round(seconds * 1000))

    def set(self, instant: str) -> None:
        """Stand at an ISO 8601 instant with an offset from UTC, as 2026-11-23T17:00:00Z."""
        self.clock.set(parse_iso_8601(instant))

    def freeze(self) -> None:
        self.clock.freeze()

    def resume(self) -> None:
        """Run at the machine's pace from here on."""
        self.clock.resume()

    @property
    def now(self) -> str:
        return iso_8601(self.clock.now_ms())


@dataclass(frozen=True, slots=True)
class Faults:
    """The fault rules in force, in the order in which they are asked; the first verdict wins."""

    deployment: Deployment

    def add(self, verdict: str, **members: Json) -> int:
        """Append a rule, with the members of the control surface's JSON; returns its id."""
        return self.deployment.service.faults.add(rule_from_json({"verdict": verdict, **members})).id

    def remove(self, rule_id: int) -> None:
        self.deployment.service.faults.remove(rule_id)

    def clear(self) -> None:
        self.deployment.service.faults.clear()

    def rules(self) -> list[dict[str, Json]]:
        return [rule_to_json(rule) for rule, _, _ in self.deployment.service.faults.rules()]


def run_now(work: Coroutine[Any, Any, Result]) -> Result:
    """Run to its end what waits for no turn; calls from several threads go one after the other."""
    with _ONE_AT_A_TIME:
        try:
            work.send(None)
        except StopIteration as ended:
            result: Result = ended.value
            return result
        work.close()
    raise EmulatorError("the emulator had to wait, which it cannot inside a test")


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
