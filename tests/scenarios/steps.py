"""What a scenario is made of, as data: a deployment of the Worker, what lies in KV, requests, and time that passes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from queue_emulator.core.javascript import Json, stringify_json
from queue_emulator.testing import Version
from tests.conftest import FIXTURES

QUEUE_KEY = "the-queue-key"
ADMIN_KEY = "the-admin-key"
ASSISTANT_KEY = "the-assistant-key"
_OF_THE_PATH = "the key that opens the path"

Entry = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Deployment:
    """How the Worker is deployed: its version, and its secrets by the name of the variable."""

    version: Version = "new"
    keys: tuple[tuple[str, str], ...] = (("QUEUE_API_KEY", QUEUE_KEY), ("ADMIN_API_KEY", ADMIN_KEY))


@dataclass(frozen=True, slots=True)
class Seed:
    """Entries that are written to KV, in the form of `wrangler kv bulk put`."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Advance:
    """Time passes. Only for targets whose clock can be moved."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Request:
    """One request and the status that it must be answered with.

    path      exactly as sent, in ASCII
    headers   X-API-Key among them
    escaped   the Worker's own code throws: what the runtime then says beside the status is its own
    """

    method: str
    path: str
    status: int
    content: bytes = b""
    headers: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)
    escaped: bool = field(default=False, kw_only=True)


Step = Seed | Advance | Request


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """Steps on an empty namespace. The name is a sentence about what they show."""

    name: str
    steps: tuple[Step, ...]
    deployment: Deployment = Deployment()

    @property
    def moves_time(self) -> bool:
        return any(isinstance(step, Advance) for step in self.steps)

    def sent(self) -> Iterator[str]:
        """Every text that the scenario itself brings in."""
        for step in self.steps:
            if isinstance(step, Seed):
                yield from (str(entry["value"]) for entry in step.entries)
            elif isinstance(step, Request):
                yield step.content.decode("utf-8", "replace")


def scenario(name: str, *steps: Step, version: Version = "new", keys: Mapping[str, str] | None = None) -> Scenario:
    """A scenario of these steps; `keys` replaces the secrets of the deployment."""
    deployment = Deployment(version)
    return Scenario(name, steps, deployment if keys is None else replace(deployment, keys=tuple(keys.items())))


def get(path: str, status: int = 200, *, key: str | None = _OF_THE_PATH) -> Request:
    return send("GET", path, status, key=key)


def post(path: str, body: Json | bytes = None, status: int = 200, *, key: str | None = _OF_THE_PATH) -> Request:
    """POST of `body` as JSON, bytes as they are; None is an empty object."""
    content = body if isinstance(body, bytes) else stringify_json({} if body is None else body).encode()
    return send("POST", path, status, content, key=key)


def send(method: str, path: str, status: int, content: bytes = b"", *, key: str | None = _OF_THE_PATH) -> Request:
    """Exactly this request, with the key that opens the path, or another, or none."""
    if key == _OF_THE_PATH:
        key = ADMIN_KEY if path.startswith("/api/migrate") else QUEUE_KEY
    return Request(method, path, status, content, headers=() if key is None else (("X-API-Key", key),))


def escapes(request: Request) -> Request:
    """The request makes the Worker's own code throw."""
    return replace(request, status=500, escaped=True)


def seed(values: Mapping[str, Json | bytes], *, ttl_s: int = 3600) -> Seed:
    """Values by key, as JSON, bytes as they are."""
    return Seed(tuple(_entry(key, value, ttl_s) for key, value in values.items()))


def fixture(name: str) -> Seed:
    """A file of `fixtures/old-format`."""
    return Seed(tuple(json.loads((FIXTURES / "old-format" / f"{name}.json").read_bytes())))


def _entry(key: str, value: Json | bytes, ttl_s: int) -> Entry:
    text = value.decode() if isinstance(value, bytes) else stringify_json(value)
    return {"key": key, "value": text, "expiration_ttl": ttl_s}
