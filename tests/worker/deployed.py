"""The Worker without an HTTP server in front of it, and the namespace without a location in front of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.javascript import ToJson, stringify_json
from queue_emulator.core.options import PutRequest
from queue_emulator.kv.binding import Binding, ListKey
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService
from queue_emulator.worker.answers import Answer
from queue_emulator.worker.auth import ApiKeys
from queue_emulator.worker.fetch import Env, Request, fetch
from queue_emulator.worker.portable import PortableRange
from queue_emulator.worker.rate_limit import RateLimit
from queue_emulator.worker.versions import WorkerVersion

QUEUE_KEY = b"the-queue-key"
ADMIN_KEY = b"the-admin-key"
Parsed: TypeAlias = Any
"""Parsed JSON, of a shape that the test which reads it knows."""

KEYS = ApiKeys(queue_api_key=QUEUE_KEY.decode(), admin_api_key=ADMIN_KEY.decode())


@dataclass
class Worker:
    """A deployed Worker. Each call is one invocation, at SJC unless a location or a binding is given."""

    service: KVService
    clock: MovableClock
    version: WorkerVersion = WorkerVersion.NEW
    keys: ApiKeys = KEYS
    per_minute: int | None = None
    strict: bool = False
    console: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    rate_limit: RateLimit = field(init=False)
    portable: PortableRange = field(init=False)

    def __post_init__(self) -> None:
        self.rate_limit = RateLimit(self.per_minute, self.clock)
        self.portable = PortableRange(strict=self.strict, log=self.log.append)

    async def get(self, path: str, *, at: str | Binding = "SJC") -> tuple[int, Parsed]:
        """Status and JSON of the answer, with the key that opens the path."""
        return parsed(await self.send("GET", path, key=key_for(path), at=at))

    async def post(self, path: str, body: ToJson = None, *, at: str | Binding = "SJC") -> tuple[int, Parsed]:
        """Status and JSON of the answer to `body` as JSON; None is an empty object."""
        content = stringify_json({} if body is None else body).encode()
        return parsed(await self.send("POST", path, content, key=key_for(path), at=at))

    async def send(
        self,
        method: str,
        path: str | bytes,
        content: bytes | None = b"",
        *,
        key: bytes | None = QUEUE_KEY,
        at: str | Binding = "SJC",
    ) -> Answer:
        """Exactly this request; `content` None stands for a body over the size limit."""

        async def read() -> bytes | None:
            return content

        raw = path.encode() if isinstance(path, str) else path
        binding = self.binding(at) if isinstance(at, str) else at
        env = Env(binding, self.keys, self.clock, self.rate_limit, self.portable, self.console.append, self.version)
        return await fetch(Request(method, raw, key, read), env)

    def binding(self, location: str = "SJC") -> Binding:
        return Binding(self.service, location, Invocation(self.service.profile.operations_max))


@dataclass
class Centre:
    """What the namespace really holds. Looks through a new location each time, so that nothing is cached."""

    service: KVService
    looks: int = 0

    async def load(self, values: Mapping[str, ToJson | bytes], *, ttl_s: int | None = 3600) -> None:
        """Write values, bytes as they are and all else as JSON, unseen by any location's cache."""
        expiration_s = None if ttl_s is None else self.service.clock.now_ms() // 1000 + ttl_s
        requests = [
            PutRequest(
                key.encode(), value if isinstance(value, bytes) else stringify_json(value).encode(), expiration_s
            )
            for key, value in values.items()
        ]
        await self.service.load("nowhere", requests)

    async def contents(self, prefix: str = "") -> dict[str, Parsed]:
        """Every live key with its value parsed as JSON; a value that is not JSON as text."""
        binding = self._look()
        return {key.name: _json_or_text(await binding.get(key.name)) for key in await self._keys(binding, prefix)}

    async def keys(self, prefix: str = "") -> list[str]:
        return [key.name for key in await self._keys(self._look(), prefix)]

    async def lifetimes_s(self, prefix: str = "") -> dict[str, int | None]:
        """Every live key with the seconds it still has, None for ever."""
        now_s = self.service.clock.now_ms() // 1000
        keys = await self._keys(self._look(), prefix)
        return {key.name: None if key.expiration is None else key.expiration - now_s for key in keys}

    async def value(self, key: str) -> Parsed:
        return (await self.contents(key)).get(key)

    def _look(self) -> Binding:
        self.looks += 1
        return Binding(self.service, f"look-{self.looks}", Invocation(None))

    async def _keys(self, binding: Binding, prefix: str) -> list[ListKey]:
        page = await binding.list(prefix=prefix)
        keys = [*page.keys]
        while not page.list_complete:
            page = await binding.list(prefix=prefix, cursor=page.cursor)
            keys += page.keys
        return keys


def task(task_id: str, **more: ToJson) -> dict[str, Parsed]:
    """A pending task as a webhook would have put it in."""
    return {
        "id": task_id,
        "type": "task",
        "source": "github-webhook",
        "content": f"Do {task_id}",
        "priority": "medium",
        "metadata": {"repository": "octo-shop/storefront"},
        "queuedAt": "2026-11-23T11:59:00.000Z",
        "status": "pending",
        **more,
    }


def lease(worker_id: str, **more: ToJson) -> dict[str, Parsed]:
    """A lease taken at the hour at which the tests' clock stands, for 300 s."""
    return {
        "workerId": worker_id,
        "claimedAt": "2026-11-23T12:00:00.000Z",
        "expiresAt": "2026-11-23T12:05:00.000Z",
        **more,
    }


def key_for(path: str) -> bytes:
    return ADMIN_KEY if path.startswith("/api/migrate") else QUEUE_KEY


def parsed(answer: Answer) -> tuple[int, Parsed]:
    """Status and body; every JSON answer says that it is one."""
    assert answer.content_type == "application/json"
    return answer.status, json.loads(answer.content)


def _json_or_text(text: str | None) -> Parsed:
    assert text is not None
    try:
        return json.loads(text)
    except ValueError:
        return text
