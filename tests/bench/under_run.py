"""What `queue-emulator run` costs: wrangler dev alone, under run at one location, and at two, with the same project.

Each round starts each of them once, in turn, so that a busy moment of the machine meets all. Timed are the time from
the start to the first answer, and KV's get and put by a request each, at the tool's own port; memory is that of all
processes, the emulator's included. Needs WRANGLER_DIR, a folder whose node_modules has wrangler, and Linux.

Run: tox -e bench, or python -m tests.bench.under_run [ROUNDS]
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from tests.bench.compare.process_tree import memory_bytes
from tests.clients.wrangler import WAIT_S_MAX, installed_wrangler
from tests.run.probe_tools import PROBE, free_port

_EMULATOR = str(Path(sys.executable).with_name("queue-emulator"))
_REQUESTS = 400
_WARM_UP = 50
_PLAIN = "wrangler dev"
_WAYS: Mapping[str, tuple[str, ...]] = {
    _PLAIN: (),
    "run -- wrangler dev": (_EMULATOR, "run", "--ephemeral", "--"),
    "run at two locations": (_EMULATOR, "run", "--ephemeral", "--location", "SJC", "--location", "NRT", "--"),
}
_SHOWN: Mapping[str, Callable[[float], str]] = {
    "ready, s": lambda value: f"{value:.2f}",
    "memory, MiB": lambda value: f"{value:.0f}",
    "get, ms": lambda value: f"{value:.2f}",
    "put, ms": lambda value: f"{value:.2f}",
}

Measured = dict[str, float]


def main(rounds: int) -> None:
    taken: dict[str, list[Measured]] = defaultdict(list)
    for _ in range(rounds):
        for way, words in _WAYS.items():
            taken[way].append(measured(words))
    print(f"{'median (least to most)':<24}{''.join(f'{name:>34}' for name in _SHOWN)}")
    for way, all_of_it in taken.items():
        print(f"{way:<24}{''.join(f'{_spread(name, all_of_it, taken[_PLAIN]):>34}' for name in _SHOWN)}")


def _spread(name: str, taken: list[Measured], plain: list[Measured]) -> str:
    values, show = [each[name] for each in taken], _SHOWN[name]
    ratio = statistics.median(values) / statistics.median(each[name] for each in plain)
    return f"{show(statistics.median(values))} ({show(min(values))} to {show(max(values))}) x{ratio:.2f}"


def measured(words: tuple[str, ...]) -> Measured:
    """One start, some requests, and the end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        shutil.copytree(PROBE, folder)
        (folder / "node_modules").symlink_to(Path(os.environ["WRANGLER_DIR"]).absolute() / "node_modules")
        port = free_port()
        own = ("--port", str(port), "--ip", "127.0.0.1", "--inspector-port", str(free_port()))
        command = (*words, *installed_wrangler(os.environ), "dev", *own)
        started_s = time.perf_counter()
        quiet = {"WRANGLER_SEND_METRICS": "false", "CI": "1", "HOME": name}
        with subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **quiet},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=WAIT_S_MAX, trust_env=False) as client:
                    _until_it_answers(client, started_s)
                    ready_s = time.perf_counter() - started_s
                    _operate(client, "put", _WARM_UP, "warm")
                    put_ms, get_ms = (_operate(client, method, _REQUESTS, "k") for method in ("put", "get"))
                    memory_mib = memory_bytes(process.pid) / 2**20
            finally:
                process.terminate()
    return {"ready, s": ready_s, "memory, MiB": memory_mib, "get, ms": get_ms, "put, ms": put_ms}


def _until_it_answers(client: httpx.Client, started_s: float) -> None:
    while time.perf_counter() - started_s < WAIT_S_MAX:
        try:
            if client.get("/version").text == "one":
                return
        except httpx.TransportError:
            time.sleep(0.01)
    raise TimeoutError(f"wrangler did not answer within {WAIT_S_MAX} s")


def _operate(client: httpx.Client, method: str, count: int, prefix: str) -> float:
    """The median milliseconds of a request that does one operation."""
    times_ms = []
    for number in range(count):
        arguments = [f"{prefix}{number}", *(["value"] if method == "put" else [])]
        begun_s = time.perf_counter()
        answer = client.post("/kv", json={"binding": "FLAGS", "method": method, "args": arguments})
        times_ms.append((time.perf_counter() - begun_s) * 1000)
        assert "error" not in answer.json(), answer.text
    return statistics.median(times_ms)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
