"""What preloads report, on a Unix socket: one connection a process, one line of JSON an event."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

import msgspec

_LINE_BYTES_MAX = 1024 * 1024


class Loaded(msgspec.Struct, frozen=True, tag_field="event", tag="loaded"):
    """A process has loaded miniflare."""

    tool: str
    miniflare: str


class Place(msgspec.Struct, frozen=True):
    """A KV binding of a Worker: its namespace's id, and the location at which it reads and writes."""

    binding: str
    namespace: str
    location: str


class Bound(msgspec.Struct, frozen=True, tag_field="event", tag="bound"):
    """A Worker is about to start with these bindings."""

    tool: str
    places: tuple[Place, ...]


class Ready(msgspec.Struct, frozen=True, tag_field="event", tag="ready"):
    """Workers answer, at a URL for each location; `cf` is what the tool has for `request.cf`.

    `clocks` are URLs at which Workers are told the time; a Worker that has none shows the machine's.

    `alone`: why there is one location, where several were asked for. `process` names the process of the tool, as its
    operations of KV do, and `instance` is the number of a miniflare in it.
    """

    tool: str
    miniflare: str
    process: str
    instance: int
    urls: dict[str, str]
    cf: dict[str, object]
    alone: str | None
    clocks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for a URL that no runtime on this machine has: what clients send goes there, keys too."""
        for url in (*self.urls.values(), *self.clocks):
            _check_near(url)


class Disposed(msgspec.Struct, frozen=True, tag_field="event", tag="disposed"):
    """A tool has ended the runtime of one miniflare."""

    process: str
    instance: int


class Gone(NamedTuple):
    """A process that had runtimes is gone, and they with it. No preload reports that: its connection ends."""

    process: str


class Missed(msgspec.Struct, frozen=True, tag_field="event", tag="missed"):
    """A process starts the runtime by a miniflare that the preload has not seen."""

    tool: str


class Refused(msgspec.Struct, frozen=True, tag_field="event", tag="refused"):
    """A miniflare that the preload does not know how to change: it did not get to run."""

    tool: str
    miniflare: str
    why: str


Report: TypeAlias = Loaded | Bound | Ready | Disposed | Missed | Refused


def _check_near(url: str) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "http" or not _of_this_machine(host) or parts.port == 0 or parts.username is not None:
        raise ValueError(f"not the URL of a runtime on this machine: {url[:200]!r}")


def _of_this_machine(host: str) -> bool:
    """Nothing can listen at the address of another machine. Raises ValueError for what is no address."""
    if host == "localhost" or ip_address(host).is_loopback:
        return True
    try:
        with socket.socket(socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET) as listener:
            listener.bind((host, 0))
    except OSError:
        return False
    return True


async def listen(path: Path, take: Callable[[Report | Gone], Awaitable[None]]) -> asyncio.Server:
    """Have `take` called with every report, those of one process in their order; the caller closes the server."""

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        processes = dict[str, None]()
        with suppress(ConnectionError, asyncio.LimitOverrunError, ValueError):
            while line := await reader.readline():
                report = parse(line)
                if isinstance(report, Ready):
                    processes[report.process] = None
                await take(report)
        for process in processes:
            await take(Gone(process))
        writer.close()

    return await asyncio.start_unix_server(hear, path, limit=_LINE_BYTES_MAX)


def parse(line: bytes) -> Report:
    """One line; raises ValueError for what no preload of this version says."""
    try:
        return _REPORT.decode(line)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a report: {line[:200]!r}") from error


_REPORT: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)
