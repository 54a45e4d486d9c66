"""The emulator with its page open: how fast the page is there, and how much throughput is left beside it.

`python -m tests.bench.page`. Two processes send requests; a third one does what a page does: it follows the journal,
and asks for the overview and a page of keys as often. Rounds with and without it take turns. Where the machine tells,
the emulator's own processor time counts: the page's work is that of another core, or of another machine.
"""

import http.client
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.emulator_process import Emulator, start

PAGE = "/cdn-cgi/emulator/"
ROUNDS, REQUESTS, SENDERS = 5, 2_000, 2
_SENDER = """
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
for number in range(int(sys.argv[2])):
    connection.request("GET", "/api/queue/t%d" % (number % 20), headers={"X-API-Key": "dev-queue-key"})
    connection.getresponse().read()
"""
_WATCHER = """
import http.client, sys, threading, time
def ask(method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
    connection.request(method, "/cdn-cgi/emulator/" + path, body, {"X-Emulator-Inspector": "reads"})
    return connection.getresponse()
def again(every_s, *asked):
    while True:
        ask(*asked).read()
        time.sleep(every_s)
threading.Thread(target=again, args=(2, "GET", "overview"), daemon=True).start()
threading.Thread(target=again, args=(0.4, "POST", "keys/list", '{"limit": 250}'), daemon=True).start()
stream = ask("GET", "journal/stream?after=0")
print("open", flush=True)
while stream.readline():
    pass
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        emulator = start("--ephemeral", "--quiet", folder=Path(folder), log_file=Path(folder) / "log")
        try:
            used_s = _processor_s(emulator)
            first = page_ms(emulator)
            own_ms = 0.0 if used_s is None else 1000 * ((_processor_s(emulator) or 0) - used_s)
            again = statistics.median(page_ms(emulator) for _ in range(5))
            for number in range(20):
                emulator.ask("POST", f"{PAGE}enqueue", json={"task": {"id": f"t{number}"}})
            rates = {False: list[float](), True: list[float]()}
            for _ in range(ROUNDS):
                for watched in (False, True):
                    rates[watched].append(requests_per_s(emulator, watched=watched))
        finally:
            emulator.dispose()
    without, beside = (statistics.median(rates[watched]) for watched in (False, True))
    print(f"the page with all its parts and its first data: {first:.0f} ms at first,")
    print(f"of which {own_ms:.0f} ms are the emulator's own time; {again:.0f} ms after that")
    print(f"requests in a second of the emulator's own time: {without:.0f} without a page, {beside:.0f} beside one,")
    print(f"which is {beside / without:.2f} of it")


def page_ms(emulator: Emulator) -> float:
    """What a browser asks for, on one connection, until the first keys are there."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port)

    def ask(method: str, path: str, body: str | None = None) -> str:
        connection.request(method, PAGE + path, body)
        return connection.getresponse().read().decode()

    wanted, had = re.findall(r'(?:src|href)="page/([a-z.]+)"', ask("GET", "")), set[str]()
    while wanted:
        name = wanted.pop()
        if name not in had:
            had.add(name)
            wanted += re.findall(r'from "\./([a-z.]+)"', ask("GET", f"page/{name}"))
    ask("GET", "overview")
    ask("POST", "keys/list", "{}")
    connection.close()
    return (time.perf_counter() - began) * 1000


def requests_per_s(emulator: Emulator, *, watched: bool) -> float:
    with watching(emulator.port) if watched else nobody():
        began, used_s = time.perf_counter(), _processor_s(emulator)
        arguments = [sys.executable, "-c", _SENDER, str(emulator.port), str(REQUESTS)]
        senders = [subprocess.Popen(arguments) for _ in range(SENDERS)]
        for each in senders:
            each.wait()
        spent_s = time.perf_counter() - began if used_s is None else (_processor_s(emulator) or 0) - used_s
        return SENDERS * REQUESTS / spent_s


def _processor_s(emulator: Emulator) -> float | None:
    """What the emulator has used so far, as Linux tells it; None where the system does not."""
    stat = Path(f"/proc/{emulator.process.pid}/stat")
    if not stat.exists():
        return None
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def watching(port: int) -> Iterator[None]:
    watcher = subprocess.Popen([sys.executable, "-c", _WATCHER, str(port)], stdout=subprocess.PIPE)
    try:
        assert watcher.stdout is not None
        watcher.stdout.readline()
        yield
    finally:
        watcher.kill()
        watcher.wait()


@contextmanager
def nobody() -> Iterator[None]:
    yield


if __name__ == "__main__":
    main()
