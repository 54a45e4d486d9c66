"""How long one large request holds others up, and how much memory it takes: a table, no assertion.

python tests/bench/holding_up.py [ROUNDS [PART OF A NAME]]. While a body is sent and answered, small requests are asked
on another connection as fast as they are answered: a key that was read before, a new one, and a write. The longest of
them is what was held up: in milliseconds, and in milliseconds of the emulator's own processor time, which is what it
would be on a machine that does nothing else. Of each the median and the worst of all rounds. Memory is the process's
largest since the body began (Linux only: /proc/PID/clear_refs). Each body is sent to an emulator in memory and to one
with a file.
"""

import json
import re
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.cli.emulator_process import Emulator, start
from tests.cli.raw_http import KEY, connect, get, post, read_answer

MIB = 2**20
CONTROL = b"/cdn-cgi/emulator"
VALUES = b"/client/v4/accounts/%032d/storage/kv/namespaces/%b"
TOKEN = "holding-up"


def repeated(before: bytes, unit: bytes, after: bytes, size_bytes: int) -> bytes:
    """Units, with commas between them, to about so many bytes."""
    return before + b",".join([unit] * ((size_bytes - len(before) - len(after)) // (len(unit) + 1))) + after


def entry(number: int, value: str) -> bytes:
    return json.dumps({"key": f"key-{number:07}", "value": value}).encode()


def entries(count: int, value: str) -> bytes:
    return b"[" + b",".join(entry(number, value) for number in range(count)) + b"]"


def bodies(api: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """What is sent: a name, a path and a body."""
    result = b"/api/result/r"
    yield "nothing much", result, b'{"success":true}'
    yield "result: 25 MiB of []", result, repeated(b'{"a":[', b"[]", b"]}", 25 * MIB)
    yield "result: 250,000 []", result, b'{"a":[' + b",".join([b"[]"] * 249_990) + b"]}"
    yield "result: 250,000 numbers", result, b'{"a":[' + b",".join([b"0.12345"] * 249_990) + b"]}"
    yield "result: 240,000 strings, 24 MiB", result, b'{"a":[' + b",".join([b'"%b"' % (b"x" * 100)] * 240_000) + b"]}"
    yield "result: one string, 25 MiB", result, b'{"a":"' + b"x" * (25 * MIB - 100) + b'"}'
    yield "result: the same with an emoji", result, b'{"a":"' + "😀".encode() + b"x" * (25 * MIB - 100) + b'"}'
    yield "status: the same", b"/api/queue/t/status", b'{"status":"' + "😀".encode() + b"x" * (25 * MIB - 100) + b'"}'
    yield "result: 12 million line breaks", result, b'{"a":"' + b"\\n" * (12 * MIB) + b'"}'
    yield "result: no JSON, 25 MiB", result, b"[" * (25 * MIB)
    yield "seed: 60 MB of []", CONTROL + b"/seed", repeated(b"[", b"[]", b"]", 60_000_000)
    yield "seed: 1,000,000 entries, 45 MB", CONTROL + b"/seed", entries(1_000_000, "v")
    yield "seed: 100,000 entries, 4 MB", CONTROL + b"/seed", entries(100_000, "v")
    yield "seed: 50,000 entries, 60 MB", CONTROL + b"/seed", entries(50_000, "v" * 1_150)
    yield "seed: 3 values of 20 MiB", CONTROL + b"/seed", entries(3, "v" * (20 * MIB))
    yield "enqueue: 25 MiB of {}", CONTROL + b"/enqueue", repeated(b'{"task":{"metadata":[', b"{}", b"]}}", 25 * MIB)
    for name, unit in (("{}", b"{}"), ('{"a":1}', b'{"a":1}'), ("[1,2,3]", b"[1,2,3]")):
        before, after = b'{"task":{"metadata":{"a":[', b"]}}}"
        yield f"enqueue: 490 KB of {name}", CONTROL + b"/enqueue", repeated(before, unit, after, 490_000)
    yield "REST bulk: 60 MB of []", api + b"/bulk", repeated(b"[", b"[]", b"]", 60_000_000)
    yield "REST bulk: one entry of 60 MB of []", api + b"/bulk", repeated(b'[{"a":[', b"[]", b"]}]", 60_000_000)
    yield "REST bulk: 10,000 entries, 60 MB", api + b"/bulk", entries(10_000, "v" * 6_000)
    yield "REST bulk get: 1 MiB of []", api + b"/bulk/get", repeated(b'{"keys":[', b"[]", b"]}", MIB - 10)


def processor_ms(pid: int) -> float:
    """How long the threads of a process have run: https://docs.kernel.org/scheduler/sched-stats.html"""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e6


class Neighbour(threading.Thread):
    """Asks small requests on a connection of its own until it is stopped; remembers the longest."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__()
        self._port, self._pid = emulator.port, emulator.process.pid
        self._stopped = threading.Event()
        self.longest_ms = self.longest_processor_ms = 0.0

    def run(self) -> None:
        with connect(self._port) as connection:
            connection.settimeout(600)
            number = 0
            while not self._stopped.is_set():
                number += 1
                for request in (
                    get(b"/api/queue/small"),
                    get(b"/api/queue/small-%d" % number),
                    post(b"/api/result/small-%d" % number, b'{"success":true}'),
                ):
                    self._ask(connection, request)

    def _ask(self, connection: socket.socket, request: bytes) -> None:
        worked_ms, began = processor_ms(self._pid), time.perf_counter()
        connection.sendall(request)
        read_answer(connection)
        self.longest_ms = max(self.longest_ms, (time.perf_counter() - began) * 1000)
        self.longest_processor_ms = max(self.longest_processor_ms, processor_ms(self._pid) - worked_ms)

    def stop(self) -> None:
        self._stopped.set()
        self.join()


@contextmanager
def neighbour(emulator: Emulator) -> Iterator[Neighbour]:
    made = Neighbour(emulator)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def memory_kib(emulator: Emulator, name: str) -> int:
    status = Path(f"/proc/{emulator.process.pid}/status").read_text()
    (found,) = re.findall(rf"{name}:\s+(\d+) kB", status)
    return int(found)


@dataclass(frozen=True)
class Measured:
    """One body, sent once."""

    status: int
    took_s: float
    held_ms: float
    held_processor_ms: float
    memory_bytes: int


def measure(emulator: Emulator, path: bytes, body: bytes, method: bytes, key: bytes) -> Measured:
    emulator.ask("POST", "/cdn-cgi/emulator/reset")
    Path(f"/proc/{emulator.process.pid}/clear_refs").write_text("5")
    before_kib = memory_kib(emulator, "VmRSS")
    with neighbour(emulator) as beside, connect(emulator.port) as connection:
        began = time.perf_counter()
        connection.sendall(post(path, body, key).replace(b"POST", method, 1))
        connection.settimeout(600)
        answer = read_answer(connection)
        took_s = time.perf_counter() - began
    memory_bytes = (memory_kib(emulator, "VmHWM") - before_kib) * 1024
    return Measured(answer.status, took_s, beside.longest_ms, beside.longest_processor_ms, memory_bytes)


def measured(folder: Path, state: tuple[str, ...], path: bytes, body: bytes) -> Measured:
    """On an emulator of its own."""
    token = {"EMULATOR_API_TOKEN": TOKEN}
    emulator = start(*state, "--quiet", folder=folder, log_file=folder / "log", environment=token)
    try:
        with emulator.client() as client:
            listed = client.get(
                "/client/v4/accounts/" + "0" * 32 + "/storage/kv/namespaces",
                headers={"Authorization": f"Bearer {TOKEN}"},
            ).json()
        path = path.replace(b"0" * 32 + b"/bulk", listed["result"][0]["id"].encode() + b"/bulk")
        of_api = path.startswith(b"/client")
        method = b"PUT" if of_api and path.endswith(b"/bulk") else b"POST"
        key = b"Authorization: Bearer %b\r\n" % TOKEN.encode() if of_api else KEY
        return measure(emulator, path, body, method, key)
    finally:
        emulator.stop()


def line(name: str, body: bytes, runs: Sequence[Measured]) -> str:
    def shown(values: Sequence[float]) -> str:
        return f"{statistics.median(values):>8.0f}{max(values):>8.0f}"

    took_s = statistics.median(run.took_s for run in runs)
    taken_bytes = max(run.memory_bytes for run in runs)
    return (
        f"{name:<40}{runs[0].status:>7}{len(body) / MIB:>7.1f}{took_s:>7.2f}"
        f"{shown([run.held_ms for run in runs])}{shown([run.held_processor_ms for run in runs])}"
        f"{taken_bytes / MIB:>7.0f}{taken_bytes / len(body):>7.1f}"
    )


def main(rounds: int, wanted: str) -> None:
    for title, state in (("in memory", ("--ephemeral",)), ("in a file", ())):
        print(f"{title:<40}{'status':>7}{'MiB':>7}{'s':>7}{'held, ms':>16}{'processor, ms':>16}{'MiB':>7}{'times':>7}")
        for name, path, body in bodies(VALUES % (0, b"0" * 32)):
            if wanted not in name:
                continue
            runs = []
            for _ in range(rounds):
                with TemporaryDirectory() as folder:
                    runs.append(measured(Path(folder), state, path, body))
            print(line(name, body, runs), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, sys.argv[2] if len(sys.argv) > 2 else "")
