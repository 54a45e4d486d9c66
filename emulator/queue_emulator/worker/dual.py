"""Both formats at once, for the time of a migration: reads new, then old; writes new; a result ends both."""

from dataclasses import dataclass

from queue_emulator.core.javascript import Json, ToJson, to_string, truthy
from queue_emulator.kv.binding import Binding
from queue_emulator.worker.formats import Format, NewFormat
from queue_emulator.worker.legacy import OldFormat, remove_task
from queue_emulator.worker.versions import WorkerVersion


@dataclass(frozen=True, slots=True)
class DualFormat:
    """The queue of a Worker deployed with both formats supported."""

    cache: Binding

    async def ids(self) -> list[Json]:
        new, old = await self._new.ids(), await self._old.ids()
        listed = {to_string(task_id) for task_id in new}
        return new + [task_id for task_id in old if to_string(task_id) not in listed]

    async def task(self, task_id: str) -> Json:
        task = await self._new.task(task_id)
        return task if truthy(task) else await self._old.task(task_id)

    async def put_task(self, task_id: str, task: ToJson) -> None:
        await self._new.put_task(task_id, task)

    async def has_lease(self, task_id: str) -> bool:
        return await self._new.has_lease(task_id) or await self._old.has_lease(task_id)

    async def lease(self, task_id: str) -> Json:
        lease = await self._new.lease(task_id)
        return lease if truthy(lease) else await self._old.lease(task_id)

    async def put_lease(self, task_id: str, lease: ToJson, ttl_s: int) -> None:
        await self._new.put_lease(task_id, lease, ttl_s)

    async def delete_lease(self, task_id: str) -> None:
        await self._new.delete_lease(task_id)
        await self._old.delete_lease(task_id)

    async def enqueue(self, task_id: str, task: ToJson) -> None:
        await self._new.enqueue(task_id, task)

    async def finish(self, task_id: str, result: ToJson) -> None:
        await self._new.finish(task_id, result)
        await remove_task(self.cache, task_id, only_if_listed=True)
        await self._old.delete_lease(task_id)

    @property
    def _new(self) -> NewFormat:
        return NewFormat(self.cache)

    @property
    def _old(self) -> OldFormat:
        return OldFormat(self.cache)


def queue_format(version: WorkerVersion, cache: Binding) -> Format:
    """The layout of the queue that a version reads and writes."""
    if version is WorkerVersion.OLD:
        return OldFormat(cache)
    return DualFormat(cache) if version is WorkerVersion.DUAL else NewFormat(cache)
