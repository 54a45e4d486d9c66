"""How long one large request holds others up, and how much memory it takes: a table, no assertion.

python tests/bench/holding_up.py. While a body is sent and answered, small requests are asked on another connection as
fast as they are answered; the longest of them is what was held up. Memory is the process's largest since the body began
(Linux only: /proc/PID/clear_refs). A machine that does other things holds up too: run it on a quiet one.
"""

import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
    yield "result: 12 million line breaks", result, b'{"a":"' + b"\\n" * (12 * MIB) + b'"}'
    yield "result: no JSON, 25 MiB", result, b"[" * (25 * MIB)
    yield "seed: 60 MB of []", CONTROL + b"/seed", repeated(b"[", b"[]", b"]", 60_000_000)
    yield "seed: 1,000,000 entries, 45 MB", CONTROL + b"/seed", entries(1_000_000, "v")
    yield "seed: 50,000 entries, 60 MB", CONTROL + b"/seed", entries(50_000, "v" * 1_150)
    yield "seed: 3 values of 20 MiB", CONTROL + b"/seed", entries(3, "v" * (20 * MIB))
    yield "enqueue: 25 MiB of {}", CONTROL + b"/enqueue", repeated(b'{"task":{"metadata":[', b"{}", b"]}}", 25 * MIB)
    yield "REST bulk: 60 MB of []", api + b"/bulk", repeated(b"[", b"[]", b"]", 60_000_000)
    yield "REST bulk: one entry of 60 MB of []", api + b"/bulk", repeated(b'[{"a":[', b"[]", b"]}]", 60_000_000)
    yield "REST bulk: 10,000 entries, 60 MB", api + b"/bulk", entries(10_000, "v" * 6_000)
    yield "REST bulk get: 1 MiB of []", api + b"/bulk/get", repeated(b'{"keys":[', b"[]", b"]}", MIB - 10)


class Neighbour(threading.Thread):
    """Asks small requests on a connection of its own until it is stopped; remembers the longest."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port
        self._stopped = threading.Event()
        self.longest_ms = 0.0
        self.asked = 0

    def run(self) -> None:
        with connect(self._port) as connection:
            while not self._stopped.is_set():
                began = time.perf_counter()
                connection.sendall(get(b"/api/queue/small"))
                read_answer(connection)
                self.longest_ms = max(self.longest_ms, (time.perf_counter() - began) * 1000)
                self.asked += 1

    def stop(self) -> None:
        self._stopped.set()
        self.join()


@contextmanager
def neighbour(port: int) -> Iterator[Neighbour]:
    made = Neighbour(port)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def memory_kib(emulator: Emulator, name: str) -> int:
    status = Path(f"/proc/{emulator.process.pid}/status").read_text()
    (found,) = re.findall(rf"{name}:\s+(\d+) kB", status)
    return int(found)


def measure(emulator: Emulator, path: bytes, body: bytes, method: bytes, key: bytes) -> str:
    emulator.ask("POST", "/cdn-cgi/emulator/reset")
    Path(f"/proc/{emulator.process.pid}/clear_refs").write_text("5")
    before_kib = memory_kib(emulator, "VmRSS")
    with neighbour(emulator.port) as beside, connect(emulator.port) as connection:
        began = time.perf_counter()
        connection.sendall(post(path, body, key).replace(b"POST", method, 1))
        connection.settimeout(600)
        answer = read_answer(connection)
        took_s = time.perf_counter() - began
    taken_bytes = (memory_kib(emulator, "VmHWM") - before_kib) * 1024
    return (
        f"{answer.status:>7}{len(body) / MIB:>9.1f}{took_s:>8.2f}{beside.longest_ms:>10.0f}"
        f"{taken_bytes / MIB:>10.0f}{taken_bytes / len(body):>7.1f}"
    )


def main() -> None:
    print(f"{'':<40}{'status':>7}{'MiB':>9}{'s':>8}{'held, ms':>10}{'took, MiB':>10}{'times':>7}")
    with TemporaryDirectory() as folder:
        api = VALUES % (0, b"0" * 32)
        for name, path, body in bodies(api):
            emulator = start(
                "--ephemeral", "--quiet", folder=Path(folder), log_file=Path(folder) / "log",
                environment={"EMULATOR_API_TOKEN": TOKEN},
            )  # fmt: skip
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
                print(f"{name:<40}{measure(emulator, path, body, method, key)}", flush=True)
            finally:
                emulator.stop()


if __name__ == "__main__":
    main()
