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
from queue_emulator.core.errors import EmulatorError, SettingsError
from queue_emulator.core.javascript import Json, ToJson, writable
from queue_emulator.core.journal import Event
from queue_emulator.core.places import as_url, location_code, location_codes
from queue_emulator.core.plans import Cost, cost
from queue_emulator.core.profiles import CLOUDFLARE, Profile
from queue_emulator.core.wire_names import LOCATION_HEADER
from queue_emulator.kv.binding import Binding
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
from queue_emulator.testing_threads import HERE, Where
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.worker.auth import ApiKeys, Scope
from queue_emulator.worker.fetch import WorkerVersion

NOON_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z
KEYS = ApiKeys(queue_api_key="test-queue-key", admin_api_key="test-admin-key")
API_TOKEN = "test-api-token"  # noqa: S105 - opens Cloudflare's API of an emulator in a test
CACHE = "CACHE"  # the binding of the namespace that the controls, and the fixture `kv`, speak of
_DEFAULT_LOCATION = "SJC"
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
        try:
            parsed = json_text.loads(self.content)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise ValueError(f"the answer, with status {self.status}, is no JSON object: {self.content[:80]!r}")
        return parsed

    def member(self, *path: str | int) -> Json:
        """What stands under names and indexes in the JSON: `member("lease", "workerId")`; raises LookupError."""
        return member(self.json(), *path)


@dataclass(slots=True)
class World:
    """What an emulator is made of.

    closed    whether it was told which locations there are
    where     in which thread all of it happens
    services  the namespaces, by the names of their bindings
    """

    deployment: Deployment
    app: ASGIApp
    log: list[str]
    closed: bool
    turns: HeldTurns
    services: Mapping[str, KVService]
    where: Where = HERE


class Emulator:
    """A deployed Worker over KV in memory. The clock stands at 2026-01-01T12:00:00Z until it is moved.

    `locations` are airport codes, the first is the default, and where they are given there are no others; `strict`
    answers 400 to what is outside of openapi.yaml; `seed` makes every draw repeatable. As `app` it is an ASGI
    application for any client that takes one, such as httpx.ASGITransport. Raises EmulatorError.
    """

    def __init__(
        self,
        *,
        profile: Profile = CLOUDFLARE,
        locations: Sequence[str] | None = None,
        worker_version: Version = "new",
        rate_limit: int | None = None,
        strict: bool = False,
        seed: int = 0,
    ) -> None:
        clock, dice, turns = MovableClock.frozen_at(NOON_MS), Dice(seed), HeldTurns(ONE_AT_A_TIME)
        pipeline = Pipeline(clock, dice, advance_instead(clock), profile.plan, turns)
        service = KVService(MemoryStore(), clock=clock, profile=profile, dice=dice, pipeline=pipeline, namespace=CACHE)
        log: list[str] = []
        deployment = Deployment(
            service=service,
            clock=clock,
            keys=KEYS,
            locations=codes_of(locations),
            version=WorkerVersion(worker_version),
            rate_limit_per_minute=rate_limit,
            strict=strict,
            dice=dice,
            log=log.append,
            api_token=API_TOKEN,
        )
        self._begin_in(World(deployment, create_app(deployment), log, locations is not None, turns, {CACHE: service}))

    @classmethod
    def of(cls, world: World) -> "Emulator":
        """An emulator that somebody else has put together."""
        made = cls.__new__(cls)
        made._begin_in(world)
        return made

    def _begin_in(self, world: World) -> None:
        self._world = world
        self.where, self.turns, self.log, self.deployment = world.where, world.turns, world.log, world.deployment
        self.inside, self.app = world.app, world.where.app(world.app)
        self.clock = EmulatorClock(world.deployment.clock, world.where)
        self.faults = Faults(world.deployment, world.where)

    def at(self, location: str) -> "Location":
        """Requests from near `location`, an airport code in any case.

        It comes to be if there was none, unless the emulator was told which there are: then another raises
        EmulatorError, as what is no code does.
        """
        code = location_code(location)
        if code not in self.deployment.locations:
            if self._world.closed:
                known = ", ".join(self.deployment.locations)
                raise SettingsError(f"unknown location {location!r}; this emulator has {known}")
            self.deployment.locations += (code,)
        return Location(self, code)

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
        parsed = parse_bulk(content, self.deployment.clock.now_ms())
        self.where.run(self.deployment.service.load(self.deployment.locations[0], parsed.requests))
        return len(parsed.requests)

    def journal(self, *, after: int = 0) -> list[Event]:
        """The KV operations after a position (1 is the first), oldest first: queue_emulator.core.journal.Event."""
        return self.where.do(lambda: list(self.deployment.service.journal.after(after)))

    def cost(self, *, over_s: int) -> Cost:
        """Operations by route, and what such traffic in `over_s` seconds, 1 or more, costs in US dollars."""
        if over_s < 1:
            raise EmulatorError(f"over_s must be 1 or more seconds, not {over_s}")
        traffic = self.where.do(lambda: self.deployment.service.meter.traffic(over_s))
        return {**traffic, "estimate": cost(traffic["operations"], over_s)}

    def binding(self, location: str, named: str | None = None) -> Binding:
        """`env.CACHE`, or what the Worker has under another name, for one new invocation; raises EmulatorError."""
        if named is None:
            return self.deployment.binding(location)
        if named not in self._world.services:
            known = ", ".join(self._world.services)
            raise EmulatorError(f"the Worker has no KV namespace {named[:80]!r}; it has {known}")
        return Binding(self._world.services[named], location, self.deployment.invocation())

    def bindings(self) -> dict[str, str]:
        """By what the journal calls a namespace, the name of its binding; of several the first."""
        pairs = reversed(list(self._world.services.items()))
        return {service.namespace or "": binding for binding, service in pairs}

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
        """One request. An error of the Worker is an answer like others.

        path     begins with a slash and may have a query; what no URL holds is sent as its escapes, `é` as `%C3%A9`
        json     the body, unless `content` is given; None sends no body
        content  the body as bytes, for one that is not JSON
        key      the X-API-Key: by default the one that the path asks for, None for none
        headers  more headers; they replace those that are sent anyway: Host, X-Emulator-Location, X-API-Key
        """
        return self.emulator.where.run(self._call(method, path, json, content, key, headers))

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
        if self.emulator.where is not HERE:
            raise EmulatorError(
                "begin() works with the Python Worker only. A Worker on its own runtime goes on by itself: let its "
                "requests overlap by threads or by asyncio, over `emulator.app`"
            )
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
        if not path.startswith("/"):
            raise EmulatorError(f"a path begins with a slash, such as /api/queue, not {path[:80]!r}")
        if content is None:
            content = b"" if json is None else _encoded(json)
        if key == _OWN_KEY:
            scope = Scope.ADMIN if path.startswith("/api/migrate") else Scope.QUEUE
            key = self.emulator.deployment.keys.expected(scope)
        sent = {"host": "127.0.0.1", LOCATION_HEADER: self.name, **(headers or {})}
        if content:
            sent["content-length"] = str(len(content))
        if key is not None:
            sent["x-api-key"] = key
        return _call(self.emulator.inside, self.emulator.where, method, path, sent, content)

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


def codes_of(locations: Sequence[str] | None) -> tuple[str, ...]:
    """The locations of an emulator, by default one; raises SettingsError for none, and for what is no code."""
    codes = location_codes((_DEFAULT_LOCATION,) if locations is None else locations)
    if not codes:
        raise SettingsError("an emulator has one location at least")
    return codes


def _encoded(value: ToJson) -> bytes:
    return json_text.dumps(value, default=writable).encode()


async def _call(
    app: ASGIApp, where: Where, method: str, path: str, headers: Mapping[str, str], content: bytes
) -> Reply:
    # Half of a surrogate pair becomes U+FFFD, as in every URL of JavaScript.
    text = path.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    raw_path, _, query = as_url(text.encode()).partition(b"?")
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
        if received:
            return received.pop(0)
        await where.until_the_end()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return Reply(
        sent[0]["status"],
        {name.decode(): value.decode() for name, value in sent[0]["headers"]},
        b"".join(message.get("body", b"") for message in sent[1:]),
    )
