"""What targets are loaded with, as the JSON of a bulk put."""

import json
from typing import Any

Entry = dict[str, Any]

TASKS = "queue:task:"
_TASK_TTL_S, _LEASE_TTL_S = 3600, 600
_CONTENT = "x" * 300  # about what a webhook's text comes to


def tasks(count: int) -> bytes:
    return _bulk([_task(TASKS, number) for number in range(count)])


def leased_but_last(count: int) -> bytes:
    """So many leased tasks, and behind them one that is free."""
    listed = [_task(TASKS, number) for number in range(count + 1)]
    return _bulk([*listed, *(_lease("queue:lease:", number) for number in range(count))])


def old_tasks(count: int) -> bytes:
    return _bulk([_old_pending(count), *(_task("orchestrator:queue:", number) for number in range(count))])


def old_leased_but_last(count: int) -> bytes:
    """As `leased_but_last`, in the old format."""
    listed = [_task("orchestrator:queue:", number) for number in range(count + 1)]
    leases = (_lease("orchestrator:lease:", number) for number in range(count))
    return _bulk([_old_pending(count + 1), *listed, *leases])


def task_id(number: int) -> str:
    """In the order of the numbers, which is the order of the keys."""
    return f"task-{number:07d}"


def _old_pending(count: int) -> Entry:
    return _entry("orchestrator:pending", [task_id(number) for number in range(count)], _TASK_TTL_S)


def _task(prefix: str, number: int) -> Entry:
    task = {
        "id": task_id(number),
        "type": "task",
        "source": "bench",
        "content": _CONTENT,
        "priority": "medium",
        "metadata": {},
        "queuedAt": "2026-11-23T12:00:00.000Z",
        "status": "pending",
    }
    return _entry(prefix + task_id(number), task, _TASK_TTL_S)


def _lease(prefix: str, number: int) -> Entry:
    lease = {
        "workerId": "someone-else",
        "claimedAt": "2026-11-23T12:00:00.000Z",
        "expiresAt": "2026-11-23T12:10:00.000Z",
    }
    return _entry(prefix + task_id(number), lease, _LEASE_TTL_S)


def _entry(key: str, value: Any, ttl_s: int) -> Entry:
    return {"key": key, "value": json.dumps(value, separators=(",", ":")), "expiration_ttl": ttl_s}


def _bulk(entries: list[Entry]) -> bytes:
    return json.dumps(entries).encode()
