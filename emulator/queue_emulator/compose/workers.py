"""Your own Worker as `serve` runs it: on workerd, in one version or in several that answer at once."""

from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

from queue_emulator.accepting import half_of_descriptors
from queue_emulator.compose.account import connection_app
from queue_emulator.kv.pipeline import Pipeline
from queue_emulator.kv.service import KVService
from queue_emulator.settings import Settings, WorkerSettings
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.worker.rollout import DEFAULT_VERSION, wish

if TYPE_CHECKING:
    from queue_emulator.workerd.running import RunningWorker, Surroundings
    from queue_emulator.workerd.upstream import Headers

_WORKERD_GRACE_S = 2.0  # a Worker may spin for ever, and who writes one presses Ctrl-C often

Bound = Mapping[str, KVService]
"""The namespaces that a Worker is bound to, by the names that its config has for them."""
ServeOn = Callable[..., Coroutine[object, None, None]]  # type: ignore[explicit-any]  # an app, then `grace_s`


async def run_on_workerd(
    settings: Settings, deployment: Deployment, bound: Mapping[str, Bound], serve_on: ServeOn
) -> None:
    """Until it is told to end; `bound` are the namespaces of each version."""
    from queue_emulator.workerd.running import running_worker
    from queue_emulator.workerd.versions import VersionsApp

    workers: dict[str, RunningWorker] = {}
    async with AsyncExitStack() as stack:
        for name, build in deployed(settings).items():
            around = _around(name, build, settings, deployment, bound[name])
            workers[name] = await stack.enter_async_context(running_worker(build.plan, around))
            deployment.clock.on_move(workers[name].clock.moved)

        def choose(location: str | None, headers: "Headers") -> str:
            place = deployment.location(location) or settings.locations[0]
            return settings.rollout.version(place, wish(headers), deployment.requests, deployment.dice)

        apps = {name: worker.app for name, worker in workers.items()}
        app = create_app(
            deployment,
            log_requests=settings.log_requests,
            worker=VersionsApp(apps, choose) if len(apps) > 1 else next(iter(apps.values())),
            connection=connection_app,
            known_keys=settings.keys.development,
        )
        # Each request needs a descriptor on the way to the Worker and some more for what the Worker asks of KV.
        serving = serve_on(app, grace_s=_WORKERD_GRACE_S, kept=half_of_descriptors())
        for worker in workers.values():
            serving = worker.beside(serving)
        await serving


def deployed(settings: Settings) -> dict[str, WorkerSettings]:
    """The Worker in each version that answers anything."""
    assert settings.worker is not None
    builds = {DEFAULT_VERSION: settings.worker, **settings.builds}
    return {name: builds[name] for name in settings.rollout.deployed}


def _around(
    name: str, build: WorkerSettings, settings: Settings, deployment: Deployment, bound: Bound
) -> "Surroundings":
    """What a version of the Worker is lent; where there are several, each line of its log begins with its name."""
    from queue_emulator.workerd.running import Surroundings

    versions = len(settings.rollout.deployed)
    return Surroundings(
        binary=build.binary,
        service=bound.__getitem__,
        invoked=partial(_count, deployment.emulated().pipeline),
        locations=settings.locations,
        variables=build.variables,
        locate=deployment.location,
        clock=lambda: deployment.clock,
        log=deployment.log if versions == 1 else lambda line: deployment.log(f"  {name}: {line.strip()}"),
        version=name if versions > 1 else "",
        versions=versions,
    )


def _count(pipeline: Pipeline, route: str) -> None:
    pipeline.meter.invoked(route, pipeline.clock.now_ms())
