"""A Worker on workerd over a KV in this process's memory, behind the emulator's own app."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.profiles import CLOUDFLARE, Profile
from queue_emulator.core.wire_names import LOCATION_HEADER
from queue_emulator.kv.namespaces import MemoryCatalogue, Namespaces
from queue_emulator.kv.pipeline import Pipeline
from queue_emulator.kv.service import KVService
from queue_emulator.kv.waiting import advance_instead
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.worker.auth import ApiKeys
from queue_emulator.workerd.bindings import WorkerPlan
from queue_emulator.workerd.running import RunningWorker, Surroundings, running_worker
from tests.asking import client_of


@dataclass(slots=True)
class Deployed:
    """The Worker as its clients reach it, the deployment around it, and what was logged."""

    client: httpx.AsyncClient
    deployment: Deployment
    services: Mapping[str, KVService]
    logged: list[str]
    running: RunningWorker

    async def get(self, path: str = "/", at: str | None = None) -> httpx.Response:
        """GET near a location, the first if none is named."""
        return await self.client.get(path, headers={} if at is None else {LOCATION_HEADER: at})

    async def json(self, path: str = "/", at: str | None = None) -> Any:
        """As `get`, of an answer that must be JSON."""
        return (await self.get(path, at)).json()

    async def control(self, path: str, body: Any) -> Any:
        """POST to the control surface."""
        return (await self.client.post(f"/cdn-cgi/emulator/{path}", json=body)).raise_for_status().json()


@asynccontextmanager
async def deployed(
    main: Path,
    workerd: Path,
    clock: MovableClock,
    *,
    locations: Sequence[str] = ("SJC",),
    profile: Profile = CLOUDFLARE,
    kv: Mapping[str, str] | None = None,
    variables: Mapping[str, Any] | None = None,
    compatibility_date: str | None = "2026-07-01",
    compatibility_flags: Sequence[str] = (),
    real_date: bool = False,
    logging: Callable[[str], None] = lambda line: None,
) -> AsyncIterator[Deployed]:
    """Run it from here to the end of the block; `logging` is told of each line of the log."""
    plan = WorkerPlan(
        main,
        kv=kv or {"CACHE": "CACHE"},
        compatibility_date=compatibility_date,
        compatibility_flags=tuple(compatibility_flags),
        real_date=real_date,
    )
    namespaces = _namespaces(clock, profile)
    services = {name: await namespaces.bind(name, worker="worker") for name in dict.fromkeys(plan.kv.values())}
    first = next(iter(services.values()))
    logged: list[str] = []

    def log(line: str) -> None:
        logged.append(line)
        logging(line)

    deployment = Deployment(
        service=first,
        clock=clock,
        keys=ApiKeys(),
        locations=tuple(locations),
        dice=Dice(7),
        log=log,
        namespaces=namespaces,
    )
    around = Surroundings(
        binary=workerd,
        service=services.__getitem__,
        invoked=lambda route: first.pipeline.meter.invoked(route, clock.now_ms()),
        locations=locations,
        variables={name: json.dumps(value) for name, value in (variables or {}).items()},
        locate=deployment.location,
        clock=lambda: clock,
        log=log,
    )
    async with running_worker(plan, around) as worker:
        clock.on_move(worker.clock.moved)
        async with client_of(create_app(deployment, worker=worker.app)) as client:
            yield Deployed(client, deployment, services, logged, worker)


def _namespaces(clock: MovableClock, profile: Profile) -> Namespaces:
    pipeline = Pipeline(clock, Dice(7), advance_instead(clock), profile.plan)
    return Namespaces(
        MemoryCatalogue(),
        (),
        lambda store, name: KVService(store, clock=clock, profile=profile, pipeline=pipeline, namespace=name),
        Dice(7),
    )
