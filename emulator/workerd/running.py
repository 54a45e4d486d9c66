"""A Worker at work: the wire face, workerd and the public face together, from the first to the last."""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from emulator.kv.binding import Invocation
from emulator.kv.service import KVService
from emulator.workerd.binary import compatibility_date_of
from emulator.workerd.bindings import WorkerPlan
from emulator.workerd.config import Layout, config_text
from emulator.workerd.front import WorkerdFace
from emulator.workerd.invocations import Invocations
from emulator.workerd.modules import Module, find_modules
from emulator.workerd.output import Output
from emulator.workerd.process import Workerd
from emulator.workerd.wire import WireFace, listen

_BACKLOG = 4096  # a Unix socket with a full one refuses at once


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the emulator lends to the Worker. `services` by namespace; `variables` as JSON texts.

    `locate` and `invoke` are the deployment's: the location that a header names, and a new invocation there.
    """

    binary: Path
    services: Mapping[str, KVService]
    controlled: KVService
    locations: Sequence[str]
    variables: Mapping[str, str]
    locate: Callable[[str | None], str | None]
    invoke: Callable[[str], Invocation]
    log: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RunningWorker:
    """`face` is the ASGI application that clients reach."""

    face: WorkerdFace
    workerd: Workerd

    async def beside(self, serving: Coroutine[Any, Any, None]) -> None:
        """Watch over the runtime while `serving` runs; raises WorkerStopped if it is gone for good."""
        served = asyncio.ensure_future(serving)
        watched = asyncio.ensure_future(self.workerd.watch())
        try:
            await asyncio.wait((served, watched), return_when=asyncio.FIRST_COMPLETED)
            await (watched if watched.done() else served)
        finally:
            for each in (served, watched):
                each.cancel()
            await asyncio.gather(served, watched, return_exceptions=True)


@asynccontextmanager
async def running_worker(plan: WorkerPlan, around: Surroundings) -> AsyncIterator[RunningWorker]:
    """Start everything; raises SettingsError for a Worker that does not compile. At the end nothing is left."""
    modules = find_modules(plan.main)
    date = plan.compatibility_date or await compatibility_date_of(around.binary)
    invocations = Invocations(around.controlled.profile.operations_max)
    namespaces = list(dict.fromkeys(plan.kv.values()))
    wire = WireFace(
        [around.services[each] for each in namespaces],
        locations=around.locations,
        invocations=invocations,
        log=around.log,
    )
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="queue-emulator-"))  # its mode is 0700: nobody else gets at the sockets
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        _copy(modules, folder)
        listeners = {each: stack.enter_context(_listener(folder / each)) for each in around.locations}
        layout = Layout(
            modules, around.locations, plan.kv, folder / "kv", around.variables, date, plan.compatibility_flags
        )
        workerd = Workerd(
            around.binary,
            config_text(layout),
            folder,
            listeners,
            output=lambda: Output(around.locations, log=around.log, ended=invocations.end),
            restarting=invocations.clear,
            log=around.log,
        )
        face = _face(around, folder, invocations)
        serving = await listen(wire, layout.kv_socket)
        try:
            await workerd.start()
            yield RunningWorker(face, workerd)
        finally:
            await workerd.stop()
            await serving.cleanup()


def _face(around: Surroundings, folder: Path, invocations: Invocations) -> WorkerdFace:
    return WorkerdFace(
        {location: folder / location for location in around.locations},
        locate=around.locate,
        invoke=around.invoke,
        invocations=invocations,
        meter=around.controlled.meter,
        now_ms=around.controlled.clock.now_ms,
        log=around.log,
    )


def _copy(modules: Sequence[Module], folder: Path) -> None:
    """What runs is what was found at the start, also after a restart."""
    (folder / "tail.mjs").write_bytes(files("emulator.workerd").joinpath("tail.mjs").read_bytes())
    for number, module in enumerate(modules):
        shutil.copyfile(module.path, folder / f"module-{number}")


def _listener(path: Path) -> socket.socket:
    """A socket that outlives a runtime that dies: its clients wait until the next one listens."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(_BACKLOG)
    return listener
