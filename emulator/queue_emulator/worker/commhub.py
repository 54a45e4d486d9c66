"""CommHub: the adapter through which webhooks and the orchestrator use the queue, in either format."""

from dataclasses import dataclass

from queue_emulator.core.clock import Clock, iso_8601
from queue_emulator.core.javascript import Json
from queue_emulator.worker.formats import Format


@dataclass(frozen=True, slots=True)
class CommHub:
    """`sendViaKVQueue` and its companions over one format of the queue."""

    tasks: Format
    clock: Clock

    async def send(self, request: dict[str, Json]) -> dict[str, Json]:
        """Enqueue a request that has an `id`; returns the task as it was written."""
        task = {**request, "queuedAt": iso_8601(self.clock.now_ms()), "status": "pending"}
        await self.tasks.enqueue(request["id"], task)
        return task

    async def pending_requests(self) -> list[Json]:
        return await self.tasks.ids()

    async def request(self, request_id: str) -> Json:
        return await self.tasks.task(request_id)

    async def store_result(self, request_id: str, result: Json) -> None:
        await self.tasks.finish(request_id, result)
