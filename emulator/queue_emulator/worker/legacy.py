"""The old format: one pending list under one key, rewritten by every enqueue and every result."""

from dataclasses import dataclass

from queue_emulator.core.errors import KVTypeError
from queue_emulator.core.javascript import Json, ToJson, truthy
from queue_emulator.kv.binding import Binding
from queue_emulator.worker.formats import (
    OLD_LEASE_PREFIX,
    OLD_PENDING_KEY,
    OLD_TASK_PREFIX,
    TASK_TTL_S,
    put_json,
    put_result,
)


@dataclass(frozen=True, slots=True)
class OldFormat:
    """The queue as the Worker kept it before the migration."""

    cache: Binding

    async def ids(self) -> list[Json]:
        return await pending_list(self.cache)

    async def task(self, task_id: str) -> Json:
        return await self.cache.get(OLD_TASK_PREFIX + task_id, "json")

    async def put_task(self, task_id: str, task: ToJson) -> None:
        await put_json(self.cache, OLD_TASK_PREFIX + task_id, task, TASK_TTL_S)

    async def has_lease(self, task_id: str) -> bool:
        return bool(await self.cache.get(OLD_LEASE_PREFIX + task_id))

    async def lease(self, task_id: str) -> Json:
        return await self.cache.get(OLD_LEASE_PREFIX + task_id, "json")

    async def put_lease(self, task_id: str, lease: ToJson, ttl_s: int) -> None:
        await put_json(self.cache, OLD_LEASE_PREFIX + task_id, lease, ttl_s)

    async def delete_lease(self, task_id: str) -> None:
        await self.cache.delete(OLD_LEASE_PREFIX + task_id)

    async def enqueue(self, task_id: str, task: ToJson) -> None:
        """Write the task, then read, append and write back the pending list: two at once lose one."""
        await self.put_task(task_id, task)
        pending = await self.ids()
        await put_json(self.cache, OLD_PENDING_KEY, [*pending, task_id], TASK_TTL_S)

    async def finish(self, task_id: str, result: ToJson) -> None:
        await put_result(self.cache, task_id, result)
        await remove_task(self.cache, task_id)


async def pending_list(cache: Binding) -> list[Json]:
    """`await kv.get("orchestrator:pending", "json") || []`; raises KVTypeError for what is then no list."""
    pending = await cache.get(OLD_PENDING_KEY, "json")
    if not truthy(pending):
        return []
    if not isinstance(pending, list):
        raise KVTypeError(f"{OLD_PENDING_KEY} holds {_kind(pending)}, not a list of ids")
    return pending


async def remove_task(cache: Binding, task_id: str, *, only_if_listed: bool = False) -> None:
    """Read, filter and write back the pending list, then delete the task. The lease is left to expire.

    The old Worker writes the list back whether or not it named the task, and so brings it into being.
    """
    pending = await pending_list(cache)
    left = [listed for listed in pending if listed != task_id]
    if len(left) < len(pending) or not only_if_listed:
        await put_json(cache, OLD_PENDING_KEY, left, TASK_TTL_S)
    await cache.delete(OLD_TASK_PREFIX + task_id)


def _kind(value: Json) -> str:
    return {dict: "an object", str: "a string", bool: "a boolean"}.get(type(value), "a number")
