"""`serve` as a whole: open the state, load the seeds, say where everything is, listen until told to stop."""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from emulator.core.bulk import BulkData
from emulator.core.clock import MovableClock, SystemClock
from emulator.core.dice import Dice
from emulator.kv.centre import Versions
from emulator.kv.service import KVService
from emulator.kv.sqlite import SqliteStore
from emulator.kv.store import MemoryStore, Store
from emulator.kv.waiting import sleep_on
from emulator.seeding import read_bulk_files
from emulator.settings import KEY_NAMES, Settings
from emulator.web.app import create_app
from emulator.web.deployment import Deployment
from emulator.web.serve import listen, url
from emulator.web.serve import serve as serve_app
from emulator.workerd.bindings import WorkerPlan

ServeOn = Callable[[Any], Coroutine[Any, Any, None]]


def serve(settings: Settings) -> None:
    """Run the emulator until SIGINT or SIGTERM; raises EmulatorError, before anything is touched, if it cannot."""
    clock = MovableClock(SystemClock())
    seeds = read_bulk_files(settings.seeds, clock.now_ms())
    with listen(settings.host, settings.port) as sock:
        asyncio.run(_serve(settings, clock, seeds, sock))


async def _serve(settings: Settings, clock: MovableClock, seeds: list[BulkData], sock: socket.socket) -> None:
    dice = Dice(settings.random_seed)
    services = await _open(settings, clock, dice)
    service, *others = services.values()
    try:
        deployment = Deployment(
            service=service,
            clock=clock,
            keys=settings.keys.keys,
            locations=settings.locations,
            version=settings.worker_version,
            rate_limit_per_minute=settings.rate_limit_per_minute,
            dice=dice,
            others=tuple(others),
        )
        for data in seeds:
            await service.load(settings.locations[0], data.requests)
        banner = _banner(settings, seeds, url(sock))
        run = _run_python if settings.worker is None else _run_on_workerd
        await run(settings, deployment, services, lambda app: serve_app(app, sock, ready=lambda: _print(banner)))
    finally:
        for each in services.values():
            await each.close()


async def _run_python(
    settings: Settings, deployment: Deployment, services: Mapping[str, KVService], serve_on: ServeOn
) -> None:
    await serve_on(create_app(deployment, log_requests=settings.log_requests))


async def _run_on_workerd(
    settings: Settings, deployment: Deployment, services: Mapping[str, KVService], serve_on: ServeOn
) -> None:
    from emulator.workerd.running import Surroundings, running_worker

    assert settings.worker is not None
    around = Surroundings(
        binary=settings.worker.binary,
        services=services,
        controlled=deployment.service,
        locations=settings.locations,
        variables=settings.worker.variables,
        locate=deployment.location,
        invoke=lambda location: deployment.binding(location).invocation,
        log=deployment.log,
    )
    async with running_worker(settings.worker.plan, around) as worker:
        app = create_app(deployment, log_requests=settings.log_requests, worker=worker.face)
        await worker.beside(serve_on(app))


async def _open(settings: Settings, clock: MovableClock, dice: Dice) -> dict[str, KVService]:
    """A service for each namespace of the state file, the one that is controlled first."""
    plan = settings.worker.plan if settings.worker else WorkerPlan(main=Path())
    first, *rest = dict.fromkeys((plan.controlled, *plan.kv.values()))
    stores: dict[str, Store]
    if settings.state is None:
        stores = {name: MemoryStore() for name in (first, *rest)}
    else:
        opened = await SqliteStore.open(settings.state, namespace=first)
        stores = {first: opened, **{name: opened.beside(name) for name in rest}}
    versions = Versions()
    return {
        name: KVService(
            store, clock=clock, profile=settings.profile, dice=dice, sleep=sleep_on(clock), versions=versions
        )
        for name, store in stores.items()
    }


def _print(text: str) -> None:
    print(text, flush=True)


def _banner(settings: Settings, seeds: list[BulkData], base_url: str) -> str:
    state = "in memory, gone at the end" if settings.state is None else f"{settings.state} (kept)"
    lines = [
        f"queue-emulator {version('queue-emulator')}",
        f"  listening   {base_url}",
        f"  state       {state}",
        *_key_lines(settings),
        f"  profile     {settings.profile.name}, {', '.join(settings.locations)}, {_worker(settings)}",
        *_plan_lines(settings),
        *(f"  seeded      {path}: {len(data.requests)} keys" for path, data in zip(settings.seeds, seeds, strict=True)),
        "",
        "Try:",
        *(f"  {line}" for line in _examples(settings, base_url)),
        "",
        "Ctrl-C ends it.",
    ]
    return "\n".join(lines)


def _worker(settings: Settings) -> str:
    return "a Worker on workerd" if settings.worker else f"Worker version {settings.worker_version.value}"


def _plan_lines(settings: Settings) -> list[str]:
    if settings.worker is None:
        return []
    plan = settings.worker.plan
    names = ", ".join(name if name == namespace else f"{name} = {namespace}" for name, namespace in plan.kv.items())
    return [
        f"  worker      {plan.main}",
        *([f"  config      {plan.config}"] if plan.config else []),
        f"  KV          {names}",
        f"  workerd     {settings.worker.binary}",
    ]


def _key_lines(settings: Settings) -> list[str]:
    source = settings.keys
    if source.development:
        return [
            f"  keys        QUEUE_API_KEY={source.keys.queue_api_key} ADMIN_API_KEY={source.keys.admin_api_key}",
            "              (development keys, on loopback only; set your own in the environment or .dev.vars)",
        ]
    return [
        f"  keys        {name} from {source.sources[name]}"
        if name in source.sources
        else f"  keys        {name} not set"
        for name in KEY_NAMES
    ]


def _examples(settings: Settings, base_url: str) -> list[str]:
    if settings.worker is not None:
        return [f"curl {base_url}/", f"curl {base_url}/cdn-cgi/emulator/status"]
    source = settings.keys
    admin = source.keys.admin_api_key if source.development else "$ADMIN_API_KEY"
    queue = source.keys.queue_api_key if source.development else "$QUEUE_API_KEY"
    if not source.development and "QUEUE_API_KEY" not in source.sources:
        queue = "$ASSISTANT_API_KEY"
    return [
        f'curl -H "X-API-Key: {admin}" {base_url}/api/migrate/status',
        f'curl -X POST -H "X-API-Key: {admin}" {base_url}/api/migrate/run',
        f'curl -H "X-API-Key: {queue}" {base_url}/api/queue',
    ]
