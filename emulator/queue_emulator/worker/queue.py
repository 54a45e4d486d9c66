"""The queue's routes: list, claim, release, renew, read, status and result, KV call by KV call.

The same algorithms serve every format. They are the deployed Worker's, races and all: nothing here is mended.
"""

from collections.abc import Mapping

from queue_emulator.core.clock import Clock, iso_8601
from queue_emulator.core.errors import KVError
from queue_emulator.core.javascript import Json, ToJson, spread, to_string, truthy
from queue_emulator.kv.binding import Binding
from queue_emulator.worker.answers import Answer, error_answer, json_answer, stored_answer
from queue_emulator.worker.bodies import Body, lease_seconds
from queue_emulator.worker.formats import Format, get_result

TOO_LARGE = 413
NOTHING_FREE = "No tasks available or all tasks are leased"


async def list_pending(tasks: Format) -> Answer:
    """GET /api/queue: one page, so at most 1,000 ids."""
    pending = await tasks.ids()
    return json_answer(200, {"pending": pending, "count": len(pending)})


async def claim(tasks: Format, clock: Clock, body: Body) -> Answer:
    """POST /api/queue/claim: the first task without a lease, by a lease written and read back.

    It answers the lease that it wrote, not the one that it read.
    """
    worker_id = body.get("workerId") or f"worker_{clock.now_ms()}"
    lease_s = lease_seconds(body.get("leaseDurationSec"))
    for task_id in map(to_string, await tasks.ids()):
        if await tasks.has_lease(task_id):
            continue
        lease = _new_lease(clock, worker_id, lease_s)
        await tasks.put_lease(task_id, lease, lease_s)
        if _holder(await tasks.lease(task_id)) != worker_id:
            continue
        task = await tasks.task(task_id)
        if truthy(task):
            return await stored_answer(200, {"success": True, "taskId": task_id, "task": task, "lease": lease})
        await tasks.delete_lease(task_id)
    return json_answer(200, {"success": False, "message": NOTHING_FREE, "pending": 0})


async def get_task(tasks: Format, task_id: str) -> Answer:
    """GET /api/queue/{id}."""
    task = await tasks.task(task_id)
    return await stored_answer(200, task) if truthy(task) else error_answer(404, "Task not found")


async def release(tasks: Format, task_id: str, body: Body) -> Answer:
    """POST /api/queue/{id}/release: anybody may who names no workerId."""
    lease = await tasks.lease(task_id)
    if not truthy(lease):
        return json_answer(200, {"success": True, "message": "No active lease"})
    if body.get("workerId") and _holder(lease) != body["workerId"]:
        return error_answer(403, "Not lease holder")
    await tasks.delete_lease(task_id)
    return json_answer(200, {"success": True})


async def renew(tasks: Format, clock: Clock, task_id: str, body: Body) -> Answer:
    """POST /api/queue/{id}/renew: the holder's lease, from now on for `extendSec`."""
    extend_s = lease_seconds(body.get("extendSec"))
    lease = await tasks.lease(task_id)
    if not truthy(lease) or _holder(lease) != body["workerId"]:
        return error_answer(403, "Invalid lease or not holder")
    now_ms = clock.now_ms()
    renewed = {**spread(lease), "expiresAt": iso_8601(now_ms + extend_s * 1000), "renewedAt": iso_8601(now_ms)}
    await tasks.put_lease(task_id, renewed, extend_s)
    return await stored_answer(200, {"success": True, "lease": renewed})


async def set_status(tasks: Format, clock: Clock, task_id: str, body: Body) -> Answer:
    """POST /api/queue/{id}/status: read, change, write back with a new lifetime."""
    task = await tasks.task(task_id)
    if not truthy(task):
        return error_answer(404, "Task not found")
    changed = {**spread(task), "status": body["status"], "updatedAt": iso_8601(clock.now_ms())}
    await tasks.put_task(task_id, changed)
    return await stored_answer(200, {"success": True, "status": body["status"]})


async def store_result(tasks: Format, task_id: str, result: Mapping[str, ToJson]) -> Answer:
    """POST /api/result/{id}: whether or not there is such a task. One that KV finds too large is refused."""
    try:
        await tasks.finish(task_id, result)
    except KVError as error:
        if error.status != TOO_LARGE:
            raise
        return error_answer(TOO_LARGE, error.reason)
    return json_answer(200, {"success": True})


async def read_result(cache: Binding, task_id: str) -> Answer:
    """GET /api/result/{id}."""
    result = await get_result(cache, task_id)
    return await stored_answer(200, result) if truthy(result) else error_answer(404, "Result not found")


def _new_lease(clock: Clock, worker_id: ToJson, lease_s: int) -> dict[str, ToJson]:
    now_ms = clock.now_ms()
    return {
        "workerId": worker_id,
        "claimedAt": iso_8601(now_ms),
        "expiresAt": iso_8601(now_ms + lease_s * 1000),
    }


def _holder(lease: Json) -> Json:
    return lease.get("workerId") if isinstance(lease, dict) else None
