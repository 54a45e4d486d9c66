"""`serve` as a whole: open the state, load the seeds, say where everything is, listen until told to stop."""

import asyncio
import socket
from importlib.metadata import version

from emulator.core.bulk import BulkData
from emulator.core.clock import MovableClock, SystemClock
from emulator.core.dice import Dice
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


def serve(settings: Settings) -> None:
    """Run the emulator until SIGINT or SIGTERM; raises EmulatorError, before anything is touched, if it cannot."""
    clock = MovableClock(SystemClock())
    seeds = read_bulk_files(settings.seeds, clock.now_ms())
    with listen(settings.host, settings.port) as sock:
        asyncio.run(_serve(settings, clock, seeds, sock))


async def _serve(settings: Settings, clock: MovableClock, seeds: list[BulkData], sock: socket.socket) -> None:
    store: Store = MemoryStore() if settings.state is None else await SqliteStore.open(settings.state)
    dice = Dice(settings.random_seed)
    service = KVService(store, clock=clock, profile=settings.profile, dice=dice, sleep=sleep_on(clock))
    try:
        deployment = Deployment(
            service=service,
            clock=clock,
            keys=settings.keys.keys,
            locations=settings.locations,
            version=settings.worker_version,
            rate_limit_per_minute=settings.rate_limit_per_minute,
            dice=dice,
        )
        for data in seeds:
            await service.load(settings.locations[0], data.requests)
        app = create_app(deployment, log_requests=settings.log_requests)
        banner = _banner(settings, seeds, url(sock))
        await serve_app(app, sock, ready=lambda: print(banner, flush=True))
    finally:
        await service.close()


def _banner(settings: Settings, seeds: list[BulkData], base_url: str) -> str:
    state = "in memory, gone at the end" if settings.state is None else f"{settings.state} (kept)"
    lines = [
        f"queue-emulator {version('queue-emulator')}",
        f"  listening   {base_url}",
        f"  state       {state}",
        *_key_lines(settings),
        f"  profile     {settings.profile.name}, {', '.join(settings.locations)}, "
        f"Worker version {settings.worker_version.value}",
        *(f"  seeded      {path}: {len(data.requests)} keys" for path, data in zip(settings.seeds, seeds, strict=True)),
        "",
        "Try:",
        *(f"  {line}" for line in _examples(settings, base_url)),
        "",
        "Ctrl-C ends it.",
    ]
    return "\n".join(lines)


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
