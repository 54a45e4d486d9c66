"""CommHub: the adapter through which webhooks and the orchestrator use the queue, in either format."""

from collections.abc import Mapping
from dataclasses import dataclass

from queue_emulator.core.clock import Clock, iso_8601
from queue_emulator.core.javascript import Json, ToJson
from queue_emulator.worker.formats import Format


@dataclass(frozen=True, slots=True)
class CommHub:
    """`sendViaKVQueue` and its companions over one format of the queue."""

    tasks: Format
    clock: Clock

    async def send(self, request: Mapping[str, ToJson]) -> dict[str, ToJson]:
        """Enqueue a request that has an `id`; returns the task as it was written."""
        task_id = request["id"]
        assert isinstance(task_id, str)
        task: dict[str, ToJson] = {**request, "queuedAt": iso_8601(self.clock.now_ms()), "status": "pending"}
        await self.tasks.enqueue(task_id, task)
        return task

    async def pending_requests(self) -> list[Json]:
        return await self.tasks.ids()

    async def request(self, request_id: str) -> Json:
        return await self.tasks.task(request_id)

    async def store_result(self, request_id: str, result: ToJson) -> None:
        await self.tasks.finish(request_id, result)
