"""One life of the emulator over the state file: opened, set to a time, driven by a crowd, and killed or closed."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.cli.emulator_process import WAIT_S_MAX, Emulator, start
from tests.machine.choices import CONTROLS, LOCATION, TOKEN
from tests.machine.history import Finding
from tests.machine.requests import Face, Request, Sent

WORKER = Path(__file__).with_name("worker.mjs")
NO_RUNTIME = Path(__file__).with_name("no_runtime.sh")
BINDINGS = ("CACHE", "OTHER")
_PROFILES = (
    ("--profile", "local"),
    ("--profile", "local"),
    ("--profile", "cloudflare", "--without", "write-rate", "--tombstone-life", "0"),
    ("--profile", "cloudflare"),
)
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_ENDS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Plan:
    """What this life is: `runtime` None runs the Python Worker, else that program runs the other one."""

    runtime: Path | None
    profile: tuple[str, ...]
    end: signal.Signals
    settled: bool
    requests: int

    @classmethod
    def draw(cls, chance: random.Random, workerd: Path | None) -> "Plan":
        runtimes = [None, workerd or NO_RUNTIME]
        return cls(
            runtime=chance.choice(runtimes),
            profile=chance.choice(_PROFILES),
            end=chance.choice(_ENDS),
            settled=chance.random() < 0.5,
            requests=chance.randint(20, 80),
        )

    @property
    def strong(self) -> bool:
        return self.profile == _PROFILES[0]

    @property
    def faces(self) -> set[Face]:
        if self.runtime is None:
            return {Face.WORKER, Face.REST, Face.CONTROL}
        return {Face.WIRE, Face.REST, Face.CONTROL, *([Face.RUNTIME] if self.runtime != NO_RUNTIME else [])}


@dataclass(slots=True)
class Counts:
    """What was done, over all lives."""

    requests: Counter[Face] = field(default_factory=Counter)
    acknowledged: int = 0
    refused: int = 0
    broken_off: int = 0


@dataclass(slots=True)
class Life:
    """An emulator that listens."""

    plan: Plan
    emulator: Emulator
    clients: dict[Face, httpx.AsyncClient]
    counts: Counts
    socket: Path | None

    async def send(self, sent: Sent) -> Finding | None:
        """Send it and note the answer; without one, nothing is known of it."""
        request = sent.request
        self.counts.requests[request.face] += 1
        try:
            answer = await self.clients[request.face].request(
                request.method, request.path, content=request.content, headers=list(request.headers)
            )
        except httpx.TransportError:
            self.counts.broken_off += 1
            return None
        if answer.is_success:
            self.counts.acknowledged += len(request.writes) or bool(request.perhaps)
        else:
            self.counts.refused += 1
        return sent.answered(answer)

    async def send_half(self, sent: Sent) -> None:
        """All but the last byte of a body, and then the connection is closed: it must not be done."""
        self._broken_off(sent.request)
        sent.undone()
        with suppress(OSError):
            async with self._written(sent.request, sent.request.content[:-1]) as (_, writer):
                writer.close()
                await writer.wait_closed()

    async def give_up(self, sent: Sent, leaving: asyncio.Event) -> None:
        """Sent whole, and its connection closed at some moment; what became of it is not known."""
        self._broken_off(sent.request)
        with suppress(OSError):
            async with self._written(sent.request, sent.request.content) as (reader, _):
                waiting = [asyncio.ensure_future(reader.read(1)), asyncio.ensure_future(leaving.wait())]
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for each in waiting:
                    each.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)

    def _broken_off(self, request: Request) -> None:
        self.counts.requests[request.face] += 1
        self.counts.broken_off += 1

    @asynccontextmanager
    async def _written(self, request: Request, content: bytes) -> AsyncIterator[_Streams]:
        """A connection of its own, on which the request is; httpx leaves a socket if it is given up while it connects.

        Nothing of the connection is left, also if the emulator takes no more of it.
        """
        head = [
            f"{request.method} {request.path} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Content-Length: {len(request.content)}",
        ]
        head += [f"{name}: {value}" for name, value in request.headers]
        if request.face is Face.WIRE:
            reader, writer = await asyncio.open_unix_connection(self.socket)
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.emulator.port)
        try:
            writer.write("\r\n".join((*head, "", "")).encode() + content)
            yield reader, writer
        finally:
            writer.transport.abort()

    def end(self) -> None:
        """Send the signal."""
        self.emulator.process.send_signal(self.plan.end)


@asynccontextmanager
async def life(plan: Plan, folder: Path, now_ms: int, counts: Counts) -> AsyncIterator[Life]:
    """Opened; gone at the end, however that comes."""
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    arguments = ["--state", str(folder / "state.sqlite"), "--quiet", "--location", LOCATION, *plan.profile]
    if plan.runtime is not None:
        arguments += ["--worker", str(WORKER), "--workerd", str(plan.runtime), "--real-date"]
        arguments += [part for binding in BINDINGS for part in ("--binding", binding)]
    environment = {"EMULATOR_API_TOKEN": TOKEN, "TMPDIR": str(temporary)}
    before = set(temporary.glob("queue-emulator-*"))
    log = folder / "log"
    emulator = start(*arguments, folder=folder, log_file=log, environment=environment, forked=True)
    try:
        async with AsyncExitStack() as stack:
            sockets = [each / "kv.socket" for each in set(temporary.glob("queue-emulator-*")) - before]
            socket = sockets[0] if sockets else None
            clients = {face: await stack.enter_async_context(_client(emulator, face, socket)) for face in plan.faces}
            # every life begins at the same time, so that nothing expires however long the machine runs
            await clients[Face.CONTROL].post(f"{CONTROLS}/clock", json={"set": now_ms})
            yield Life(plan, emulator, clients, counts, socket)
    finally:
        emulator.dispose()


def _client(emulator: Emulator, face: Face, socket: Path | None) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(uds=str(socket) if face is Face.WIRE else None, verify=False)
    url = "http://fake-host" if face is Face.WIRE else f"http://127.0.0.1:{urlsplit(emulator.url).port}"
    return httpx.AsyncClient(base_url=url, transport=transport, timeout=WAIT_S_MAX, trust_env=False)
