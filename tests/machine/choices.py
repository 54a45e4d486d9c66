"""Which request comes next: a table of what every face can do, each with how often it is done."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote

import httpx

from queue_emulator.core.accounts import ACCOUNT_ID
from tests.cli.emulator_process import QUEUE
from tests.machine.account import (
    CHAFF,
    LARGE_BYTES,
    LEASE,
    PLAIN,
    QUEUE_KEYS,
    RESULT,
    TASK,
    TASKS,
    TWINS,
    Account,
    Namespace,
    is_large,
    mark_in,
)
from tests.machine.history import UNKNOWN, Finding, History
from tests.machine.requests import Effects, Face, Request, Sent

TOKEN = "machine-token"
API = (("Authorization", f"Bearer {TOKEN}"),)
CONTROLS = "/cdn-cgi/emulator"
NAMESPACES = f"/client/v4/accounts/{ACCOUNT_ID}/storage/kv/namespaces"
LOCATION = "SJC"
_KEY = tuple(QUEUE.items())
_CREATED_MAX = 3
_CHAFF_KEYS = 1_001  # a list that meets more dead keys has them purged


@dataclass(frozen=True, slots=True)
class Situation:
    """What a request is chosen for. `strong`: every read of the Worker is from the centre, so that it can be judged.

    `bound` are the namespaces that a Worker on the real runtime, or in its place, is bound to, by their bindings.
    """

    account: Account
    chance: random.Random
    cache: Namespace
    bound: dict[str, Namespace]
    strong: bool

    def somewhere(self) -> Namespace:
        """Mostly where the Worker writes too."""
        others = [each for each in self.account.namespaces.values() if each is not self.cache]
        return self.chance.choice(others) if others and self.chance.random() < 0.4 else self.cache

    def key(self, namespace: Namespace) -> str:
        return self.chance.choice((*QUEUE_KEYS, *PLAIN) if namespace is self.cache else PLAIN)

    def task(self) -> str:
        return self.chance.choice(TASKS)

    def created(self) -> list[Namespace]:
        return [each for each in self.account.namespaces.values() if not each.bound]


def choose(now: Situation, faces: set[Face]) -> Request:
    """The next request to one of these faces."""
    rows = [row for row in _TABLE if row[1] in faces]
    while True:
        (_, _, make) = now.chance.choices(rows, [row[0] for row in rows])[0]
        if (made := make(now)) is not None:
            return made


def choose_many(now: Situation) -> Request:
    """A request that writes several keys."""
    return now.chance.choice((_bulk_put, _bulk_delete, _seed))(now)


def choose_one_of(many: Request, now: Situation, faces: set[Face]) -> Request:
    """A request, by any face, that writes a key which this one writes too."""
    written = {history for history, _ in many.writes}
    while True:
        made = choose(now, faces)
        if any(history in written for history, _ in made.writes):
            return made


def value(mark: str) -> str:
    """Good as a result, as a task and as a lease that never ends; some are large, and are kept in parts."""
    members = {"success": True, "workerId": mark, "expiresAt": "2999-01-01T00:00:00.000Z"}
    return json.dumps({**members, "padding": "x" * LARGE_BYTES, "end": mark} if is_large(mark) else members)


# ---- Worker routes


def _result(now: Situation) -> Request:
    task, mark = now.task(), now.account.mark()
    writes = (
        (now.cache.key(RESULT + task), mark),
        (now.cache.key(TASK + task), None),
        (now.cache.key(LEASE + task), None),
    )
    return _worker("POST", f"/api/result/{task}", {"success": True, "output": mark}, writes=writes)


def _claim(now: Situation) -> Request:
    mark, leases = now.account.mark(), {task: now.cache.key(LEASE + task) for task in TASKS}

    def told(answer: httpx.Response, sent: Sent) -> Finding | None:
        task = answer.json().get("taskId")
        if task is not None:
            sent.surely(leases[task])
        return None

    perhaps = tuple((lease, each) for lease in leases.values() for each in (mark, None))
    body = {"workerId": mark, "leaseDurationSec": 600}
    return replace(_worker("POST", "/api/queue/claim", body, perhaps=perhaps), told=told)


def _release(now: Situation) -> Request:
    task = now.task()
    return _worker("POST", f"/api/queue/{task}/release", {}, perhaps=((now.cache.key(LEASE + task), None),))


def _renew(now: Situation) -> Request | None:
    task = now.task()
    lease = now.cache.key(LEASE + task)
    marks = [write.mark for write in lease.writes if write.mark is not None]
    if not marks:
        return None
    mark = now.chance.choice(marks)

    def told(answer: httpx.Response, sent: Sent) -> Finding | None:
        sent.surely(lease)
        return None

    asked = _worker("POST", f"/api/queue/{task}/renew", {"workerId": mark, "extendSec": 600}, perhaps=((lease, mark),))
    return replace(asked, told=told)


def _status(now: Situation) -> Request:
    """It reads the task, changes it and writes it back: whatever stood there when it read."""
    task = now.task()
    history = now.cache.key(TASK + task)

    def told(answer: httpx.Response, sent: Sent) -> Finding | None:
        sent.surely(history)
        return None

    asked = _worker("POST", f"/api/queue/{task}/status", {"status": "failed"}, perhaps=((history, UNKNOWN),))
    return replace(asked, told=told)


def _read_result(now: Situation) -> Request:
    task = now.task()
    reads = (now.cache, RESULT + task) if now.strong else None
    return replace(_worker("GET", f"/api/result/{task}"), reads=reads)


def _worker(method: str, path: str, body: object = None, *, writes: Effects = (), perhaps: Effects = ()) -> Request:
    """A refusal may come after the first of its writes."""
    content = b"" if body is None else json.dumps(body).encode()
    return Request(Face.WORKER, method, path, content, writes, perhaps, whole=False, headers=_KEY)


# ---- a Worker on the real runtime, and the face that the runtime speaks to


def _runtime_put(now: Situation) -> Request:
    binding, name, history, mark = _bound_key(now)
    return Request(Face.RUNTIME, "PUT", f"/{binding}/{_segment(name)}", value(mark).encode(), ((history, mark),))


def _runtime_delete(now: Situation) -> Request:
    binding, name, history, _ = _bound_key(now)
    return Request(Face.RUNTIME, "DELETE", f"/{binding}/{_segment(name)}", b"", ((history, None),))


def _runtime_get(now: Situation) -> Request:
    binding, name, _, _ = _bound_key(now)
    reads = (now.bound[binding], name) if now.strong else None
    return Request(Face.RUNTIME, "GET", f"/{binding}/{_segment(name)}", reads=reads)


def _wire_put(now: Situation) -> Request:
    binding, name, history, mark = _bound_key(now)
    return _wire(now, binding, "PUT", name, value(mark).encode(), ((history, mark),))


def _wire_delete(now: Situation) -> Request:
    binding, name, history, _ = _bound_key(now)
    return _wire(now, binding, "DELETE", name, b"", ((history, None),))


def _wire_get(now: Situation) -> Request:
    binding, name, _, _ = _bound_key(now)
    return replace(_wire(now, binding, "GET", name), reads=(now.bound[binding], name) if now.strong else None)


def _wire(now: Situation, binding: str, method: str, name: str, content: bytes = b"", writes: Effects = ()) -> Request:
    headers = (("X-Emulator-Location", LOCATION), ("X-Emulator-Namespace", str(list(now.bound).index(binding))))
    return Request(Face.WIRE, method, f"/{_segment(name)}?urlencoded=true", content, writes, headers=headers)


def _bound_key(now: Situation) -> tuple[str, str, History, str]:
    binding, namespace = now.chance.choice(list(now.bound.items()))
    name = now.key(namespace)
    return binding, name, namespace.key(name), now.account.mark()


# ---- Cloudflare's API


def _rest_put(now: Situation) -> Request:
    namespace = now.somewhere()
    name, mark = now.key(namespace), now.account.mark()
    path = f"{namespace.id}/values/{_segment(name)}"
    return _rest("PUT", path, value(mark).encode(), ((namespace.key(name), mark),))


def _rest_delete(now: Situation) -> Request:
    namespace = now.somewhere()
    name = now.key(namespace)
    return _rest("DELETE", f"{namespace.id}/values/{_segment(name)}", b"", ((namespace.key(name), None),))


def _rest_get(now: Situation) -> Request:
    namespace = now.somewhere()
    name = now.key(namespace)
    return replace(_rest("GET", f"{namespace.id}/values/{_segment(name)}"), reads=(namespace, name))


def _bulk_put(now: Situation) -> Request:
    namespace = now.somewhere()
    marks = _marks(now, namespace)
    return _rest("PUT", f"{namespace.id}/bulk", _pairs(marks), _effects(namespace, marks))


def _bulk_delete(now: Situation) -> Request:
    namespace = now.somewhere()
    names = _many(now, namespace)
    writes = tuple((namespace.key(name), None) for name in names)
    if now.chance.random() < 0.5:
        return _rest("DELETE", f"{namespace.id}/bulk", json.dumps(names).encode(), writes)
    return _rest("POST", f"{namespace.id}/bulk/delete", json.dumps(names).encode(), writes)


def _bulk_get(now: Situation) -> Request:
    namespace = now.somewhere()
    names = _many(now, namespace)

    def told(answer: httpx.Response, sent: Sent) -> Finding | None:
        values = answer.json()["result"]["values"]
        found = [sent.read(namespace, name, mark_in(values[name])) for name in names]
        return next(filter(None, found), None)

    return replace(_rest("POST", f"{namespace.id}/bulk/get", json.dumps({"keys": names}).encode()), told=told)


def _list(now: Situation) -> Request:
    return _rest("GET", f"{now.somewhere().id}/keys?limit=10")


def _create(now: Situation) -> Request | None:
    if len(now.created()) + len(now.account.untold) >= _CREATED_MAX:
        return None
    namespace, mark = Namespace(""), now.account.mark()

    def told(answer: httpx.Response, sent: Sent) -> Finding | None:
        sent.account.told(namespace, answer.json()["result"]["id"])
        return None

    body = json.dumps({"title": mark}).encode()
    return replace(_rest("POST", "", body, ((namespace.title, mark),)), creates=namespace, told=told)


def _rename(now: Situation) -> Request | None:
    if not (there := now.created()):
        return None
    namespace, mark = now.chance.choice(there), now.account.mark()
    return _rest("PUT", namespace.id, json.dumps({"title": mark}).encode(), ((namespace.title, mark),))


def _delete_namespace(now: Situation) -> Request | None:
    """The bound one too, which is refused."""
    there = [*now.created(), now.cache]
    namespace = now.chance.choice(there)
    return _rest("DELETE", namespace.id, b"", ((namespace.title, None),))


def _rest(method: str, path: str, content: bytes = b"", writes: Effects = ()) -> Request:
    return Request(Face.REST, method, f"{NAMESPACES}/{path}" if path else NAMESPACES, content, writes, headers=API)


# ---- controls


def _seed(now: Situation) -> Request:
    marks = _marks(now, now.cache)
    return _control("/seed", _pairs(marks), _effects(now.cache, marks))


def _enqueue(now: Situation) -> Request:
    task, mark = now.task(), now.account.mark()
    body = json.dumps({"task": {"id": task, "content": mark}}).encode()
    return _control("/enqueue", body, ((now.cache.key(TASK + task), mark),))


def _reset(now: Situation) -> Request:
    return replace(_control("/reset"), sweep=True)


def _control(path: str, content: bytes = b"", writes: Effects = ()) -> Request:
    return Request(Face.CONTROL, "POST", CONTROLS + path, content, writes)


def chaff(cache: Namespace) -> tuple[Request, Request, Request]:
    """Three requests, one after the other: keys are written, deleted and listed, and so their tombstones are purged."""
    names = [f"{CHAFF}{number}" for number in range(_CHAFF_KEYS)]
    return (
        _control("/seed", _pairs(dict.fromkeys(names, "chaff"))),
        _rest("DELETE", f"{cache.id}/bulk", json.dumps(names).encode()),
        _rest("GET", f"{cache.id}/keys?limit=10&prefix={CHAFF}"),
    )


def _many(now: Situation, namespace: Namespace) -> list[str]:
    """Some keys of it; the twins only ever together."""
    names = (*QUEUE_KEYS, *PLAIN) if namespace is now.cache else PLAIN
    chosen = now.chance.sample(names, now.chance.randint(1, len(names)))
    return [*chosen, *TWINS] if now.chance.random() < 0.5 else chosen


def _marks(now: Situation, namespace: Namespace) -> dict[str, str]:
    """One for each key that is written; twins have the same."""
    twins = now.account.mark()
    return {name: twins if name in TWINS else now.account.mark() for name in _many(now, namespace)}


def _pairs(marks: dict[str, str]) -> bytes:
    return json.dumps([{"key": name, "value": value(mark)} for name, mark in marks.items()]).encode()


def _effects(namespace: Namespace, marks: dict[str, str]) -> Effects:
    return tuple((namespace.key(name), mark) for name, mark in marks.items())


def _segment(name: str) -> str:
    return quote(name, safe="")


_TABLE: tuple[tuple[int, Face, Callable[[Situation], Request | None]], ...] = (
    (8, Face.WORKER, _result),
    (6, Face.WORKER, _claim),
    (3, Face.WORKER, _release),
    (3, Face.WORKER, _renew),
    (3, Face.WORKER, _status),
    (1, Face.WORKER, _read_result),
    (8, Face.RUNTIME, _runtime_put),
    (4, Face.RUNTIME, _runtime_delete),
    (3, Face.RUNTIME, _runtime_get),
    (8, Face.WIRE, _wire_put),
    (4, Face.WIRE, _wire_delete),
    (3, Face.WIRE, _wire_get),
    (8, Face.REST, _rest_put),
    (3, Face.REST, _rest_delete),
    (4, Face.REST, _rest_get),
    (8, Face.REST, _bulk_put),
    (4, Face.REST, _bulk_delete),
    (4, Face.REST, _bulk_get),
    (2, Face.REST, _list),
    (3, Face.REST, _create),
    (2, Face.REST, _rename),
    (2, Face.REST, _delete_namespace),
    (6, Face.CONTROL, _seed),
    (4, Face.CONTROL, _enqueue),
    (1, Face.CONTROL, _reset),
)
