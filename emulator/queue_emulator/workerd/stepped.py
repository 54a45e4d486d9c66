"""A Worker on workerd that is stepped: started, wrapped so that its time, timers and chance are ours, and ended."""

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from queue_emulator.core.errors import SettingsError
from queue_emulator.kv.folder import private_folder
from queue_emulator.workerd.binary_date import compatibility_date_of
from queue_emulator.workerd.bindings import WorkerPlan
from queue_emulator.workerd.config import Layout, config_text
from queue_emulator.workerd.module_errors import explained
from queue_emulator.workerd.modules import SERVICE_WORKER, Module, find_modules, named_in_code, require_handler
from queue_emulator.workerd.output import Output
from queue_emulator.workerd.process import Workerd
from queue_emulator.workerd.running import copy_modules, listener
from queue_emulator.workerd.stepping import Stepping
from queue_emulator.workerd.stopped import WorkerNotStarted

Result = TypeVar("Result")

_KV_SOCKET = "kv.socket"  # no slot has a dot
_OURS = {"emulator-clock.mjs": "clock.mjs", "emulator-held.mjs": "held.mjs", "emulator-explored.mjs": "explored.mjs"}
_ENTRY = "emulator-explored.mjs"
_BEYOND = {
    "WebSocketPair": "opens WebSockets",
    "cloudflare:sockets": "opens sockets",
    "node:timers": "has timers that cannot be controlled",
}
_NO_TAIL = "\0"  # what no line begins with, for there is no tail


@contextmanager
def stepped_worker(plan: WorkerPlan, binary: Path, variables_at: Mapping[str, Mapping[str, str]]) -> Iterator[Stepping]:
    """The Worker in as many services as `variables_at` names, each with variables of its own, as JSON texts.

    Raises SettingsError for a Worker that cannot be stepped, WorkerNotStarted for one that does not compile.
    """
    _check(plan)
    slots = list(variables_at)
    with ExitStack() as stack:
        run = stack.enter_context(_loop())  # before any socket: the guard of a Workerd takes file descriptor 3
        folder = stack.enter_context(private_folder())
        listeners = {slot: stack.enter_context(listener(folder / slot)) for slot in slots}
        stepping = Stepping(folder, folder / _KV_SOCKET)
        stack.callback(stepping.close)
        layout = Layout(
            modules=_modules(plan.main, folder),
            locations=slots,
            kv=plan.kv,
            kv_socket=folder / _KV_SOCKET,
            variables={},
            compatibility_date=plan.compatibility_date or run(compatibility_date_of(binary)),
            compatibility_flags=plan.compatibility_flags,
            tail_mark="",
            clocks=False,
            variables_at=variables_at,
            outbound=True,
        )
        workerd = Workerd(
            binary,
            folder,
            listeners,
            output=lambda: Output(slots, tail_mark=_NO_TAIL, log=_nobody_listens, ended=lambda slot, ray: None),
            restarting=lambda: None,
            log=_nobody_listens,
        )
        stack.callback(lambda: run(workerd.stop()))
        stepping.alive = lambda: workerd.alive
        copy_modules(layout.modules, folder)
        try:
            run(workerd.start(config_text(layout)))
        except WorkerNotStarted as error:
            raise explained(error, layout.modules) from None
        stack.callback(stepping.close)  # before workerd is stopped: it waits for what is asked
        yield stepping


def _check(plan: WorkerPlan) -> None:
    """Raises SettingsError, by name, for what nobody can step."""
    if len(plan.kv) > 1:
        raise SettingsError(
            f"{plan.main} is bound to the KV namespaces {', '.join(plan.kv)}; explore has one: bind one, with --binding"
        )
    durable = [name for name, section in plan.unserved.items() if section == "durable_objects"]
    if durable:
        raise SettingsError(
            f"{plan.main} uses the Durable Object {durable[0]}, which cannot be explored: only KV can be"
        )
    for word in sorted(named_in_code(plan.main, _BEYOND)):
        raise SettingsError(f"{plan.main} {_BEYOND[word]} ({word}): explore controls KV only")


def _modules(main: Path, folder: Path) -> Sequence[Module]:
    """The Worker's own, behind ours."""
    found = find_modules(main)
    require_handler(found)
    if found[0].kind == SERVICE_WORKER:
        raise SettingsError(f"{main} listens with addEventListener: explore needs export default {{ fetch }}")
    ours: list[Module] = []
    for name, file in _OURS.items():
        text = _text(file).replace("const tell = DATE;", f"const tell = {_text('date.js')};")
        path = folder / name
        path.write_text(text.replace('"MAIN"', json.dumps(f"./{found[0].name}")), encoding="utf-8")
        ours.append(Module(name, "esModule", path))
    return [*reversed(ours), *found]


def _text(file: str) -> str:
    return files("queue_emulator.workerd").joinpath(file).read_text(encoding="utf-8").rstrip()


class _Run:
    """Runs coroutines of one loop, which is another thread's, from this one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __call__(self, work: Coroutine[object, None, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


@contextmanager
def _loop() -> Iterator[_Run]:
    """A loop in a thread of its own: the runtime's output is read while we wait for its Worker."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="workerd", daemon=True)
    thread.start()
    try:
        yield _Run(loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _nobody_listens(line: str) -> None:
    pass


assert next(reversed(_OURS)) == _ENTRY, "the first module is the main one"
