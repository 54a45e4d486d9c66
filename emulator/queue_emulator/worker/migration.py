"""The migration's routes: status, run and rollback, with every hazard of the deployed Worker.

A run has two kinds of items, tasks and leases. What throws inside one item fails that item and stops no other. What
throws outside of an item ends its kind, fails nothing, and the other kind is still run.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from queue_emulator.core.clock import Clock
from queue_emulator.core.errors import JavaScriptError, KVTypeError
from queue_emulator.core.javascript import Json, ToJson, truthy, utf16_length
from queue_emulator.core.limits import TTL_S_MIN
from queue_emulator.kv.binding import Binding, ListKey
from queue_emulator.worker.answers import Answer, json_answer
from queue_emulator.worker.formats import (
    LEASE_PREFIX,
    OLD_LEASE_PREFIX,
    OLD_PENDING_KEY,
    OLD_TASK_PREFIX,
    TASK_PREFIX,
    TASK_TTL_S,
    key_of,
    put_json,
)

NOT_NEEDED = "Migration not needed - already using new format"
LEASE_TTL_S_DEFAULT = 300  # of a lease that has no end

Console = Callable[[str], None]
"""Where the Worker writes its `console.error` lines."""


@dataclass(slots=True)
class Report:
    """What became of the items of one kind."""

    migrated: int = 0
    failed: int = 0
    errors: list[str] = field(default_factory=list)

    def fail(self, error: str) -> None:
        self.failed += 1
        self.errors.append(error)

    def end(self, error: JavaScriptError) -> None:
        """Outside of an item: the counts stay as they are."""
        self.errors.append(f"Fatal: {_as_text(error)}")

    def as_json(self) -> dict[str, Json]:
        return {"migrated": self.migrated, "failed": self.failed, "errors": [*self.errors]}


async def status(cache: Binding, console: Console) -> Answer:
    """GET /api/migrate/status: counts of one list page each, so at most 1,000.

    A pending list of `null` is none here, though a run takes its text for one: the Worker's two checks disagree.
    """
    return await _answer(_status(cache), "Failed to get migration status", console)


async def run(cache: Binding, clock: Clock, console: Console) -> Answer:
    """POST /api/migrate/run: needed only while the pending list exists, whatever its text says."""
    return await _answer(_run(cache, clock), "Migration failed", console)


async def rollback(cache: Binding, console: Console) -> Answer:
    """POST /api/migrate/rollback: deletes one page of new tasks and of new leases, and restores nothing."""
    return await _answer(_rollback(cache), "Rollback failed", console)


async def _answer(work: Awaitable[Answer], failure: str, console: Console) -> Answer:
    try:
        return await work
    except JavaScriptError as error:
        console(f"{failure}: {_as_text(error)}")
        return json_answer(500, {"success": False, "error": failure})


async def _status(cache: Binding) -> Answer:
    pending = await cache.get(OLD_PENDING_KEY, "json")
    needed = pending is not None
    new_tasks = await cache.list(prefix=TASK_PREFIX)
    old_leases = await cache.list(prefix=OLD_LEASE_PREFIX)
    new_leases = await cache.list(prefix=LEASE_PREFIX)
    counts = {
        "oldFormatExists": needed,
        "newFormatExists": len(new_tasks.keys) > 0,
        "oldTaskCount": _length(pending),
        "newTaskCount": len(new_tasks.keys),
        "oldLeaseCount": len(old_leases.keys),
        "newLeaseCount": len(new_leases.keys),
    }
    recommendation = "Run migration to move to new format" if needed else "Already using new format"
    return json_answer(
        200, {"success": True, "status": counts, "needsMigration": needed, "recommendation": recommendation}
    )


async def _run(cache: Binding, clock: Clock) -> Answer:
    if await cache.get(OLD_PENDING_KEY) is None:
        nothing = Report().as_json()
        return json_answer(200, {"success": True, "message": NOT_NEEDED, "tasks": nothing, "leases": nothing})
    tasks = await _kind(partial(_migrate_tasks, cache))
    leases = await _kind(partial(_migrate_leases, cache, clock))
    failed = tasks.failed + leases.failed
    body: dict[str, ToJson] = {
        "success": failed == 0,
        "message": f"Migration completed with {failed} failures" if failed else "Migration completed successfully",
        "tasks": tasks.as_json(),
        "leases": leases.as_json(),
        "totalMigrated": tasks.migrated + leases.migrated,
        "totalFailed": failed,
        "errors": tasks.errors + leases.errors,
    }
    return json_answer(207 if failed else 200, body)


async def _rollback(cache: Binding) -> Answer:
    tasks = await cache.list(prefix=TASK_PREFIX)
    leases = await cache.list(prefix=LEASE_PREFIX)
    listed = [*tasks.keys, *leases.keys]
    for key in listed:
        await cache.delete(key.name)
    body: dict[str, ToJson] = {
        "success": True,
        "message": f"Rollback complete - deleted {len(listed)} new format keys",
        "deleted": len(listed),
        "note": "Old format keys remain intact if they still exist",
    }
    return json_answer(200, body)


async def _kind(move_all: Callable[[Report], Awaitable[None]]) -> Report:
    report = Report()
    try:
        await move_all(report)
    except JavaScriptError as error:
        report.end(error)
    return report


async def _migrate_tasks(cache: Binding, report: Report) -> None:
    for task_id in _each(await cache.get(OLD_PENDING_KEY, "json")):
        await _one(report, f"Task {key_of('', task_id)}", partial(_migrate_task, cache, task_id))
    if report.migrated:
        await cache.delete(OLD_PENDING_KEY)


async def _migrate_leases(cache: Binding, clock: Clock, report: Report) -> None:
    for key in (await cache.list(prefix=OLD_LEASE_PREFIX)).keys:
        await _one(report, f"Lease {key.name}", partial(_migrate_lease, cache, clock, key))


async def _one(report: Report, item: str, move: Callable[[], Awaitable[str | None]]) -> None:
    """Move one item; `move` says why it could not, "" if there was nothing to move, None if it did."""
    try:
        why = await move()
    except JavaScriptError as error:
        why = _as_text(error)
    if why is None:
        report.migrated += 1
    elif why:
        report.fail(f"{item}: {why}")


async def _migrate_task(cache: Binding, task_id: Json) -> str | None:
    old_key, new_key = key_of(OLD_TASK_PREFIX, task_id), key_of(TASK_PREFIX, task_id)
    task = await cache.get(old_key, "json")
    if not truthy(task):
        return "not found in old queue"
    await put_json(cache, new_key, task, TASK_TTL_S)
    if not await cache.get(new_key):
        raise JavaScriptError("Failed to verify new key write")
    await cache.delete(old_key)
    return None


async def _migrate_lease(cache: Binding, clock: Clock, key: ListKey) -> str | None:
    lease = await cache.get(key.name, "json")
    if not truthy(lease):
        return ""
    remaining_s = LEASE_TTL_S_DEFAULT
    if key.expiration is not None:
        remaining_s = max(key.expiration - clock.now_ms() // 1000, TTL_S_MIN)
    new_key = LEASE_PREFIX + key.name.removeprefix(OLD_LEASE_PREFIX)
    await put_json(cache, new_key, lease, remaining_s)
    if not await cache.get(new_key):
        raise JavaScriptError("Failed to verify new lease key write")
    await cache.delete(key.name)
    return None


def _each(pending: Json) -> Iterable[Json]:
    """What `for (const id of pending || [])` walks: a text by its characters; raises KVTypeError for what it cannot."""
    if not truthy(pending):
        return ()
    if isinstance(pending, (list, str)):
        return pending
    raise KVTypeError("pending is not iterable")


def _length(pending: Json) -> Json:
    """`pending?.length || 0`."""
    if isinstance(pending, str):
        return utf16_length(pending)
    length = pending.get("length") if isinstance(pending, dict) else len(pending) if isinstance(pending, list) else 0
    return length if truthy(length) else 0


def _as_text(error: JavaScriptError) -> str:
    """`${error}`."""
    return f"{error.name}: {error}" if str(error) else error.name
