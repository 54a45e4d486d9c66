"""Clients that send a body slowly, more of them than there are descriptors for, before the Worker of a tool."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.emulator_process import COMMAND
from tests.run.tool import Running, environment_of
from tests.soak import clients

LIMIT = 128  # of open files; each slow client takes one, and one more on its way to the Worker
_TOOL = """
import asyncio, json, os

async def answer(reader, writer):
    head = await reader.readuntil(b"\\r\\n\\r\\n")
    if not head.startswith(b"GET"):
        await reader.read()
    writer.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nok")
    await writer.drain()
    writer.close()

async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    _, reports = await asyncio.open_unix_connection(os.environ["QUEUE_EMULATOR_RUN"] + "/reports")
    ready = {"event": "ready", "tool": "a tool", "miniflare": "4", "process": "1", "instance": 1, "urls": {"SJC": url},
             "cf": {}, "alone": None}
    reports.write(json.dumps(ready).encode() + b"\\n")
    await server.serve_forever()

asyncio.run(main())
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "tool.py").write_text(_TOOL)
    process = subprocess.Popen(
        [COMMAND, "run", "--ephemeral", "--", sys.executable, "tool.py"],
        cwd=tmp_path,
        env=environment_of(tmp_path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT)),
    )
    made = Running(process)
    yield made
    made.stop()


def test_who_is_connected_is_answered_however_many_send_slowly(running: Running) -> None:
    port = int(running.url.rpartition(":")[2])
    face = clients.face("worker", "GET /", "POST /", b"")
    with ExitStack() as stack:
        early = stack.enter_context(clients.connect(port))
        early.sendall(face.ask)
        assert clients.answered(early) == 200
        for _ in range(LIMIT):
            slow = stack.enter_context(clients.connect(port))
            slow.sendall(b"POST / HTTP/1.1\r\n" + clients.HOST + b"Content-Length: 1000\r\n\r\nx")
        early.sendall(face.ask)
        assert clients.answered(early) == 200
