"""A Worker at work: its KV, workerd and the application that clients reach, from the first to the last."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from pathlib import Path

from queue_emulator.accepting import raise_descriptor_limit
from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import SettingsError
from queue_emulator.kv.folder import private_folder
from queue_emulator.kv.service import KVService
from queue_emulator.workerd.app import WorkerdApp
from queue_emulator.workerd.binary_date import compatibility_date_of, too_old
from queue_emulator.workerd.bindings import WorkerPlan
from queue_emulator.workerd.config import OUR_MODULES, Layout, clock_socket, config_text
from queue_emulator.workerd.invocations import Invocations
from queue_emulator.workerd.module_errors import explained
from queue_emulator.workerd.modules import Module, find_modules, require_handler
from queue_emulator.workerd.output import Output
from queue_emulator.workerd.process import Workerd
from queue_emulator.workerd.run_limit import RunLimit
from queue_emulator.workerd.runtime_kv import BACKLOG, RuntimeKV, listen, numbered
from queue_emulator.workerd.stopped import WorkerNotStarted
from queue_emulator.workerd.worker_clock import ClockSockets, WorkerClock
from queue_emulator.workerd.wrapping import wrapped

_UNKNOWN_FIELD = "has no field named"
_KV_SOCKET = "kv.socket"  # no location has a dot


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the emulator lends to the Worker. `service` finds a namespace by name; `variables` are JSON texts.

    `locate` is the deployment's: the location that a header names. `invoked` is told the route of each run. `clock` is
    the one that the Worker's `Date` shows. `version` is the name of this one among several, and `versions` how many
    Workers share what this process may have.
    """

    binary: Path
    service: Callable[[str], KVService]
    invoked: Callable[[str], None]
    locations: Sequence[str]
    variables: Mapping[str, str]
    locate: Callable[[str | None], str | None]
    clock: Callable[[], MovableClock]
    log: Callable[[str], None]
    version: str = ""
    versions: int = 1


@dataclass(frozen=True, slots=True)
class RunningWorker:
    """`app` is the ASGI application that clients reach."""

    app: WorkerdApp
    workerd: Workerd
    invocations: Invocations
    clock: WorkerClock

    async def beside(self, serving: Coroutine[object, None, None]) -> None:
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
    """Start everything; raises WorkerNotStarted for a Worker that does not compile. At the end nothing is left."""
    date = plan.compatibility_date or await compatibility_date_of(around.binary)
    invocations, clock = Invocations(version=around.version), WorkerClock(around.clock, around.log)
    find = numbered(list(dict.fromkeys(plan.kv.values())), around.service)
    kv = RuntimeKV(find, locations=around.locations, invocations=invocations, log=around.log, before_answer=clock.tell)
    with ExitStack() as stack:
        folder = stack.enter_context(private_folder())
        names = [*around.locations, *map(clock_socket, around.locations)]
        listeners = {each: stack.enter_context(listener(folder / each)) for each in names}
        layout = _layout(plan, around, folder, date)
        output = partial(
            Output,
            around.locations,
            tail_mark=layout.tail_mark,
            console_mark=layout.console_mark or "\0",
            log=around.log,
            ended=invocations.end,
        )
        begin_again = partial(_begin_again, invocations, clock)
        workerd = Workerd(around.binary, folder, listeners, output=output, restarting=begin_again, log=around.log)
        serving = await listen(kv, layout.kv_socket)
        run_limit = RunLimit(
            raise_descriptor_limit() // around.versions, asking=serving.connections, crowded=kv.is_short
        )
        app = _app(around, folder, invocations, run_limit, clock)
        try:
            await _start(partial(_start_once, workerd, plan, layout, folder, clock), around.log)
            yield RunningWorker(app, workerd, invocations, clock)
        finally:
            await workerd.stop()
            await serving.cleanup()


async def _start(start_once: Callable[[], Awaitable[None]], log: Callable[[str], None]) -> None:
    """A Worker that does not start is read again and started once more: a bundler may just have been writing it."""
    try:
        await start_once()
    except WorkerNotStarted:  # if it is no passing one, the second says the same
        log("  the Worker does not start; reading it again and starting it once more")
        await start_once()


async def _start_once(workerd: Workerd, plan: WorkerPlan, layout: Layout, folder: Path, clock: WorkerClock) -> None:
    """As it lies on the disk now, with its modules beside the runtime's sockets."""
    modules = find_modules(plan.main)
    require_handler(modules)
    around = None if plan.real_date else wrapped(modules, folder, f"{Dice().bits(64, 'clock'):016x} ")
    if around is not None:
        modules, layout = list(around.modules), replace(layout, clock_entrypoint=around.entrypoint)
        clock.sockets = ClockSockets({each: folder / clock_socket(each) for each in layout.locations}, around.sign)
    copy_modules(modules, folder)
    try:
        await workerd.start(config_text(replace(layout, modules=modules)))
    except WorkerNotStarted as error:
        if _UNKNOWN_FIELD in str(error) and (why := await too_old(workerd.binary)) is not None:
            raise SettingsError(why) from None
        raise explained(error, modules) from None


def _layout(plan: WorkerPlan, around: Surroundings, folder: Path, date: str) -> Layout:
    return Layout(
        modules=(),
        locations=around.locations,
        kv=plan.kv,
        kv_socket=folder / _KV_SOCKET,
        variables=around.variables,
        compatibility_date=date,
        compatibility_flags=plan.compatibility_flags,
        # Not of the deployment's dice: whoever knows their seed could write in the tail's name.
        tail_mark=f"emulator-tail-{Dice().bits(64, 'tail mark'):016x} ",
        console_mark=f"emulator-console-{Dice().bits(64, 'console mark'):016x} " if len(around.locations) > 1 else "",
    )


def _begin_again(invocations: Invocations, clock: WorkerClock) -> None:
    """The runtime is another one: no run is under way, and nobody has told it the time."""
    invocations.clear()
    clock.forget()


def _app(
    around: Surroundings, folder: Path, invocations: Invocations, run_limit: RunLimit, clock: WorkerClock
) -> WorkerdApp:
    return WorkerdApp(
        {location: folder / location for location in around.locations},
        locate=around.locate,
        invocations=invocations,
        invoked=around.invoked,
        run_limit=run_limit,
        clock=clock,
        log=around.log,
    )


def copy_modules(modules: Sequence[Module], folder: Path) -> None:
    """What runs is what was found at the start, also when workerd died and is started again."""
    for ours in OUR_MODULES:
        (folder / ours).write_bytes(files("queue_emulator.workerd").joinpath(ours).read_bytes())
    for number, module in enumerate(modules):
        shutil.copyfile(module.path, folder / f"module-{number}")


def listener(path: Path) -> socket.socket:
    """A socket that outlives a runtime that dies: its clients wait until the next one listens."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise SettingsError(f"cannot listen at {path}: {error}; TMPDIR names the folder for that") from None
    listener.listen(BACKLOG)
    return listener
