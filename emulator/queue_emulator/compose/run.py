"""`run` as a whole: the emulator and a command with its Workers' KV in it, from one start to one end."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TypeAlias

from queue_emulator.accepting import half_of_descriptors
from queue_emulator.compose.account import connection_app, open_account
from queue_emulator.compose.ready_file import ready_file
from queue_emulator.core.clock import MovableClock, SystemClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import SettingsError
from queue_emulator.core.wire_names import CONTROL_PREFIX
from queue_emulator.kv.folder import private_folder
from queue_emulator.kv.namespaces import Namespaces
from queue_emulator.kv.service import KVService
from queue_emulator.run.command import Command, find, with_preload
from queue_emulator.run.session import Session, Surroundings, all_locations
from queue_emulator.run.tool_namespaces import Seed
from queue_emulator.settings import DEFAULT_HOST, ToolSettings
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.web.serve import listen, serve, url
from queue_emulator.worker.auth import ApiKeys

TellReady: TypeAlias = Callable[[Mapping[str, object]], None]

_WORKER = "queue-emulator-run"  # as Cloudflare's API calls what a namespace is bound to
_GRACE_S = 0.5  # the command has ended: nobody answers what is still asked


def run(settings: ToolSettings) -> int:
    """Run the command over this KV to its end; its exit code. Raises EmulatorError before it starts, if it cannot."""
    clock = MovableClock(SystemClock())
    program = find(settings.command, settings.environment)
    _check_ports(settings)
    seeds = _read_seeds(settings, clock)
    # The file after the socket: where the port is taken, it may be of the emulator that has it.
    with listen(DEFAULT_HOST, settings.port) as sock, ready_file(settings.ready_file) as tell_ready:
        return asyncio.run(_run(settings, clock, seeds, program, sock, tell_ready))


def _check_ports(settings: ToolSettings) -> None:
    """The tool would only say that its port is taken, not by whom."""
    words = settings.command
    asked = {f"{settings.port}", f"--port={settings.port}"}
    named = [each for before, each in zip(("", *words), words, strict=False) if before == "--port" or "=" in each]
    if settings.port and asked & set(named):
        raise SettingsError(f"port {settings.port} is requested by both --port and the command: change one")


def _read_seeds(settings: ToolSettings, clock: MovableClock) -> list[Seed]:
    if not settings.seeds:
        return []
    from queue_emulator.transfer.bulk_files import read_bulk_files  # a start that seeds nothing does not wait for it

    data, _ = read_bulk_files([path for _, path in settings.seeds], clock.now_ms())
    return [Seed(binding, str(path), each.requests) for (binding, path), each in zip(settings.seeds, data, strict=True)]


async def _run(
    settings: ToolSettings,
    clock: MovableClock,
    seeds: Sequence[Seed],
    program: str,
    sock: socket.socket,
    tell_ready: TellReady,
) -> int:
    dice = Dice(settings.random_seed)
    async with AsyncExitStack() as stack:
        account = await stack.enter_async_context(open_account(settings.state, settings.profile, clock, dice))
        deployment = Deployment(
            service=account.aside,
            clock=clock,
            keys=ApiKeys(),
            locations=all_locations(settings),
            version=None,
            dice=dice,
            namespaces=account.namespaces,
            api_token=settings.api_token,
        )
        base_url = url(sock)
        controls = f"{base_url}{CONTROL_PREFIX}"
        ready = partial(_ready, tell_ready, base_url, controls)
        session = Session(settings, _surroundings(deployment, account.namespaces, ready), seeds, f"{controls}/")
        clock.on_move(session.clock.moved)
        serving = await stack.enter_async_context(_serving(deployment, session, sock))
        folder = stack.enter_context(private_folder())
        await stack.enter_async_context(session.listening(folder))
        command = Command(program, settings.command, with_preload(settings.environment, folder, base_url), folder)
        await stack.enter_async_context(command)
        account.started = True
        return await session.outcome(command, serving)


def _ready(tell_ready: TellReady, base_url: str, controls: str, tool: Mapping[str, str]) -> None:
    tell_ready({"url": base_url, "controls": controls, "tool": tool})


def _surroundings(
    deployment: Deployment, namespaces: Namespaces, ready: Callable[[Mapping[str, str]], None]
) -> Surroundings:
    async def bind(namespace: str, binding: str) -> KVService:
        return await namespaces.bind(namespace, worker=_WORKER, binding=binding)

    def control(service: KVService) -> None:
        deployment.service = service

    return Surroundings(bind, deployment.location, control, lambda: deployment.clock, ready, log=deployment.log)


@asynccontextmanager
async def _serving(
    deployment: Deployment, session: Session, sock: socket.socket
) -> AsyncIterator["asyncio.Future[None]"]:
    """The emulator's own port, until the end."""
    stop = asyncio.Event()
    app = create_app(deployment, log_requests=False, worker=session.app, upgrades=True, connection=connection_app)
    kept = half_of_descriptors()
    serving = asyncio.ensure_future(
        serve(app, sock, ready=lambda: None, grace_s=_GRACE_S, kept=kept, stop=stop, ending=deployment.ending)
    )
    try:
        yield serving
    finally:
        stop.set()
        await serving
