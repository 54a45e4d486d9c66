"""One soak: an emulator under a small limit of open files, every kind of client at every face, and what is left."""

import itertools
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from queue_emulator.core.limits import JOURNAL_EVENTS_MAX
from queue_emulator.core.wire_names import API_PREFIX
from tests.cli.emulator_process import start
from tests.soak import clients
from tests.soak.clients import CLIENTS, Face, connect, face
from tests.soak.holding import Holding, holding

LIMIT = 256
_REPOSITORY = Path(__file__).parents[2]
_TOKEN = "soak-token"
_KEYS = {"QUEUE_API_KEY": "soak-queue", "ADMIN_API_KEY": "soak-admin", "EMULATOR_API_TOKEN": _TOKEN}
_API = f"{API_PREFIX}/accounts"
_PAIRS_MAX = 10_000  # of one bulk request
_SETTLED_S_MAX = 15
_KEPT_CLIENTS = 20
_SLOW_CLIENTS = 280  # more than there are descriptors
_THREADS = 4


@dataclass(slots=True)
class Soaked:
    """What came of it. `answers` by client and status; `log_lines` without those of requests."""

    before: Holding
    after: Holding
    connections: int
    on_workerd: bool
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    log_lines: list[str] = field(default_factory=list)

    def table(self) -> str:
        """Before and after, a line each."""
        return "\n".join(
            (
                f"{'':7}{Holding.head()}",
                f"before {self.before.row()}",
                f"after  {self.after.row()}",
                f"{self.connections:,} connections, {len(self.log_lines)} lines in the log besides those of requests",
            )
        )


@dataclass(frozen=True, slots=True)
class Running:
    """An emulator that listens."""

    pid: int
    port: int
    told: Path
    log: Path
    bulk: str
    on_workerd: bool
    faces: Sequence[Face]


def soak(running: Running, *, rounds: Iterator[object], warm: Iterator[object], requests: int = 0) -> Soaked:
    """Warm up, then as many rounds as are given; each has every client at every face.

    The warm-up is a full journal, the `warm` rounds and `requests` on one connection: a journal that has been filled by
    bulk writes grows a little while the events of runs, each of a name of its own, take their places.
    """
    answers: Counter[tuple[str, int]] = Counter()
    _fill_the_journal(running)
    _ask_often(running, requests)
    for _ in warm:
        _round(running, answers)
    before = _settled(running, None)
    answers.clear()
    connections = 0
    for _ in rounds:
        connections += _round(running, answers)
    after = _settled(running, before)
    lines = [each for each in running.log.read_text().splitlines() if each.startswith("  ")]
    return Soaked(before, after, connections, running.on_workerd, answers, lines)


def _fill_the_journal(running: Running) -> None:
    """It holds the last operations: only a full one grows no more."""
    with httpx.Client(base_url=f"http://127.0.0.1:{running.port}", timeout=60, trust_env=False) as client:
        pairs = [{"key": f"soak-{number}", "value": "x"} for number in range(_PAIRS_MAX)]
        for _ in range(JOURNAL_EVENTS_MAX // _PAIRS_MAX):
            answer = client.put(running.bulk, json=pairs, headers={"Authorization": f"Bearer {_TOKEN}"})
            assert answer.status_code == 200, answer.text


def _ask_often(running: Running, requests: int) -> None:
    with connect(running.port) as connection:
        for _ in range(requests):
            connection.sendall(running.faces[0].ask)
            assert clients.answered(connection) == 200


def _round(running: Running, answers: Counter[tuple[str, int]]) -> int:
    """Every client at every face, while others keep their connections and hundreds say nothing."""
    todo = list(itertools.product(CLIENTS, running.faces)) * _THREADS
    with ExitStack() as stack:
        kept = [stack.enter_context(connect(running.port)) for _ in range(_KEPT_CLIENTS)]
        for slow in [stack.enter_context(connect(running.port)) for _ in range(_SLOW_CLIENTS)]:
            with suppress(OSError):  # it was closed to make room
                slow.sendall(b"GET / HTTP/1.1\r\nHost: ")
        threads = [
            threading.Thread(target=_work, args=(running, todo[each::_THREADS], answers)) for each in range(_THREADS)
        ]
        for thread in threads:
            thread.start()
        for number, connection in enumerate(kept):
            with suppress(OSError):
                connection.sendall(running.faces[number % len(running.faces)].ask)
                answers["kept", clients.answered(connection)] += 1
        for thread in threads:
            thread.join()
    return len(todo) + _KEPT_CLIENTS + _SLOW_CLIENTS


def _work(running: Running, todo: Sequence[tuple[object, Face]], answers: Counter[tuple[str, int]]) -> None:
    for client, at in todo:
        try:
            status = client(running.port, at)  # type: ignore[operator]
        except OSError as error:
            status = -(error.errno or 1)
        if status is not None:
            answers[f"{client.__name__} {at.name}", status] += 1  # type: ignore[attr-defined]


def _settled(running: Running, wanted: Holding | None) -> Holding:
    """What it holds once that no longer falls, or is what is wanted."""
    ends_s = time.monotonic() + _SETTLED_S_MAX
    last = holding(running.pid, running.told)
    while time.monotonic() < ends_s:
        time.sleep(1.5)
        now = holding(running.pid, running.told)
        done = now.descriptors == last.descriptors and now.tasks == last.tasks
        if done and (wanted is None or (now.descriptors, now.tasks) == (wanted.descriptors, wanted.tasks)):
            return now
        last = now
    return last


@contextmanager
def emulator(folder: Path, *, worker: Path | None = None, workerd: Path | None = None) -> Iterator[Running]:
    """`queue-emulator serve` under the limit, with a state file; stopped by its process id."""
    of_worker = ["--worker", str(worker), *(["--workerd", str(workerd)] if workerd else [])] if worker else []
    told, log = folder / "held", folder / "log"
    running = start(
        "--without",
        "write-rate",
        "--state",
        folder / "state.sqlite",
        *of_worker,
        folder=folder,
        log_file=log,
        environment={"HELD": str(told), "LIMIT": str(LIMIT), "PYTHONPATH": str(_REPOSITORY), **_KEYS},
        command=(sys.executable, "-m", "tests.soak.counted"),
    )
    try:
        id = next(line.split()[-1] for line in running.banner if " has the id " in line)
        account = next(line.split("ACCOUNT_ID=")[1].split()[0] for line in running.banner if "ACCOUNT_ID=" in line)
        namespace = f"{_API}/{account}/storage/kv/namespaces/{id}"
        faces = _faces(f"{namespace}/values/soak", on_workerd=worker is not None)
        yield Running(running.process.pid, running.port, told, log, f"{namespace}/bulk", worker is not None, faces)
    finally:
        running.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            running.process.wait(30)
        running.dispose()


def _faces(values: str, *, on_workerd: bool) -> list[Face]:
    token = f"Authorization: Bearer {_TOKEN}\r\n".encode()
    key = b"X-API-Key: soak-queue\r\n"
    worker = (
        face("worker", "GET /?key=soak", "POST /?key=soak", b"a value")
        if on_workerd
        else face("worker", "GET /api/queue", "POST /api/result/soak", b'{"success": true}', key)
    )
    return [
        worker,
        face("refused", "GET /api/queue", "POST /api/result/soak", b'{"success": true}', b"X-API-Key: wrong\r\n"),
        face("not found", "GET /nothing", "POST /nothing", b"a body that nobody reads", key),
        face("controls", "GET /cdn-cgi/emulator/status", "POST /cdn-cgi/emulator/clock", b'{"advance_s": 0}'),
        face("REST", f"GET {values}", f"PUT {values}", b"a value", token),
    ]
