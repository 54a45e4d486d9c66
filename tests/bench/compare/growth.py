"""The old format against the new: KV operations, bytes of values and time, as the queue grows.

The Worker's own algorithms over an emulated KV in a file, in this process, so that no HTTP hides what grows.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from queue_emulator.core.bulk import parse_bulk
from queue_emulator.core.clock import SystemClock
from queue_emulator.core.profiles import LOCAL
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService
from queue_emulator.kv.sqlite import SqliteStore
from queue_emulator.worker import queue
from queue_emulator.worker.commhub import CommHub
from queue_emulator.worker.dual import queue_format
from queue_emulator.worker.versions import WorkerVersion
from tests.bench.compare import data
from tests.bench.compare.samples import Samples, exponent

CLAIMED = {  # of the old format and of the new, by whoever moved the queue from one to the other
    "Add Task": ("O(n) + contention", "O(1)"),
    "Remove Task": ("O(n) + contention", "O(1)"),
    "List Tasks": ("O(1)", "O(n)"),
    "Claim Task": ("O(n)", "O(n)"),
}
VERSIONS = (WorkerVersion.OLD, WorkerVersion.NEW)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one operation in a queue of `size` tasks."""

    size: int
    operations: int
    value_bytes: int
    time: Samples


@dataclass(frozen=True, slots=True)
class Growth:
    """One operation in one format, at every size."""

    operation: str
    version: WorkerVersion
    claimed: str
    costs: Sequence[Cost]

    def exponent(self, cost: Callable[[Cost], float]) -> float:
        """k of the size**k that fits best."""
        return exponent([each.size for each in self.costs], [max(cost(each), 1) for each in self.costs])


def take_growth(sizes: Sequence[int], rounds: int, folder: Path) -> list[Growth]:
    """Sizes and formats take turns, round by round."""
    folder.mkdir(parents=True)
    return asyncio.run(_take(sizes, rounds, folder))


_Case = tuple[str, WorkerVersion, int]


@dataclass(frozen=True, slots=True)
class _Subject:
    """One operation on a queue of its own; `undo` is not timed, and nothing that it leaves changes the next."""

    service: KVService
    do: Callable[[], Awaitable[object]]
    undo: Callable[[], Awaitable[object]]


async def _take(sizes: Sequence[int], rounds: int, folder: Path) -> list[Growth]:
    cases = [(operation, version, size) for operation in CLAIMED for version in VERSIONS for size in sizes]
    subjects = {case: await _prepared(*case, folder / str(number)) for number, case in enumerate(cases)}
    spent_us: dict[_Case, list[float]] = {case: [] for case in cases}
    for number in range(rounds + 1):
        for case, subject in subjects.items():
            begun_ns = time.perf_counter_ns()
            await subject.do()
            elapsed_us = (time.perf_counter_ns() - begun_ns) / 1_000
            await subject.undo()
            if number > 0:  # the first round warms up
                spent_us[case].append(elapsed_us)
    costs = {case: await _cost(case[2], subject, spent_us[case]) for case, subject in subjects.items()}
    for subject in subjects.values():
        await subject.service.close()
    return [
        Growth(operation, version, claimed, [costs[operation, version, size] for size in sizes])
        for operation, by_version in CLAIMED.items()
        for version, claimed in zip(VERSIONS, by_version, strict=True)
    ]


async def _prepared(operation: str, version: WorkerVersion, size: int, path: Path) -> _Subject:
    clock = SystemClock()
    service = KVService(await SqliteStore.open(path), clock=clock, profile=LOCAL)
    old, claims = version is WorkerVersion.OLD, operation == "Claim Task"
    if claims:
        content = data.old_leased_but_last(size - 1) if old else data.leased_but_last(size - 1)
    else:
        content = data.old_tasks(size) if old else data.tasks(size)
    await service.load("SJC", parse_bulk(content, clock.now_ms()).requests)
    tasks = queue_format(version, Binding(service, "SJC", Invocation(None)))
    task = {"id": data.task_id(size // 2), "content": "x" * 300}
    last, new, hub = data.task_id(size - 1), data.task_id(size), CommHub(tasks, clock)
    do, undo = {
        "Add Task": (lambda: hub.send({**task, "id": new}), lambda: tasks.finish(new, {})),
        "Remove Task": (lambda: tasks.finish(task["id"], {}), lambda: hub.send(task)),
        "List Tasks": (lambda: queue.list_pending(tasks), lambda: tasks.put_task(task["id"], task)),
        "Claim Task": (lambda: queue.claim(tasks, clock, {"workerId": "bench"}), lambda: tasks.delete_lease(last)),
    }[operation]
    return _Subject(service, do, undo)


async def _cost(size: int, subject: _Subject, spent_us: list[float]) -> Cost:
    """KV operations as the journal has them; bytes of the values that they read and wrote."""
    journal = subject.service.journal
    before = journal.last_position
    await subject.do()
    events = list(journal.after(before))
    value_bytes = 0
    for event in events:
        if event.operation in ("get", "put"):
            found = await subject.service.get("SJC", event.key)
            value_bytes += len(found.entry.value or b"") if found.entry else 0
    await subject.undo()
    return Cost(size, len(events), value_bytes, Samples(spent_us, "µs"))
