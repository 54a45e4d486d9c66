"""What preloads report, on a Unix socket: one connection a process, one line of JSON an event."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LINE_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Loaded:
    """A process has loaded miniflare."""

    tool: str
    miniflare: str


@dataclass(frozen=True, slots=True)
class Place:
    """A KV binding of a Worker: its namespace's id, and the location at which it reads and writes."""

    binding: str
    namespace: str
    location: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A Worker is about to start with these bindings."""

    tool: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Ready:
    """Workers answer, at a URL for each location; `cf` is what the tool has for `request.cf`.

    `alone`: why there is one location, where several were asked for.
    """

    tool: str
    miniflare: str
    urls: Mapping[str, str]
    cf: Mapping[str, Any]
    alone: str | None


@dataclass(frozen=True, slots=True)
class Missed:
    """A process starts the runtime by a miniflare that the preload has not seen."""

    tool: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A miniflare that the preload does not know how to change: it did not get to run."""

    tool: str
    miniflare: str
    why: str


Report = Loaded | Bound | Ready | Missed | Refused


async def listen(path: Path, take: Callable[[Report], Awaitable[None]]) -> asyncio.Server:
    """Have `take` called with every report, those of one process in their order; the caller closes the server."""

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.LimitOverrunError, ValueError):
            while line := await reader.readline():
                await take(parse(line))
        writer.close()

    return await asyncio.start_unix_server(hear, path, limit=_LINE_BYTES_MAX)


def parse(line: bytes) -> Report:
    """One line; raises ValueError for what no preload of this version says."""
    said: dict[str, Any] = json.loads(line)
    try:
        return _KINDS[said["event"]](said)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a report: {line[:200]!r}") from error


_KINDS: dict[str, Callable[[dict[str, Any]], Report]] = {
    "loaded": lambda said: Loaded(said["tool"], said["miniflare"]),
    "bound": lambda said: Bound(
        said["tool"], tuple(Place(each["binding"], each["namespace"], each["location"]) for each in said["places"])
    ),
    "ready": lambda said: Ready(said["tool"], said["miniflare"], dict(said["urls"]), dict(said["cf"]), said["alone"]),
    "missed": lambda said: Missed(said["tool"]),
    "refused": lambda said: Refused(said["tool"], said["miniflare"], said["why"]),
}
