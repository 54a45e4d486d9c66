"""A Worker of your own in tests: started once a session; each test has a KV, a clock and faults of its own."""

import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import EmulatorError, SettingsError
from queue_emulator.core.profiles import Profile
from queue_emulator.kv.namespaces import MemoryCatalogue, Namespaces
from queue_emulator.kv.pipeline import Pipeline
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import Store
from queue_emulator.kv.turn import HeldTurns
from queue_emulator.kv.waiting import advance_instead
from queue_emulator.testing.emulator import API_TOKEN, NOON_MS, World
from queue_emulator.testing.host import Hosted, Stage, answering
from queue_emulator.testing.threads import LoopThread
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.workerd.wrangler import FILE_NAMES

_MODULES = (".js", ".mjs")


class Workers:
    """The Workers of one pytest session, in one thread; raises EmulatorError for what cannot be started."""

    def __init__(self) -> None:
        self._thread = LoopThread()
        self._stack = AsyncExitStack()
        self._started: dict[_Asked, _Started | EmulatorError] = {}

    def world(self, path: Path, locations: tuple[str, ...], profile: Profile, seed: int) -> World:
        """A Worker, started when it is first asked for, over a KV that is empty."""
        started = self._thread.run(self._get(path, locations))
        return self._thread.run(_world(started, locations, profile, seed, self._thread))

    def settle(self, path: Path, locations: tuple[str, ...]) -> None:
        """A test is over."""
        started = self._started[_asked(path, locations)]
        if isinstance(started, _Started):
            self._thread.run(started.hosted.settle())

    def end(self) -> None:
        try:
            self._thread.run(self._stack.aclose())
        finally:
            self._thread.end()

    async def _get(self, path: Path, locations: tuple[str, ...]) -> "_Started":
        """What does not start is not tried for every test."""
        asked = _asked(path, locations)
        if asked not in self._started:
            stage = Stage()
            try:
                hosted = await _start(path, locations, stage, self._stack)
                self._started[asked] = _Started(hosted, stage)
            except EmulatorError as error:
                first_line, *_ = str(error).splitlines()
                self._started[asked] = SettingsError(f"{first_line} (as the first test that needs it tells)")
                raise
        started = self._started[asked]
        if isinstance(started, EmulatorError):
            raise started
        return started


_Asked: TypeAlias = tuple[str, tuple[str, ...]]


def _asked(path: Path, locations: tuple[str, ...]) -> _Asked:
    """One Worker however its path is written; a link is another one, whose modules lie beside it."""
    return os.path.normpath(path), locations


@dataclass(slots=True)
class _Started:
    hosted: Hosted
    stage: Stage
    epoch: int = 0


async def _start(path: Path, locations: tuple[str, ...], stage: Stage, stack: AsyncExitStack) -> Hosted:
    if _is_project(path):
        from queue_emulator.testing.project import start_project

        return await start_project(path, locations, stage, stack)
    from queue_emulator.testing.module import start_module

    return await start_module(path, locations, stage, stack)


def _is_project(path: Path) -> bool:
    """Whether its own wrangler is to run it; raises SettingsError for what is no Worker."""
    if not path.exists():
        raise SettingsError(f"there is no Worker at {path}: no such file or folder")
    if path.is_dir() or path.name in FILE_NAMES:
        return True
    if path.suffix not in _MODULES:
        raise SettingsError(
            f"{path} is not a Worker: give a .mjs or .js module, or a folder with a wrangler config, whose own "
            "wrangler then compiles it"
        )
    return False


async def _world(
    started: _Started, locations: tuple[str, ...], profile: Profile, seed: int, thread: LoopThread
) -> World:
    clock, dice, log = MovableClock.frozen_at(NOON_MS), Dice(seed), list[str]()
    pipeline = Pipeline(clock, dice, advance_instead(clock), profile.plan)
    started.epoch = pipeline.epoch = _last_epoch(started) + 1  # what an earlier test began is not done in this one

    def open_service(store: Store, name: str) -> KVService:
        return KVService(store, clock=clock, profile=profile, dice=dice, pipeline=pipeline, namespace=name)

    namespaces = await Namespaces.open(MemoryCatalogue(), open_service, dice)
    bound = await started.hosted.bind(namespaces)
    deployment = Deployment(
        service=bound.controlled,
        clock=clock,
        keys=started.hosted.keys,
        locations=locations,
        version=None,
        dice=dice,
        log=log.append,
        namespaces=namespaces,
        api_token=API_TOKEN,
    )
    started.stage.deployment = deployment
    clock.on_move(started.hosted.clock_moved)
    app = create_app(deployment, worker=answering(started.hosted.app))
    return World(deployment, app, log, True, HeldTurns(), bound.services, thread)


def _last_epoch(started: _Started) -> int:
    deployment = started.stage.deployment
    return 0 if deployment is None else max(started.epoch, deployment.service.pipeline.epoch)
