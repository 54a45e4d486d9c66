"""Where tasks, leases and results lie in KV, and the new format's way to each of them."""

from dataclasses import dataclass
from typing import Protocol

from queue_emulator.core.javascript import Json, ToJson, to_string
from queue_emulator.kv.binding import Binding
from queue_emulator.worker.answers import stringified

TASK_PREFIX = "queue:task:"
LEASE_PREFIX = "queue:lease:"
RESULT_PREFIX = "orchestrator:result:"
OLD_PENDING_KEY = "orchestrator:pending"
OLD_TASK_PREFIX = "orchestrator:queue:"
OLD_LEASE_PREFIX = "orchestrator:lease:"

TASK_TTL_S = 3600  # also of the old pending list and of results

LONGEST_PREFIX = max((TASK_PREFIX, LEASE_PREFIX, RESULT_PREFIX, OLD_TASK_PREFIX, OLD_LEASE_PREFIX), key=len)


class Format(Protocol):
    """One layout of the queue in KV. Each method makes the KV calls of the Worker's own code, in its order."""

    async def ids(self) -> list[Json]:
        """The ids of the tasks that wait, in the order in which a claim tries them."""
        ...

    async def task(self, task_id: str) -> Json:
        """The task's value, or None."""
        ...

    async def put_task(self, task_id: str, task: ToJson) -> None:
        """Write the task with its whole lifetime."""
        ...

    async def has_lease(self, task_id: str) -> bool:
        """Whether a lease is there, by its text: any but the empty one counts, `null` too."""
        ...

    async def lease(self, task_id: str) -> Json:
        """The lease's value, or None."""
        ...

    async def put_lease(self, task_id: str, lease: ToJson, ttl_s: int) -> None:
        """Write the lease to live for `ttl_s` seconds."""
        ...

    async def delete_lease(self, task_id: str) -> None:
        """Forget the lease."""
        ...

    async def enqueue(self, task_id: str, task: ToJson) -> None:
        """Add a task to the queue."""
        ...

    async def finish(self, task_id: str, result: ToJson) -> None:
        """Store the result and take the task off the queue."""
        ...


@dataclass(frozen=True, slots=True)
class NewFormat:
    """A key a task, found by listing a prefix. No pending list, one page of the list."""

    cache: Binding

    async def ids(self) -> list[Json]:
        page = await self.cache.list(prefix=TASK_PREFIX)
        return [key.name.removeprefix(TASK_PREFIX) for key in page.keys]

    async def task(self, task_id: str) -> Json:
        return await self.cache.get(TASK_PREFIX + task_id, "json")

    async def put_task(self, task_id: str, task: ToJson) -> None:
        await put_json(self.cache, TASK_PREFIX + task_id, task, TASK_TTL_S)

    async def has_lease(self, task_id: str) -> bool:
        return bool(await self.cache.get(LEASE_PREFIX + task_id))

    async def lease(self, task_id: str) -> Json:
        return await self.cache.get(LEASE_PREFIX + task_id, "json")

    async def put_lease(self, task_id: str, lease: ToJson, ttl_s: int) -> None:
        await put_json(self.cache, LEASE_PREFIX + task_id, lease, ttl_s)

    async def delete_lease(self, task_id: str) -> None:
        await self.cache.delete(LEASE_PREFIX + task_id)

    async def enqueue(self, task_id: str, task: ToJson) -> None:
        await self.put_task(task_id, task)

    async def finish(self, task_id: str, result: ToJson) -> None:
        await put_result(self.cache, task_id, result)
        await self.cache.delete(TASK_PREFIX + task_id)
        await self.cache.delete(LEASE_PREFIX + task_id)


async def put_json(cache: Binding, key: str, value: ToJson, ttl_s: int) -> None:
    """`cache.put(key, JSON.stringify(value), {expirationTtl})`."""
    await cache.put(key, await stringified(value), expiration_ttl=ttl_s)


async def put_result(cache: Binding, task_id: str, result: ToJson) -> None:
    """Results lie under the same key in every format."""
    await put_json(cache, RESULT_PREFIX + task_id, result, TASK_TTL_S)


async def get_result(cache: Binding, task_id: str) -> Json:
    """The stored result, or None."""
    return await cache.get(RESULT_PREFIX + task_id, "json")


def key_of(prefix: str, task_id: Json) -> str:
    """`${prefix}${id}`: an id that is not a string becomes one as in a template literal."""
    return prefix + to_string(task_id)
