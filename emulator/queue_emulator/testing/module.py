"""A compiled Worker on workerd, for tests."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

from starlette.types import ASGIApp

from queue_emulator import settings
from queue_emulator.kv.namespaces import Namespaces
from queue_emulator.kv.service import KVService
from queue_emulator.testing.host import Bound, Stage
from queue_emulator.web.deployment import WORKER_NAME
from queue_emulator.worker.auth import ApiKeys
from queue_emulator.workerd.bindings import WorkerFlags, WorkerPlan, bind_all
from queue_emulator.workerd.running import RunningWorker, Surroundings, running_worker

_LOOK_S = 0.002
_LOOKS = 1000


async def start_module(path: Path, locations: tuple[str, ...], stage: Stage, stack: AsyncExitStack) -> "_Module":
    """Raises SettingsError for one that does not start."""
    worker, _ = settings.read_worker(WorkerFlags(path), workerd=None, host=settings.DEFAULT_HOST)
    module = _Module(worker.plan, _keys(worker), stage)
    around = Surroundings(
        binary=worker.binary,
        service=lambda name: module.services[name],
        invoked=module.invoked,
        locations=locations,
        variables=worker.variables,
        locate=stage.located,
        clock=stage.clock,
        log=stage.log,
    )
    module.running = await stack.enter_async_context(running_worker(worker.plan, around))
    return module


class _Module:
    """A Worker whose runtime is started again where it died, or where a run of an earlier test does not end."""

    running: RunningWorker

    def __init__(self, plan: WorkerPlan, keys: ApiKeys, stage: Stage) -> None:
        self.keys = keys
        self.services: dict[str, KVService] = {}
        self._plan = plan
        self._stage = stage

    @property
    def app(self) -> ASGIApp:
        return self.running.app

    async def bind(self, namespaces: Namespaces) -> Bound:
        if not self.running.workerd.alive:
            await self.running.workerd.start_again()
        self.services = await bind_all(self._plan, namespaces, WORKER_NAME)
        by_binding = {binding: self.services[name] for binding, name in self._plan.kv.items()}
        return Bound(self.services[self._plan.controlled], by_binding)

    async def settle(self) -> None:
        for _ in range(_LOOKS):
            if not self.running.workerd.alive or not self.running.invocations.under_way:
                return
            await asyncio.sleep(_LOOK_S)
        await self.running.workerd.stop()  # the next test starts it again
        self.running.invocations.clear()

    def clock_moved(self) -> None:
        self.running.clock.moved()

    def invoked(self, route: str) -> None:
        """A request is given to the Worker."""
        if self._stage.deployment is not None:
            pipeline = self._stage.deployment.service.pipeline
            pipeline.meter.invoked(route, pipeline.clock.now_ms())


def _keys(worker: settings.WorkerSettings) -> ApiKeys:
    """Those that the Worker is bound to."""
    return ApiKeys(*(_text(worker.variables.get(name)) for name in settings.KEY_NAMES))


def _text(variable: str | None) -> str | None:
    value = None if variable is None else json.loads(variable)
    return value if isinstance(value, str) else None
