"""What is compared: three ways to run the queue on this machine, each a process with its data in a folder."""

import json
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench.compare.client import ask_once, request
from tests.cli.emulator_process import start as start_emulator
from tests.differential.runtime import installed_in, node

QUEUE_KEY, ADMIN_KEY = "bench-queue-key", "bench-admin-key"
EMULATOR, ON_WORKERD, MINIFLARE = "emulator", "Worker on workerd", "miniflare"
WORKER = Path(__file__).parents[3] / "fixtures" / "worker" / "worker.mjs"
SIDE = Path(__file__).parent / "miniflare" / "side.mjs"
_DRIVER = Path(__file__).parent / "miniflare" / "driver.mjs"
_KEYS = {"QUEUE_API_KEY": QUEUE_KEY, "ADMIN_API_KEY": ADMIN_KEY}
_WAIT_S_MAX = 60  # far beyond what anything here takes: reached only by what would hang


@dataclass(frozen=True, slots=True)
class Running:
    """A target that answers at `url`. `empty` forgets all its data, `load` takes a bulk put.

    `side` is where miniflare/side.mjs answers, over the same KV, if it was asked for.
    """

    url: str
    pid: int
    empty: Callable[[], None]
    load: Callable[[bytes], None]
    stop: Callable[[], None]
    side: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """`start(folder)` runs it as its user would, with its data in that folder.

    `start_loadable` too, but so that `empty` and `load` work; `start_side`, where there is JavaScript, with `side`.
    """

    name: str
    description: str
    start: Callable[[Path], Running]
    start_loadable: Callable[[Path], Running]
    start_side: Callable[[Path], Running] | None = None


def targets() -> tuple[Target, Target, Target]:
    """The emulator, the reference Worker over the emulator's KV, and the one by which both are measured."""
    emulator, on_workerd = partial(_start_emulator, worker=None), partial(_start_emulator, worker=WORKER)
    with_side = partial(_start_miniflare, side=SIDE)
    return (
        Target(EMULATOR, "queue-emulator serve", emulator, emulator),
        Target(
            ON_WORKERD,
            "queue-emulator serve --worker fixtures/worker/worker.mjs",
            on_workerd,
            on_workerd,
            partial(_start_emulator, worker=SIDE),
        ),
        Target(
            MINIFLARE,
            "miniflare with fixtures/worker/worker.mjs over its own KV, persisted",
            partial(_start_miniflare, side=None),
            with_side,
            with_side,
        ),
    )


def state_file(folder: Path) -> Path:
    """Where an emulator keeps its data."""
    return folder / "state.sqlite"


def _start_emulator(folder: Path, *, worker: Path | None) -> Running:
    folder.mkdir(parents=True, exist_ok=True)
    options = () if worker is None else ("--worker", worker, "--workerd", installed_in() / "node_modules")
    arguments = ("--state", state_file(folder), "--profile", "local", "--quiet", *options)
    emulator = start_emulator(*arguments, folder=folder, log_file=folder / "log", environment=_KEYS)

    def control(action: str, body: bytes = b"") -> None:
        ask_once(emulator.url, request("POST", f"/cdn-cgi/emulator/{action}", body))

    def stop() -> None:
        emulator.stop()
        emulator.dispose()

    return Running(
        url=emulator.url,
        pid=emulator.process.pid,
        empty=lambda: control("reset"),
        load=lambda content: control("seed", content),
        stop=stop,
        side=emulator.url,
    )


def _start_miniflare(folder: Path, *, side: Path | None) -> Running:
    folder.mkdir(parents=True, exist_ok=True)
    deployed = {"worker": str(WORKER), "side": side and str(side), "bindings": _KEYS, "folder": str(folder)}
    with (folder / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [node(), str(_DRIVER), str(installed_in()), json.dumps(deployed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            encoding="utf-8",
        )
    watchdog = threading.Timer(_WAIT_S_MAX, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
    finally:
        watchdog.cancel()
    if not line:
        process.wait(_WAIT_S_MAX)
        raise RuntimeError(f"miniflare did not start: {(folder / 'log').read_text('utf-8')[-2000:]}")
    urls = json.loads(line)

    def ask_side(action: str, body: bytes) -> None:
        ask_once(urls["side"], request("POST", action, body))

    return Running(
        url=urls["url"],
        pid=process.pid,
        empty=lambda: ask_side("/empty", b"{}"),
        load=lambda content: ask_side("/seed", content),
        stop=lambda: _end(process),
        side=urls["side"],
    )


def _end(process: "subprocess.Popen[str]") -> None:
    """The driver ends, with its runtime, when its input does."""
    try:
        process.communicate(timeout=_WAIT_S_MAX)
    finally:
        process.kill()
