"""What a Worker in tests stands on: the deployment of the test that runs now, and what every such Worker can do."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import EmulatorError
from queue_emulator.kv.namespaces import MemoryCatalogue, Namespaces
from queue_emulator.kv.service import KVService
from queue_emulator.testing.emulator import NOON_MS
from queue_emulator.web.deployment import Deployment
from queue_emulator.worker.auth import ApiKeys

ANSWER_S_MAX = 60.0


@dataclass(slots=True)
class Stage:
    """What a started Worker finds around it: the deployment of the test that runs now, None before the first."""

    deployment: Deployment | None = None

    def before_the_first_test(self) -> Namespaces:
        """What a Worker that asks KV while it starts is given, and no test sees."""
        clock, dice = MovableClock.frozen_at(NOON_MS), Dice(0)
        return Namespaces(
            MemoryCatalogue(), (), lambda store, name: KVService(store, clock=clock, dice=dice, namespace=name), dice
        )

    def located(self, named: str | None) -> str | None:
        return None if self.deployment is None else self.deployment.location(named)

    def clock(self) -> MovableClock:
        return MovableClock.frozen_at(NOON_MS) if self.deployment is None else self.deployment.clock

    def log(self, line: str) -> None:
        if self.deployment is not None:
            self.deployment.log(line)


@dataclass(frozen=True, slots=True)
class Bound:
    """The namespaces that a Worker is bound to, by the names of its bindings; `controlled` is that of `kv`."""

    controlled: KVService
    services: Mapping[str, KVService]


class Hosted(Protocol):
    """A Worker that was started, as tests are given it."""

    @property
    def app(self) -> ASGIApp: ...

    @property
    def keys(self) -> ApiKeys: ...

    async def bind(self, namespaces: Namespaces) -> Bound:
        """It reads and writes these namespaces from now on."""
        ...

    def clock_moved(self) -> None:
        """Runs that are under way are to see it."""
        ...

    async def settle(self) -> None:
        """Wait until no run of a test is under way any more, as far as that can be known."""
        ...


def answering(app: ASGIApp, *, limit_s: float = ANSWER_S_MAX) -> ASGIApp:
    """A test does not wait for ever for a Worker that is in a loop without an end: EmulatorError says so."""

    async def bounded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(limit_s) as limit:
                await app(scope, receive, send)
        except TimeoutError:
            if not limit.expired():
                raise
            asked = f"{scope['method']} {scope['path'][:80]}"
            raise EmulatorError(f"the Worker did not answer {asked} within {limit_s:g} s: is it in a loop?") from None

    return bounded
