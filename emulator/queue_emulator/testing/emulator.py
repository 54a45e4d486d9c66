"""A Worker over KV in memory, deployed inside a test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, Unpack

from starlette.types import ASGIApp

from queue_emulator.core.bulk import parse_bulk
from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import EmulatorError, SettingsError
from queue_emulator.core.javascript import Json, ToJson
from queue_emulator.core.journal import Event
from queue_emulator.core.places import location_code, location_codes
from queue_emulator.core.plans import Cost, cost
from queue_emulator.core.profiles import CLOUDFLARE, Profile
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.pipeline import Pipeline
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.kv.turn import Actor, HeldTurns
from queue_emulator.kv.waiting import advance_instead
from queue_emulator.testing.controls import EmulatorClock, Faults
from queue_emulator.testing.location import Location, Reply, Sent, SentBody, SentContent, encoded
from queue_emulator.testing.run_now import ONE_AT_A_TIME
from queue_emulator.testing.threads import HERE, Where
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.worker.auth import ApiKeys
from queue_emulator.worker.versions import WorkerVersion

NOON_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z
KEYS = ApiKeys(queue_api_key="test-queue-key", admin_api_key="test-admin-key")
API_TOKEN = "test-api-token"  # noqa: S105 - opens Cloudflare's API of an emulator in a test
CACHE = "CACHE"  # the binding of the namespace that the controls, and the fixture `kv`, speak of
_DEFAULT_LOCATION = "SJC"

Version: TypeAlias = Literal["old", "dual", "new"]


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

    def at(self, location: str) -> Location:
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

    def get(self, path: str, **sent: Unpack[Sent]) -> Reply:
        """GET at the first location."""
        return self.at(self.deployment.locations[0]).get(path, **sent)

    def post(self, path: str, json: ToJson = None, **sent: Unpack[SentContent]) -> Reply:
        """POST at the first location."""
        return self.at(self.deployment.locations[0]).post(path, json, **sent)

    def begin(self, method: str, path: str, **sent: Unpack[SentBody]) -> Actor[Reply]:
        """A request at the first location that goes on when it is told to; see `Location.begin`."""
        return self.at(self.deployment.locations[0]).begin(method, path, **sent)

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
        content = Path(data).read_bytes() if isinstance(data, (str, Path)) else encoded(list(data))
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


def codes_of(locations: Sequence[str] | None) -> tuple[str, ...]:
    """The locations of an emulator, by default one; raises SettingsError for none, and for what is no code."""
    codes = location_codes((_DEFAULT_LOCATION,) if locations is None else locations)
    if not codes:
        raise SettingsError("an emulator has one location at least")
    return codes
