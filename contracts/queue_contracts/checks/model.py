"""What the queue's routes do, as plain Python over three dictionaries: every write is seen at once.

No HTTP and no KV in here. Each request's method answers what a deployment must answer, the parts aside that are its own
business: prose, timestamps, names that it makes up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from queue_contracts.json_values import Fields, Json
from queue_contracts.targets.entries import LIFETIME_S

LEASE_S_DEFAULT = 300

T = TypeVar("T")
Task: TypeAlias = Fields


@dataclass(frozen=True)
class Kept(Generic[T]):
    """A value and the second at which KV forgets it."""

    value: T
    until_s: float


@dataclass
class Queue:
    """The state of a queue at `now_s`, which only `pass_time` moves; what has expired is gone."""

    now_s: float = 0.0
    tasks: dict[str, Kept[Task]] = field(default_factory=dict)
    leases: dict[str, Kept[str]] = field(default_factory=dict)  # the holder's id
    results: dict[str, Kept[Fields]] = field(default_factory=dict)

    def enqueue(self, task: Mapping[str, Json]) -> None:
        self.tasks[str(task["id"])] = self._kept({**task, "status": "pending"}, LIFETIME_S)

    def pending(self) -> list[str]:
        """In the order of the bytes of the keys."""
        return sorted(self.tasks, key=lambda task_id: task_id.encode())

    def claim(self, worker_id: str, seconds: int | None) -> str | None:
        """The first task without a lease, which now has one."""
        free = next((task_id for task_id in self.pending() if task_id not in self.leases), None)
        if free is not None:
            self.leases[free] = self._kept(worker_id, LEASE_S_DEFAULT if seconds is None else seconds)
        return free

    def task(self, task_id: str) -> Task | None:
        return _value(self.tasks, task_id)

    def holder(self, task_id: str) -> str | None:
        return _value(self.leases, task_id)

    def renew(self, task_id: str, worker_id: str, seconds: int | None) -> bool:
        """Whether this worker holds the task, for so long from now on."""
        if self.holder(task_id) != worker_id:
            return False
        self.leases[task_id] = self._kept(worker_id, LEASE_S_DEFAULT if seconds is None else seconds)
        return True

    def release(self, task_id: str, worker_id: str | None) -> bool:
        """Whether the task is free now: not if another than the named worker holds it."""
        holder = self.holder(task_id)
        if holder is not None and worker_id is not None and holder != worker_id:
            return False
        self.leases.pop(task_id, None)
        return True

    def mark(self, task_id: str, status: str) -> bool:
        """Whether there is such a task; it then has the status, and another hour."""
        task = self.task(task_id)
        if task is None:
            return False
        self.tasks[task_id] = self._kept({**task, "status": status}, LIFETIME_S)
        return True

    def finish(self, task_id: str, result: Mapping[str, Json]) -> None:
        """The result is kept for an hour; task and lease are gone, if there were any."""
        self.results[task_id] = self._kept(dict(result), LIFETIME_S)
        self.tasks.pop(task_id, None)
        self.leases.pop(task_id, None)

    def result(self, task_id: str) -> Fields | None:
        return _value(self.results, task_id)

    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds
        self.tasks = self._alive(self.tasks)
        self.leases = self._alive(self.leases)
        self.results = self._alive(self.results)

    def next_expiry_s(self) -> float | None:
        """Seconds until something expires; None where nothing is kept."""
        ends = [each.until_s for each in self.tasks.values()]
        ends += [each.until_s for each in self.leases.values()]
        ends += [each.until_s for each in self.results.values()]
        return min(ends) - self.now_s if ends else None

    def _alive(self, kept: Mapping[str, Kept[T]]) -> dict[str, Kept[T]]:
        return {name: each for name, each in kept.items() if each.until_s > self.now_s}

    def _kept(self, value: T, seconds: float) -> Kept[T]:
        return Kept(value, self.now_s + seconds)


def _value(kind: Mapping[str, Kept[T]], name: str) -> T | None:
    return kind[name].value if name in kind else None
