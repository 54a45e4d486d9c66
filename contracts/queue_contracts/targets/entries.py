"""Entries for a seed, as `wrangler kv bulk put` takes them: tasks, leases and results in either key format."""

import json

from queue_contracts.json_values import Fields, Json, parse_json
from queue_contracts.targets.key_names import NEW_LEASE as NEW_LEASE
from queue_contracts.targets.key_names import NEW_TASK as NEW_TASK
from queue_contracts.targets.key_names import OLD_LEASE as OLD_LEASE
from queue_contracts.targets.key_names import OLD_PENDING as OLD_PENDING
from queue_contracts.targets.key_names import OLD_TASK as OLD_TASK
from queue_contracts.targets.key_names import RESULT as RESULT
from queue_contracts.targets.storage import Entry

LIFETIME_S = 3600
OUTCOME: Fields = {"success": True, "output": {"affected": 31}}


def entry(key: str, value: Json, ttl_s: int = LIFETIME_S) -> Entry:
    """One entry; a string is the value itself, anything else its JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return {"key": key, "value": text, "expiration_ttl": ttl_s}


def task(task_id: str, **fields: Json) -> Fields:
    """A healthy task as the Worker stores it."""
    return {
        "id": task_id,
        "type": "task",
        "source": "github-webhook",
        "content": f"Work on {task_id}",
        "priority": "high",
        "metadata": {"repository": "octo-shop/storefront", "labels": ["bug"]},
        "queuedAt": "2026-11-20T09:00:00.118Z",
        "status": "pending",
        **fields,
    }


def lease(worker_id: str) -> Fields:
    """A lease as the Worker stores it; when it ends is the business of its entry, not of `expiresAt`."""
    return {
        "workerId": worker_id,
        "claimedAt": "2026-11-20T09:05:30.000Z",
        "expiresAt": "2026-11-20T09:10:30.000Z",
    }


def new_task(task_id: str, **fields: Json) -> Entry:
    return entry(NEW_TASK + task_id, task(task_id, **fields))


def new_lease(task_id: str, worker_id: str, ttl_s: int = 300) -> Entry:
    return entry(NEW_LEASE + task_id, lease(worker_id), ttl_s)


def old_task(task_id: str) -> Entry:
    return entry(OLD_TASK + task_id, task(task_id))


def old_lease(task_id: str, worker_id: str, ttl_s: int = 300) -> Entry:
    return entry(OLD_LEASE + task_id, lease(worker_id), ttl_s)


def old_pending(*task_ids: Json) -> Entry:
    return entry(OLD_PENDING, list(task_ids))


def ids_in(pending: Entry) -> list[str]:
    """The ids in an entry of the old format's list; none where it is no list."""
    listed = parse_json(str(pending["value"]))
    return [str(each) for each in listed] if isinstance(listed, list) else []


def result(task_id: str) -> Entry:
    return entry(RESULT + task_id, OUTCOME)
