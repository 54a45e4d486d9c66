"""The queue as it is explored: its Worker in three versions, its requests, its guarantees, and the look at its end."""

import json
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache

from queue_emulator.core.clock import iso_8601
from queue_emulator.core.errors import SettingsError
from queue_emulator.core.options import PutRequest
from queue_emulator.explore import requests
from queue_emulator.explore.guarantees import BY_ID, OLD_TASK, PENDING, TASK, TTL_S
from queue_emulator.explore.history import Actor, Call, Ended, Kept
from queue_emulator.explore.remembered import Remembered
from queue_emulator.explore.requests import Request
from queue_emulator.explore.subject import Closing, Data, Deploy, Memory, Standing, Worker
from queue_emulator.explore.times import WRITTEN_MS
from queue_emulator.explore.turns import TICK_MS
from queue_emulator.kv.binding import Binding
from queue_emulator.worker import fetch as worker
from queue_emulator.worker.answers import JSON_TYPE, Answer
from queue_emulator.worker.auth import ApiKeys
from queue_emulator.worker.commhub import CommHub
from queue_emulator.worker.dual import queue_format
from queue_emulator.worker.portable import PortableRange
from queue_emulator.worker.rate_limit import RateLimit
from queue_emulator.worker.versions import WorkerVersion

_QUEUE_KEY, _ADMIN_KEY = "queue", "admin"
_KEYS = ApiKeys(queue_api_key=_QUEUE_KEY, admin_api_key=_ADMIN_KEY)
_AFTER_RUN_MS = 61_000  # an operator looks again when no copy can be left
_OPERATOR, _LOOKER, _CLAIMER = Actor("operator", "LHR"), Actor("looker", "FRA"), Actor("claimer", "GRU")
_HOLDS = "task"
_NOTHING_HELD: Memory = {}
_TASKS = {"new": TASK, "old": OLD_TASK, "odd": OLD_TASK}  # odd: named by a pending list that is no list
_SAID = {
    "new": "in the new format",
    "old": "in the old format",
    "odd": "in the old format, in a pending list that is none",
}


@dataclass(frozen=True, eq=False)
class Queue:
    """The Worker's task queue; `worker`: the one that answers it, None for ours."""

    worker: Deploy | None = None
    guarantees = BY_ID
    script = None
    versions = ("old", "dual", "new")

    def check(self, text: str) -> None:
        requests.check_script(text)

    def request(self, text: str, actor: Actor, memory: Memory, lease_s: int) -> Request | None:
        return requests.request(text, actor.name, memory.get(_HOLDS), lease_s)

    def verb(self, text: str) -> str:
        return text.partition(" ")[0]

    def remembers(self, call: Call, memory: Memory) -> Memory:
        if call.verb == "claim" and call.member("success") is True and call.task is not None:
            return {_HOLDS: call.task}
        if call.verb in ("release", "result") and call.request.task == memory.get(_HOLDS):
            return _NOTHING_HELD
        return memory

    def words(self, call: Call) -> str:
        if call.verb == "claim" and call.ok:
            return f"{call.status} {call.task}" if call.member("success") is True else f"{call.status} nothing free"
        return str(call.status)

    def before(self, items: tuple[str, ...]) -> Data:
        return data(items)

    def told_before(self, items: tuple[str, ...]) -> str:
        said = []
        for format in _TASKS:
            tasks = [item.partition(" ")[2] for item in items if item.startswith(f"{format} ")]
            if tasks:
                shown = ", ".join(tasks) if len(tasks) < 5 else f"{tasks[0]} to {tasks[-1]}, {len(tasks)} tasks,"
                said.append(f"{shown} {_SAID[format]}")
        return "; ".join(said)

    def variables(self, version: str) -> Mapping[str, str]:
        return {"QUEUE_API_KEY": _QUEUE_KEY, "ADMIN_API_KEY": _ADMIN_KEY, "WORKER_VERSION": version}

    def answered_by(self, deploy: Deploy) -> "Queue":
        return replace(self, worker=deploy)

    def afresh(self) -> AbstractContextManager[None]:
        return nullcontext() if self.worker is None else self.worker.afresh()

    def deploy(self, clock: Standing) -> Worker:
        rate_limit = RateLimit(None, clock)
        portable = PortableRange(strict=False, log=_nobody_listens)
        ask = None if self.worker is None else self.worker(clock, self.versions)

        async def answer(actor: Actor, asked: Request, binding: Binding) -> Answer:
            version = WorkerVersion(actor.version)
            if not asked.path:
                await CommHub(queue_format(version, binding), clock).send({"id": asked.task})
                return _ENQUEUED
            if ask is not None:
                return await ask(actor, asked, {"X-API-Key": _key(asked), "Content-Type": JSON_TYPE}, binding)

            async def body() -> bytes:
                return asked.body

            env = worker.Env(binding, _KEYS, clock, rate_limit, portable, _nobody_listens, version)
            return await worker.fetch(
                worker.Request(asked.method, asked.path.encode(), _key(asked).encode(), body), env
            )

        return answer

    def remembered(self) -> Remembered | None:
        """Ours follows from what it is told; another may not."""
        if self.worker is not None:
            return None
        known: Remembered | None = getattr(_OURS, "known", None)
        if known is None:
            known = _OURS.known = Remembered(self.deploy)
        return known

    def look(self, closing: Closing, *, version: str, migrates: bool, items: tuple[str, ...]) -> None:
        """As the operator, if it migrates; as one who lists; and, if anything was finished, as one who claims."""
        finished = any(
            isinstance(each, Ended) and each.call.verb == "result" and each.call.ok
            for _, each in closing.history.moments()
        )
        if migrates:
            _operate(closing, items)
        closing.ask(replace(_LOOKER, version=version), "list")
        if finished:
            claimer = replace(_CLAIMER, version=version)
            for _ in range(len(items) + 2):
                if closing.ask(claimer, "claim").member("success") is not True:
                    break
                closing.wait(TICK_MS)


def _operate(closing: Closing, items: tuple[str, ...]) -> None:
    """As the migration guide says: run it for as long as status says that it is needed, a minute apart."""
    for _ in range(1 + sum(item.startswith("old ") for item in items)):
        if closing.ask(_OPERATOR, "migrate-status").member("needsMigration") is not True:
            return
        closing.wait(_AFTER_RUN_MS)
        closing.ask(_OPERATOR, "run")
        closing.wait(_AFTER_RUN_MS)
    closing.ask(_OPERATOR, "migrate-status")


@lru_cache(maxsize=1024)
def data(before: tuple[str, ...]) -> tuple[tuple[PutRequest, ...], Mapping[bytes, Kept]]:
    """What is written before a schedule begins, and how the centre holds it."""
    entries: dict[bytes, bytes] = {}
    pending: list[str] = []
    for item in before:
        format, _, task = item.partition(" ")
        if format not in _TASKS or not task:
            raise SettingsError(f"initial data must be written as `new t1`, `old t1` or `odd t1`, not {item!r}")
        value = {"id": task, "queuedAt": iso_8601(WRITTEN_MS), "status": "pending"}
        entries[_TASKS[format] + task.encode()] = json.dumps(value).encode()
        if format != "new":
            pending.append(task)
    if pending:
        odd = any(item.startswith("odd ") for item in before)
        entries[PENDING] = json.dumps(dict(enumerate(pending)) if odd else pending).encode()
    until_s = WRITTEN_MS // 1000 + TTL_S
    writes = tuple(PutRequest(key, value, until_s) for key, value in entries.items())
    return writes, {key: Kept(value, until_s, WRITTEN_MS) for key, value in entries.items()}


def _key(asked: Request) -> str:
    return _ADMIN_KEY if asked.path.startswith("/api/migrate") else _QUEUE_KEY


def _nobody_listens(line: str) -> None:
    pass


_OURS = threading.local()  # a page may be exploring beside another
_ENQUEUED = Answer(200, b"null", JSON_TYPE)
QUEUE = Queue()
