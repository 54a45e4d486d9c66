"""Random requests to the task queue, and what happens between them: data, faults, time; all follows from a seed."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

LOCATIONS = ("SJC", "NRT", "LHR")
VERSIONS = ("old", "dual", "new")
_IDS = [*(f"t{number}" for number in range(8)), "evt_1", "ä", "a b", "%41", "x" * 480]
_WORKERS = ("w1", "w2", "w3")
_KEY_PREFIXES = ("queue:task:", "queue:lease:", "orchestrator:", "queue:", "")


@dataclass(frozen=True, slots=True)
class Step:
    """One request. `key`: True sends the key that the path needs, else what is given, None for none."""

    location: str
    method: str
    path: str
    content: bytes = b""
    key: bool | str | None = True


@dataclass(frozen=True, slots=True)
class Script:
    """One life of a queue, from an empty KV on. `lag_s` is the replication's."""

    seed: int
    version: str
    lag_s: tuple[float, float]
    steps: tuple[Step, ...] = field(repr=False)

    @property
    def requests(self) -> int:
        return len(self.steps)


def script(seed: int, length: int) -> Script:
    """The script of a seed."""
    chance = random.Random(seed)
    version = chance.choice(VERSIONS)
    lag_s = chance.choice(((0, 0), (0, 5), (2, 90)))
    steps = [_step(chance) for _ in range(length)]
    if chance.random() < _CROWDED:
        steps[0] = _crowd(chance)
    return Script(seed, version, lag_s, tuple(steps))


_CROWDED = 0.04  # of the scripts: more keys than a page, and more operations than a run of the Worker may make


def _crowd(chance: random.Random) -> Step:
    ids = [f"c{number:04d}" for number in range(chance.choice((250, 400, 1100)))]
    tasks = [{"key": f"{chance.choice(_TASKS)}{id}", "value": json.dumps({"id": id})} for id in ids]
    pending = {"key": "orchestrator:pending", "value": json.dumps(ids)}
    return _control(chance, "seed", [*tasks, pending])


_TASKS = ("queue:task:", "orchestrator:queue:")


def _step(chance: random.Random) -> Step:
    make = chance.choices(list(_WAYS), list(_WAYS.values()))[0]
    made = make(chance)
    if made.path.startswith("/cdn-cgi/") or chance.random() > 0.03:
        return made
    return Step(made.location, made.method, made.path, made.content, chance.choice(("wrong", None)))


def _asked(chance: random.Random, method: str, path: str, body: object = None, text: bytes | None = None) -> Step:
    content = text if text is not None else b"" if body is None else json.dumps(body).encode()
    return Step(chance.choice(LOCATIONS), method, path, content)


def _control(chance: random.Random, name: str, body: object, method: str = "POST") -> Step:
    return _asked(chance, method, f"/cdn-cgi/emulator/{name}", body)


def _id(chance: random.Random) -> str:
    id = chance.choice(_IDS[:8]) if chance.random() < 0.9 else chance.choice(_IDS)
    return quote(id, safe="%") if chance.random() < 0.98 else chance.choice(("%FF", "", "a%2Fb", "."))


def _enqueue(chance: random.Random) -> Step:
    task: dict[str, object] = {"id": chance.choice(_IDS[:8])}
    if chance.random() < 0.3:
        task |= {"priority": chance.choice(("high", "low")), "type": chance.choice(("job", "chat"))}
    return _control(chance, "enqueue", {"format": chance.choice(("old", "new")), "task": task})


def _advance(chance: random.Random) -> Step:
    advance_s = chance.choice((0.001, 0.5, 1, 1, 1, 5, 29, 30, 59.999, 60, 61, 300, 1800, 3600))
    return _control(chance, "clock", {"advance_s": advance_s})


def _fault(chance: random.Random) -> Step:
    rule: dict[str, object] = {"verdict": chance.choice(("fail_before", "fail_after", "delay", "drop_replication"))}
    if rule["verdict"] in ("delay", "drop_replication"):
        rule["for_s"] = chance.choice((0.25, 1, 30, 90))
    elif chance.random() < 0.5:
        rule["status"] = chance.choice((429, 500, 502, 503, 504))
    if rule["verdict"] == "drop_replication":
        rule["to"] = chance.choice(LOCATIONS)
    rule["key_prefix"] = chance.choice(_KEY_PREFIXES)
    for name, values in _LIMITS.items():
        if chance.random() < 0.4:
            rule[name] = chance.choice(values)
    return _control(chance, "faults", rule)


_LIMITS: Mapping[str, tuple[object, ...]] = {
    "operation": ("get", "put", "delete", "list"),
    "location": LOCATIONS,
    "times": (1, 2, 5),
    "percent": (10, 50),
}


def _seed(chance: random.Random) -> Step:
    entries: list[dict[str, object]] = []
    for id in chance.sample(_IDS[:8], chance.randrange(1, 5)):
        task = {"id": id, "status": chance.choice(("pending", "failed", "done")), "createdAt": "2026-01-01T11:00:00Z"}
        entries.append(_entry(chance, f"orchestrator:queue:{id}", json.dumps(task)))
        if chance.random() < 0.3:
            lease = {"workerId": chance.choice(_WORKERS), "expiresAt": 1_767_268_900_000}
            entries.append(_entry(chance, f"orchestrator:lease:{id}", json.dumps(lease)))
    pending: object = chance.sample(_IDS[:8], 4)
    if chance.random() < 0.1:
        pending = chance.choice(({}, "t1", None, [1, None], 5))
    entries.append(_entry(chance, "orchestrator:pending", json.dumps(pending)))
    if chance.random() < 0.1:
        entries.append(_entry(chance, f"orchestrator:queue:{chance.choice(_IDS[:8])}", "{not json"))
    return _control(chance, "seed", list({str(entry["key"]): entry for entry in entries}.values()))


def _entry(chance: random.Random, key: str, value: str) -> dict[str, object]:
    lifetime = {} if chance.random() < 0.5 else {"expiration_ttl": chance.choice((60, 61, 300, 3600))}
    return {"key": key, "value": value, **lifetime}


def _body(chance: random.Random, body: Mapping[str, object]) -> tuple[object, bytes | None]:
    """Mostly a body that is right, sometimes one that is not."""
    if chance.random() < 0.93:
        return body, None
    odd = (b"", b"{", b"null", b"[]", b'"text"', b"{}", b'{"workerId": 5}', b'{"workerId": ""}', b'{"success": "yes"}')
    return None, chance.choice(odd)


def _with_body(method: str, path: str, make: Callable[[random.Random], Mapping[str, object]]) -> "_Way":
    def way(chance: random.Random) -> Step:
        body, text = _body(chance, make(chance))
        return _asked(chance, method, path.replace("{id}", _id(chance)), body, text)

    return way


def _plain(method: str, path: str) -> "_Way":
    return lambda chance: _asked(chance, method, path.replace("{id}", _id(chance)))


def _worker(chance: random.Random) -> dict[str, object]:
    return {"workerId": chance.choice(_WORKERS)}


def _claim(chance: random.Random) -> dict[str, object]:
    lease = {} if chance.random() < 0.6 else {"leaseDurationSec": chance.choice((1, 60, 100, 600, 601, 1.5, 0, "60"))}
    return ({} if chance.random() < 0.1 else _worker(chance)) | lease


def _renewal(chance: random.Random) -> dict[str, object]:
    return _worker(chance) | (
        {} if chance.random() < 0.5 else {"extendSec": chance.choice((1, 60, 120, 700, 0, -1, 1.5))}
    )


def _status(chance: random.Random) -> dict[str, object]:
    return {"status": chance.choice(("processing", "failed", "pending", "done", "odd"))}


def _result(chance: random.Random) -> dict[str, object]:
    return {"success": chance.choice((True, False)), "output": chance.choice(("done", "ünïcödé 🎈", 5, None))}


def _unknown(chance: random.Random) -> Step:
    path = chance.choice(("/", "/api/queue/", "/api/nothing", "/api/migrate", "/api/queue/t1/none", "/API/queue"))
    return _asked(chance, chance.choice(("GET", "POST", "DELETE", "PUT")), path)


_Way = Callable[[random.Random], Step]
_WAYS: Mapping[_Way, float] = {
    _enqueue: 12,
    _seed: 2,
    _advance: 14,
    _fault: 2.5,
    lambda chance: _control(chance, "faults", None, "DELETE"): 2,
    _plain("GET", "/api/queue"): 10,
    _with_body("POST", "/api/queue/claim", _claim): 14,
    _plain("GET", "/api/queue/{id}"): 6,
    _with_body("POST", "/api/queue/{id}/release", _worker): 6,
    _with_body("POST", "/api/queue/{id}/renew", _renewal): 7,
    _with_body("POST", "/api/queue/{id}/status", _status): 6,
    _with_body("POST", "/api/result/{id}", _result): 6,
    _plain("GET", "/api/result/{id}"): 4,
    _plain("GET", "/api/migrate/status"): 3,
    _plain("POST", "/api/migrate/run"): 3,
    _plain("POST", "/api/migrate/rollback"): 1,
    _unknown: 1.5,
}
