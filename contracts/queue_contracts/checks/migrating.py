"""What a migration does to a namespace: computed from the entries before it, to be held against the entries after it.

For a KV without limits. Out of scope are values that JavaScript takes for false (0, "", false) where a task should be,
ids in the pending list that are neither text nor whole numbers, and the length of a pending list that is none.
"""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from queue_contracts.json_values import Fields, Json, parse_json
from queue_contracts.targets.entries import LIFETIME_S, NEW_LEASE, NEW_TASK, OLD_LEASE, OLD_PENDING, OLD_TASK
from queue_contracts.targets.storage import Entry

LISTED_MAX = 1000
LEASE_S_DEFAULT, LEASE_S_MIN = 300, 60


class Broken(Enum):
    """What stands for a value that is no JSON."""

    VALUE = "not JSON"


@dataclass(frozen=True)
class Held:
    """One key: what its value says, and the second since 1970 at which it ends (None: never)."""

    says: "Json | Broken"
    until_s: float | None


Namespace: TypeAlias = dict[str, Held]


@dataclass(frozen=True)
class Counts:
    """Items of one kind. `ended`: something outside of an item ended it, which is no failure but a line of errors."""

    migrated: int = 0
    failed: int = 0
    ended: bool = False

    @property
    def lines(self) -> int:
        """How many errors are reported."""
        return self.failed + self.ended


@dataclass(frozen=True)
class Migrated:
    """What the run reports, and what is there after it."""

    status: int
    tasks: Counts
    leases: Counts
    needed: bool
    after: Namespace


def held(entries: Sequence[Entry]) -> Namespace:
    """A dump, by key."""
    return {str(entry["key"]): Held(_says(entry), _number(entry.get("expiration"))) for entry in entries}


def migrated(before: Mapping[str, Held], now_s: float) -> Migrated:
    """A run at `now_s`."""
    if OLD_PENDING not in before:
        return Migrated(200, Counts(), Counts(), needed=False, after=dict(before))
    after = dict(before)
    pending = before[OLD_PENDING].says or []
    tasks = _tasks(after, pending, now_s) if isinstance(pending, list | str) else Counts(ended=True)
    leases = _leases(after, now_s)
    return Migrated(207 if tasks.failed + leases.failed else 200, tasks, leases, needed=True, after=after)


def rolled_back(before: Mapping[str, Held]) -> Namespace:
    """One page of new tasks and one of new leases is gone, and nothing else has changed."""
    gone = {*_listed(before, NEW_TASK), *_listed(before, NEW_LEASE)}
    return {key: held for key, held in before.items() if key not in gone}


def status(before: Mapping[str, Held]) -> Fields | None:
    """What `GET /api/migrate/status` counts; None where it cannot, because the pending list is no JSON."""
    pending = before[OLD_PENDING].says if OLD_PENDING in before else None
    if pending is Broken.VALUE:
        return None
    counted = {name: len(_listed(before, prefix)) for name, prefix in _COUNTED.items()}
    return {
        "oldFormatExists": pending is not None,
        "newFormatExists": counted["newTaskCount"] > 0,
        "oldTaskCount": len(pending) if isinstance(pending, list) else 0,
        **counted,
    }


_COUNTED = {"newTaskCount": NEW_TASK, "oldLeaseCount": OLD_LEASE, "newLeaseCount": NEW_LEASE}


def _tasks(after: Namespace, pending: Sequence[object], now_s: float) -> Counts:
    moved = 0
    for task_id in pending:
        old = after.get(f"{OLD_TASK}{task_id}")
        if old is None or old.says is None or old.says is Broken.VALUE:
            continue
        after[f"{NEW_TASK}{task_id}"] = Held(old.says, now_s + LIFETIME_S)
        del after[f"{OLD_TASK}{task_id}"]
        moved += 1
    if moved:
        del after[OLD_PENDING]
    return Counts(moved, len(pending) - moved)


def _leases(after: Namespace, now_s: float) -> Counts:
    moved = failed = 0
    for key in _listed(after, OLD_LEASE):
        old = after[key]
        if old.says is Broken.VALUE:
            failed += 1
        elif old.says is not None:
            until_s = now_s + LEASE_S_DEFAULT if old.until_s is None else max(old.until_s, now_s + LEASE_S_MIN)
            after[NEW_LEASE + key.removeprefix(OLD_LEASE)] = Held(old.says, until_s)
            del after[key]
            moved += 1
    return Counts(moved, failed)


def _listed(namespace: Mapping[str, Held], prefix: str) -> list[str]:
    return sorted((key for key in namespace if key.startswith(prefix)), key=str.encode)[:LISTED_MAX]


def _says(entry: Entry) -> "Json | Broken":
    value = str(entry["value"])
    try:
        text = b64decode(value).decode() if entry.get("base64") else value
        return parse_json(text)
    except ValueError:
        return Broken.VALUE


def _number(given: object) -> float | None:
    return float(given) if isinstance(given, int | float) else None
