"""What the faces share: one Worker deployed over one KV namespace, at named locations."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from queue_emulator.core.api_rate import ApiRate
from queue_emulator.core.clock import MovableClock, check_instant, iso_8601
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import ClockError, FaultError, RealDataError
from queue_emulator.core.javascript import Json, ToJson
from queue_emulator.core.request_line import Answered
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.namespaces import Namespaces
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService
from queue_emulator.terminal import tell
from queue_emulator.worker.auth import ApiKeys
from queue_emulator.worker.fetch import Env
from queue_emulator.worker.portable import PortableRange
from queue_emulator.worker.rate_limit import RateLimit
from queue_emulator.worker.rollout import Rollout, Wish
from queue_emulator.worker.versions import WorkerVersion

if TYPE_CHECKING:
    from queue_emulator.kv.remote import RemoteService


_NO_WISH = Wish()
WORKER_NAME = "queue-emulator"  # as Cloudflare's API calls what a namespace is bound to


class Explorer(Protocol):
    """The search for orders of requests and operations that break the queue, as the controls use it."""

    def scenarios(self) -> Sequence[Mapping[str, ToJson]]:
        """What can be searched, by name."""
        ...

    def search(self, scenario: str | None, seconds: float, random_seed: int) -> AsyncIterator[str]:
        """Lines of NDJSON: progress, each finding as it is made, and the end; raises SettingsError at once."""
        ...

    def play(self, schedule: str, choices: Sequence[Mapping[str, Json]]) -> Mapping[str, ToJson]:
        """A scenario after these choices, and what can be chosen next; raises SettingsError.

        `schedule` is the name of a scenario, or the text of a schedule.
        """
        ...


@dataclass(slots=True)
class Deployment:
    """The running whole. `locations` are airport codes, the first is the default; `log` takes one message.

    `version` is the Python Worker's, None for a Worker of somebody's own. `rollout` is for several versions at once, in
    its place; `machines` is how many each location has, with copies of their own.
    `service` is KV itself: emulated, or a real namespace, with which less can be done.
    `namespaces` are all of the account's, `service`'s among them; `api_token` opens Cloudflare's API to them, and
    without one that is closed. `control_token` opens the controls to other machines, which without one are closed
    to them.
    `explorer` makes what searches for what breaks the queue, where there is one. `ending` is set when no more requests
    are taken: what would go on without an end then ends. `run` is drawn for each start.
    """

    service: "KVService | RemoteService"
    clock: MovableClock
    keys: ApiKeys
    locations: tuple[str, ...] = ("SJC",)
    version: WorkerVersion | None = WorkerVersion.NEW
    rollout: Rollout | None = None
    machines: int = 1
    rate_limit_per_minute: int | None = None
    strict: bool = False
    dice: Dice = field(default_factory=Dice)
    log: Callable[[str], None] = tell
    log_requests_as: Callable[[Answered], None] | None = None
    requests: int = 0
    namespaces: Namespaces | None = None
    api_token: str | None = field(default=None, repr=False)
    control_token: str | None = field(default=None, repr=False)
    explorer: Callable[[], Explorer] | None = None
    ending: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    run: str = field(init=False)
    rate_limit: RateLimit = field(init=False)
    portable: PortableRange = field(init=False)
    api_rate: ApiRate = field(init=False)

    def __post_init__(self) -> None:
        if self.namespaces is None and isinstance(self.service, KVService):
            self.namespaces = Namespaces.around(self.service, name="CACHE", worker=WORKER_NAME, dice=self.dice)
        self.run = f"{Dice().bits(64, 'run'):016x}"
        self.api_rate = ApiRate(self.service.profile.api_requests_max)
        self.rate_limit = RateLimit(self.rate_limit_per_minute, self.clock)
        self.portable = PortableRange(strict=self.strict, log=lambda line: self.log(line))

    def log_request(self, answered: Answered) -> None:
        """One request that was answered, as a line of the log unless it is to be told otherwise."""
        if self.log_requests_as is None:
            self.log(answered.as_text())
        else:
            self.log_requests_as(answered)

    def location(self, named: str | None) -> str | None:
        """The location that a request names, the first if it names none, None if there is none of that name."""
        if named is None:
            return self.locations[0]
        return named if named in self.locations else None

    def machine(self, named: str | None) -> int | None:
        """The machine that a request names, else one that is drawn for it; None if there is none of that number."""
        if named is None:
            return 1 + self.dice.below(self.machines, "machine", self.requests) if self.machines > 1 else 1
        known = named.isascii() and named.isdigit() and len(named) < 4 and 1 <= int(named) <= self.machines
        return int(named) if known else None

    def emulated(self, why_not: str = "this works only with the emulated KV") -> KVService:
        """KV as this emulator's own; raises RealDataError, beginning with `why_not`, if it is a real namespace."""
        if isinstance(self.service, KVService):
            return self.service
        raise RealDataError(f"{why_not}: KV is {self.service.where}")

    def namespace(self, named: str) -> str:
        """The name under which journal and rules know a namespace: its name, title or id is given; or FaultError."""
        found = self.namespaces.find(named) if self.namespaces else None
        if self.namespaces and found is not None:
            return self.namespaces.name(found.id)
        titles = [each.title for each in self.namespaces.all()] if self.namespaces else []
        known = ", ".join(titles) or "a real one, and no other"
        raise FaultError(f"unknown namespace {named[:80]!r}; this emulator has {known}")

    def chosen(self, named: str | None) -> "KVService | RemoteService":
        """The namespace of this name, title or id; of none, the first that a Worker is bound to. Or FaultError."""
        if named is None and (self.namespaces is None or self.service.namespace != ""):
            return self.service
        if self.namespaces is None:
            raise FaultError(f"unknown namespace {(named or '')[:80]!r}; KV is a real one, and there is no other")
        if named is None:
            bound = self.namespaces.bound()
            if not bound:
                raise FaultError("no Worker is bound to a namespace yet")
            named = bound[0].id
        self.namespace(named)
        found = self.namespaces.find(named)
        service = None if found is None else self.namespaces.service(found.id)
        assert service is not None
        return service

    def places(self) -> list[str]:
        """Where copies are: each machine of each location, the first by the location's name alone."""
        numbers = range(1, self.machines + 1)
        return [at if number == 1 else f"{at} {number}" for at in self.locations for number in numbers]

    def services(self) -> list[KVService]:
        """Of all emulated namespaces."""
        if self.namespaces is None:
            return []
        opened = (self.namespaces.service(each.id) for each in self.namespaces.all())
        return [each for each in opened if each is not None]

    def binding(self, location: str, invocation: Invocation | None = None) -> Binding:
        """The KV namespace for one invocation, a new one if none is given."""
        return Binding(self.service, location, invocation or self.invocation())

    def invocation(self) -> Invocation:
        """One request, by the name that the journal and its answer have for it, with the profile's budget."""
        self.requests += 1
        name = f"{self.dice.bits(64, 'ray', self.requests):016x}"
        return Invocation(self.service.profile.operations_max, name=name, epoch=self.service.pipeline.epoch)

    def env(self, binding: Binding, wish: Wish = _NO_WISH) -> Env:
        """The Worker's environment for one invocation; `wish` is what the request says of its version."""
        version = self.version
        if self.rollout is not None:
            version = WorkerVersion(self.rollout.version(binding.location, wish, self.requests, self.dice))
            binding.invocation.worker_version = version.value
        assert version is not None, "a Worker of somebody's own is not run here"
        return Env(
            cache=binding,
            keys=self.keys,
            clock=self.clock,
            rate_limit=self.rate_limit,
            portable=self.portable,
            console=lambda line: self.log(f"  worker: {line}"),
            version=version,
        )

    def versions(self) -> dict[str, ToJson]:
        """Which version of the Worker runs here; where several do, each with what it answers."""
        if self.rollout is not None:
            return {"workerVersion": None, "workerVersions": self.rollout.shares(self.locations)}
        return {"workerVersion": None if self.version is None else self.version.value}

    def time(self) -> dict[str, int | str | bool]:
        """What the clock shows, and how far it is from the machine's."""
        now_ms = self.clock.now_ms()
        return {
            "now": iso_8601(now_ms),
            "now_ms": now_ms,
            "offset_ms": self.clock.offset_ms,
            "frozen": self.clock.frozen,
        }

    def move_clock(self, *, set_ms: int | None, advance_ms: int, freeze: bool | None) -> None:
        """Set, then advance, then freeze or resume; raises ClockError or RealDataError, and then nothing has moved."""
        self.emulated("the clock cannot be moved")
        now_ms = (self.clock.now_ms() if set_ms is None else set_ms) + advance_ms
        check_instant(now_ms)
        if advance_ms < 0:
            raise ClockError(f"the clock can only be advanced by 0 or more, not by {advance_ms} ms")
        if set_ms is not None or advance_ms:
            self.clock.set(now_ms)
        if freeze is not None:
            (self.clock.freeze if freeze else self.clock.resume)()

    async def reset(self) -> None:
        """Forget all data, faults and counts, and show the machine's time again; RealDataError for real data."""
        self.emulated("real data is not deleted by this command")
        assert self.namespaces is not None
        await self.namespaces.reset()
        self.clock.restart()
        self.api_rate = ApiRate(self.service.profile.api_requests_max)
        self.rate_limit = RateLimit(self.rate_limit_per_minute, self.clock)
