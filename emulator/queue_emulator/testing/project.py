"""A wrangler project in tests: its own wrangler compiles and runs it, over the KV of the test that runs now."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from starlette.types import ASGIApp

from queue_emulator import settings
from queue_emulator.core.errors import SettingsError
from queue_emulator.core.shown import block
from queue_emulator.kv.folder import private_folder, read_small
from queue_emulator.kv.namespaces import Namespaces
from queue_emulator.kv.service import KVService
from queue_emulator.run.command import Apart, Command, find, with_preload
from queue_emulator.run.session import Session, Surroundings
from queue_emulator.testing.host import Bound, Stage
from queue_emulator.testing.state_copy import copy_of_one_moment
from queue_emulator.web.deployment import WORKER_NAME
from queue_emulator.worker.auth import ApiKeys
from queue_emulator.workerd.extra import require_extra
from queue_emulator.workerd.wrangler import find_config

_START_S_MAX = 60.0
_OUTPUT_BYTES_MAX = 1 << 24
_LINES_SHOWN = 20
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ENVIRONMENT = {"WRANGLER_SEND_METRICS": "false", "FORCE_COLOR": "0", "NO_COLOR": "1", "CI": "1"}


async def start_project(path: Path, locations: tuple[str, ...], stage: Stage, stack: AsyncExitStack) -> "_Project":
    """Raises SettingsError for one that does not start."""
    require_extra(("aiohttp", "h11"))
    config = _config(path)
    folder = stack.enter_context(private_folder())
    _copy_state(config.parent, folder / "state")
    environment = {**settings.environment(), **_ENVIRONMENT}
    find(("node",), environment)
    command = (str(_wrangler(config.parent)), "dev", *_arguments(config, folder))
    project = _Project(stage)
    tool = settings.ToolSettings(command, environment, state=None, locations=locations)
    project.session = Session(tool, project.surroundings(), (), "")
    await stack.enter_async_context(project.session.listening(folder))
    output = folder / "output"
    process = Command(
        command[0], command, with_preload(environment, folder, None), folder, Apart(config.parent, output)
    )
    await stack.enter_async_context(process)
    outcome = asyncio.ensure_future(project.session.outcome(process, asyncio.get_running_loop().create_future()))
    stack.push_async_callback(_ended, process, outcome)
    await _until_ready(project, outcome, config, output)
    return project


def _config(path: Path) -> Path:
    config = find_config(path) if path.is_dir() else path
    if config is None:
        raise SettingsError(f"{path} is no wrangler project: neither it nor a folder above has a wrangler config")
    return config


def _arguments(config: Path, folder: Path) -> tuple[str, ...]:
    """Free ports, and a state of its own: tests disturb no `wrangler dev` that is running, nor each other."""
    free = ("--port", "0", "--inspector-port", "0")
    return ("--config", str(config), *free, "--persist-to", str(folder / "state"))


def _copy_state(project: Path, state: Path) -> None:
    """What D1, R2 and Durable Objects hold locally is there, and is not changed."""
    kept = project / ".wrangler" / "state"
    if kept.is_dir():
        copy_of_one_moment(kept, state)


def _wrangler(folder: Path) -> Path:
    for each in (folder, *folder.parents):
        found = each / "node_modules" / ".bin" / "wrangler"
        if found.exists():
            return found
    raise SettingsError(f"no wrangler was found in node_modules of {folder} or above: run npm install wrangler there")


async def _ended(process: Command, outcome: "asyncio.Future[int]") -> None:
    process.end()
    await outcome


async def _until_ready(project: "_Project", outcome: "asyncio.Future[int]", config: Path, output: Path) -> None:
    ready = asyncio.ensure_future(project.ready.wait())
    await asyncio.wait((ready, outcome), timeout=_START_S_MAX, return_when=asyncio.FIRST_COMPLETED)
    if project.ready.is_set():
        return
    ready.cancel()
    why = (
        f"ended with exit code {outcome.result()}" if outcome.done() else f"did not serve it within {_START_S_MAX:g} s"
    )
    text = _COLOUR.sub("", read_small(output, _OUTPUT_BYTES_MAX).decode("utf-8", "replace"))
    last = [*(() if outcome.done() else project.said), *text.rstrip().splitlines()[-_LINES_SHOWN:]]
    raise SettingsError(block("\n".join((f"the Worker of {config} does not start: wrangler {why}", *last))))


class _Project:
    """A Worker of which wrangler knows more than we do: KV alone is ours."""

    keys = ApiKeys()
    session: Session

    def __init__(self, stage: Stage) -> None:
        self.ready = asyncio.Event()
        self.said: list[str] = []
        self._stage = stage
        self._namespaces: Namespaces | None = None
        self._controlled: KVService | None = None

    @property
    def app(self) -> ASGIApp:
        return self.session.app

    def surroundings(self) -> Surroundings:
        """What the session of the tool is lent."""
        return Surroundings(
            bind=self._bind,
            locate=self._stage.located,
            control=self._control,
            clock=self._stage.clock,
            ready=self._ready,
            say=self.said.append,
            log=self._stage.log,
        )

    async def bind(self, namespaces: Namespaces) -> Bound:
        self._namespaces = namespaces
        await self.session.lending.lend_again()
        self.session.control()
        assert self._controlled is not None, "a Worker without a KV namespace never reports that it is ready"
        services = {place.binding: service for place, service in self.session.lending.bound.items()}
        return Bound(self._controlled, services)

    def clock_moved(self) -> None:
        self.session.clock.moved()

    async def settle(self) -> None:
        """No tail tells when a run ends: what it does after its answer, in `waitUntil`, may come into the next test."""

    async def _bind(self, namespace: str, binding: str) -> KVService:
        if self._namespaces is None:
            self._namespaces = self._stage.before_the_first_test()
        return await self._namespaces.bind(namespace, worker=WORKER_NAME, binding=binding)

    def _control(self, service: KVService) -> None:
        self._controlled = service
        if self._stage.deployment is not None:
            self._stage.deployment.service = service

    def _ready(self, urls: Mapping[str, str]) -> None:
        self.ready.set()
