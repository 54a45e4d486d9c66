"""Two versions of the emulator against each other: how much processor time an operation takes here and there.

python tests/bench/two_trees.py OTHER_PYTHON [ROUNDS [PART OF A NAME]]. OTHER_PYTHON is the interpreter of an
environment in which the other version is installed; this one runs with the present interpreter. Both run at the same
time and take turns, some hundred operations each, so that what else the machine does falls on both. Of each operation
the median of both, the median ratio of a pair of turns, and the least and the greatest ratio of a round.
"""

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.holding_up import processor_ms
from tests.cli.raw_http import KEY, get, post, read_answer

TOKEN = b"two-trees"
API = b"Authorization: Bearer " + TOKEN + b"\r\n"
AT_ONCE, PAIRS = 100, 3
VALUE = '{"id":"task","type":"task","content":"' + "x" * 300 + '"}'
OPERATIONS = (
    "put, new key",
    "put, old key",
    "get, hit",
    "get, miss",
    "get of 50",
    "list of 100",
    "delete",
    "load of 50",
)
Turn = Callable[[str], float]
"""Some operations of this name; the microseconds of one of them."""


def in_process(python: str, stack: ExitStack) -> Turn:
    """Through `queue_emulator.testing`."""
    command = (python, str(Path(__file__).with_name("one_tree.py")))
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="ascii")
    stack.callback(_ended, process)
    assert process.stdin is not None
    assert process.stdout is not None
    into, out = process.stdin, process.stdout

    def turn(name: str) -> float:
        into.write(f"{name}\n")
        into.flush()
        return float(out.readline())

    return turn


class Server:
    """Through HTTP: the REST API, and a route of the Worker."""

    def __init__(self, python: str, state: Sequence[str], stack: ExitStack) -> None:
        folder = stack.enter_context(TemporaryDirectory())
        output = Path(folder, "output")
        command = (python, "-m", "queue_emulator", "serve", "--quiet", "--port", "0", "--without", "api-rate", *state)
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "EMULATOR_API_TOKEN": TOKEN.decode(), "PYTHONUNBUFFERED": "1"},
            stdout=stack.enter_context(output.open("w")),
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        stack.callback(_ended, self._process)
        self._connection = stack.enter_context(socket.create_connection(("127.0.0.1", _port(output))))
        self._connection.settimeout(30)
        self._numbers = count()
        path = b"/client/v4/accounts/" + b"0" * 32 + b"/storage/kv/namespaces"
        self._values = path + b"/" + json.loads(self._ask(get(path, API)))["result"][0]["id"].encode()
        for number in range(0, 10_000, 1_000):
            self._ask(self._bulk(f"there:{each:05}" for each in range(number, number + 1_000)))

    def turn(self, name: str) -> float:
        """A turn of this one."""
        requests = [self._request(name, next(self._numbers)) for _ in range(AT_ONCE)]
        before = processor_ms(self._process.pid)
        for request in requests:
            self._ask(request)
        return (processor_ms(self._process.pid) - before) * 1_000 / AT_ONCE

    def _request(self, name: str, number: int) -> bytes:
        values = self._values + b"/values/"
        match name:
            case "put, new key":
                return post(values + b"new-%d" % number, VALUE.encode(), API).replace(b"POST", b"PUT", 1)
            case "get, hit":
                return get(values + b"there:00007", API)
            case "get, miss":
                return get(values + b"absent-%d" % number, API)
            case "list of 100":
                return get(self._values + b"/keys?limit=100&prefix=there:", API)
            case "delete":
                return get(values + b"there:%05d" % (number % 10_000), API).replace(b"GET", b"DELETE", 1)
            case "bulk put of 50":
                return self._bulk(f"bulk-{number}-{each}" for each in range(50))
            case "Worker: result":
                return post(b"/api/result/new-%d" % number, b'{"success":true}', KEY)
            case _:
                return get(b"/api/result/new-%d" % number, KEY)

    def _bulk(self, keys: Iterator[str]) -> bytes:
        body = json.dumps([{"key": key, "value": VALUE} for key in keys]).encode()
        return post(self._values + b"/bulk", body, API).replace(b"POST", b"PUT", 1)

    def _ask(self, request: bytes) -> bytes:
        self._connection.sendall(request)
        answer = read_answer(self._connection)
        assert answer.status in (200, 404), (request, answer)
        return answer.body


HTTP = (
    "put, new key",
    "get, hit",
    "get, miss",
    "list of 100",
    "delete",
    "bulk put of 50",
    "Worker: result",
    "Worker: read",
)


def main(other: str, rounds: int, wanted: str) -> None:
    for title, names in (("testing", OPERATIONS), ("HTTP, in memory", HTTP), ("HTTP, in a file", HTTP)):
        if wanted not in title:
            continue
        state = ("--ephemeral",) if "memory" in title else ()
        print(f"{title:<24}{'other, µs':>12}{'this, µs':>12}{'ratio':>8}{'least':>8}{'most':>8}", flush=True)
        found: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in names}
        for number in range(-1, rounds):
            with ExitStack() as stack:
                turns = [
                    in_process(python, stack) if title == "testing" else Server(python, state, stack).turn
                    for python in (other, sys.executable)
                ]
                for name in names:
                    pairs = _pairs(turns, name)
                    if number >= 0:
                        found[name].append(pairs)
        for name, of_rounds in found.items():
            ratios = [statistics.median(this / that for that, this in pairs) for pairs in of_rounds]
            each = [statistics.median(pair[side] for pairs in of_rounds for pair in pairs) for side in (0, 1)]
            shown = f"{statistics.median(ratios):>8.2f}{min(ratios):>8.2f}{max(ratios):>8.2f}"
            print(f"{name:<24}{each[0]:>12.1f}{each[1]:>12.1f}{shown}", flush=True)


def _pairs(turns: Sequence[Turn], name: str) -> list[tuple[float, float]]:
    """Who begins changes."""
    pairs = []
    for number in range(PAIRS):
        order = (0, 1) if number % 2 else (1, 0)
        took = {side: turns[side](name) for side in order}
        pairs.append((took[0], took[1]))
    return pairs


def _port(output: Path) -> int:
    for _ in range(200):
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", output.read_text()):
            return int(found[1])
        time.sleep(0.1)
    raise RuntimeError(f"the emulator did not start: {output.read_text()}")


def _ended(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 7, sys.argv[3] if len(sys.argv) > 3 else "")
