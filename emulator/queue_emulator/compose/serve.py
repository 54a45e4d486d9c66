"""Settings into the running whole: open the state, load the seeds, say where it is, listen until told to stop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from queue_emulator.compose.account import Account, connection_app, open_account
from queue_emulator.compose.banner import banner
from queue_emulator.compose.ready_file import ready_file
from queue_emulator.compose.seeds import Seeds, read_seeds
from queue_emulator.compose.workers import Bound, ServeOn, deployed, run_on_workerd
from queue_emulator.core.clock import MovableClock, SystemClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.request_line import Answered, message_as_json
from queue_emulator.core.wire_names import CONTROL_PREFIX
from queue_emulator.kv.cloudflare_access import Access
from queue_emulator.kv.namespaces import Namespaces
from queue_emulator.kv.service import KVService
from queue_emulator.kv.waiting import sleep_on
from queue_emulator.settings import Settings
from queue_emulator.terminal import tell
from queue_emulator.transfer.output import say
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import WORKER_NAME, Deployment, Explorer
from queue_emulator.web.serve import listen, url
from queue_emulator.web.serve import serve as serve_app
from queue_emulator.worker.rollout import DEFAULT_VERSION, Rollout
from queue_emulator.worker.versions import WorkerVersion
from queue_emulator.workerd.bindings import WorkerPlan, bind_all

if TYPE_CHECKING:
    from queue_emulator.kv.remote import RemoteService

_GRACE_S = 10.0  # for requests that are running when we are told to end


def serve(settings: Settings) -> None:
    """Run the emulator until SIGINT or SIGTERM; raises EmulatorError, before anything is touched, if it cannot."""
    clock = MovableClock(SystemClock())
    seeds = read_seeds(settings, clock)
    # The file after the socket: where the port is taken, it may be of the emulator that has it.
    with listen(settings.host, settings.port) as sock, ready_file(settings.ready_file) as tell_ready:
        asyncio.run(_serve(settings, clock, seeds, sock, tell_ready))


async def _serve(
    settings: Settings,
    clock: MovableClock,
    seeds: Seeds,
    sock: socket.socket,
    tell_ready: Callable[[Mapping[str, object]], None],
) -> None:
    dice, base_url = Dice(settings.random_seed), url(sock)
    async with _opened(settings, clock, dice) as kv:

        def ready() -> None:
            if kv.account is not None:
                kv.account.started = True
            tell_ready(_ready(base_url, settings, kv.namespaces))
            say(*banner(settings, kv.service, kv.namespaces, seeds, base_url))

        deployment = _deployment(settings, clock, dice, kv)
        await seeds.load(kv.service, settings.locations[0], clock)
        serve_on = partial(serve_app, sock=sock, ready=ready, ending=deployment.ending)
        if settings.worker is None:
            await _run_python(settings, deployment, serve_on)
        else:
            await run_on_workerd(settings, deployment, kv.services, serve_on)


@dataclass(frozen=True, slots=True)
class _KV:
    """The namespace that is controlled, and those that each version is bound to; of a real one nothing else."""

    service: "KVService | RemoteService"
    services: Mapping[str, Bound] = field(default_factory=dict)
    account: Account | None = None

    @property
    def namespaces(self) -> Namespaces | None:
        return None if self.account is None else self.account.namespaces


@asynccontextmanager
async def _opened(settings: Settings, clock: MovableClock, dice: Dice) -> AsyncIterator[_KV]:
    if settings.cloudflare is not None:
        service = await _open_real(settings.cloudflare, clock, dice)
        try:
            yield _KV(service)
        finally:
            await service.close()
        return
    ours = {DEFAULT_VERSION: WorkerPlan(main=Path())}
    plans = {name: build.plan for name, build in deployed(settings).items()} if settings.worker else ours
    async with open_account(settings.state, settings.profile, clock, dice) as account:
        # Each version's own: what has one name in the configs of two may have two ids.
        bound = {name: await bind_all(plan, account.namespaces, WORKER_NAME) for name, plan in plans.items()}
        first = next(iter(bound.values()))
        yield _KV(next(iter(first.values())), bound, account)


def _deployment(settings: Settings, clock: MovableClock, dice: Dice, kv: _KV) -> Deployment:
    return Deployment(
        service=kv.service,
        clock=clock,
        keys=settings.keys.keys,
        locations=settings.locations,
        **_versions(settings),
        machines=settings.machines,
        rate_limit_per_minute=settings.rate_limit_per_minute,
        strict=settings.strict,
        dice=dice,
        namespaces=kv.namespaces,
        api_token=settings.keys.api_token.token,
        **_logs(settings, clock),
        control_token=settings.keys.control_token,
        explorer=None if settings.worker else _explorer,
    )


def _explorer() -> Explorer:
    from queue_emulator.compose.live_explorer import LiveExplorer  # a start does not wait for it

    return LiveExplorer()


class _Versions(TypedDict):
    version: WorkerVersion | None
    rollout: Rollout | None


def _versions(settings: Settings) -> _Versions:
    """The Python Worker's version, which a Worker of somebody's own has not; and what is told of several."""
    rollout = settings.rollout if len(settings.rollout.deployed) > 1 else None
    return {"version": None if settings.worker else WorkerVersion(settings.rollout.default), "rollout": rollout}


class _Logs(TypedDict):
    log: Callable[[str], None]
    log_requests_as: Callable[[Answered], None]


def _logs(settings: Settings, clock: MovableClock) -> _Logs:
    """How messages and answered requests are told."""
    if settings.log_as_json:
        return {
            "log": lambda line: tell(message_as_json(clock.now_ms(), line)),
            "log_requests_as": lambda answered: tell(answered.as_json()),
        }
    return {
        "log": tell,
        "log_requests_as": lambda each: tell(each.as_text(), _colour(each) if settings.colours else ""),
    }


def _colour(answered: Answered) -> str:
    """Red and yellow for what failed, magenta for what was stale."""
    return _COLOURS.get(answered.status // 100, _STALE if answered.stale else "")


_COLOURS, _STALE = {4: "33", 5: "31"}, "35"


def _ready(base_url: str, settings: Settings, namespaces: Namespaces | None) -> dict[str, object]:
    """What a script has to know, no key and no token."""
    return {
        "url": base_url,
        "controls": f"{base_url}{CONTROL_PREFIX}",
        "locations": settings.locations,
        "namespaces": {each.title: each.id for each in namespaces.bound()} if namespaces else {},
    }


async def _run_python(settings: Settings, deployment: Deployment, serve_on: ServeOn) -> None:
    connection = connection_app if deployment.namespaces else None
    known = settings.keys.development
    app = create_app(deployment, log_requests=settings.log_requests, connection=connection, known_keys=known)
    await serve_on(app, grace_s=_GRACE_S)


async def _open_real(access: Access, clock: MovableClock, dice: Dice) -> "RemoteService":
    """The namespace behind Cloudflare's API, once the API has shown that it is there; raises EmulatorError."""
    from queue_emulator.kv.cloudflare_api import CloudflareAPI
    from queue_emulator.kv.remote import SERVING, RemoteService

    def log(line: str) -> None:
        tell(f"  {line}")

    api = CloudflareAPI(access, patience=SERVING, dice=dice, clock=clock, log=log)
    try:
        namespace = await api.get_namespace()
    except BaseException:
        await api.close()
        raise
    return RemoteService(api, title=namespace.title, clock=clock, dice=dice, sleep=sleep_on(clock), log=log)
