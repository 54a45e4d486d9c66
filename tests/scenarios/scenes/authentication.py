"""Who gets in: the key of the scope, on every route, before anything else about the request is looked at."""

from dataclasses import replace

from tests.scenarios.scenes.routes import ROUTES
from tests.scenarios.steps import (
    ADMIN_KEY,
    ASSISTANT_KEY,
    QUEUE_KEY,
    Request,
    Scenario,
    get,
    post,
    scenario,
    seed,
    send,
)
from tests.worker.deployed import lease, task

_STOCK = seed({"queue:task:a": task("a"), "queue:lease:a": lease("w"), "orchestrator:result:a": {"success": True}})
_NEITHER = ("", "the-queue-ke", "the-queue-key2", "THE-QUEUE-KEY", "the-queue-key, the-queue-key", "undefined", "null")


def _refused_everywhere(key: str | None) -> list[Request]:
    return [send(method, path, 401, b"{}", key=key) for method, path in ROUTES]


def _other_scope(path: str) -> str:
    return QUEUE_KEY if path.startswith("/api/migrate") else ADMIN_KEY


def _header(request: Request, name: str, value: str) -> Request:
    return replace(request, headers=((name, value),))


SCENARIOS: tuple[Scenario, ...] = (
    scenario("no route opens without a key", _STOCK, *_refused_everywhere(None)),
    scenario(
        "no route opens with a wrong key",
        _STOCK,
        *(request for key in _NEITHER for request in _refused_everywhere(key)),
    ),
    scenario(
        "the key of one scope does not open the other",
        _STOCK,
        *(send(method, path, 401, b"{}", key=_other_scope(path)) for method, path in ROUTES),
    ),
    scenario(
        "the key of the queue is asked for before the path, the method, the id and the body are looked at",
        *(
            send(method, path, 401, content, key="wrong")
            for prefix in ("/api/queue", "/api/result")
            for method, path, content in (
                ("GET", f"{prefix}/", b""),
                ("DELETE", prefix, b""),
                ("GET", f"{prefix}/no/such/path", b""),
                ("POST", f"{prefix}/a/release", b"not JSON"),
                ("POST", f"{prefix}/%FF/renew", b'{"workerId":5}'),
                ("GET", f"{prefix}/{'x' * 600}", b""),
            )
        ),
    ),
    scenario(
        "outside the prefixes no key is asked for",
        *(get(path, 404, key=None) for path in ("/", "/api", "/api/queues", "/api/results/a", "/api/migrated")),
    ),
    scenario(
        "a key that is not in the header counts for nothing",
        _header(get("/api/queue", 401), "Authorization", f"Bearer {QUEUE_KEY}"),
        _header(get("/api/queue", 401), "X-Api-Keys", QUEUE_KEY),
        get(f"/api/queue?X-API-Key={QUEUE_KEY}&key={QUEUE_KEY}", 401, key=None),
    ),
    scenario(
        "the header's name is read in any case",
        _header(get("/api/queue"), "x-api-key", QUEUE_KEY),
        _header(get("/api/migrate/status"), "X-API-KEY", ADMIN_KEY),
    ),
    scenario(
        "the assistant's key opens the queue where the queue has no key of its own",
        _STOCK,
        get("/api/queue", key=ASSISTANT_KEY),
        post("/api/result/a", {"success": True}, key=ASSISTANT_KEY),
        get("/api/queue", 401, key=QUEUE_KEY),
        get("/api/migrate/status", 401, key=ASSISTANT_KEY),
        get("/api/migrate/status", key=ADMIN_KEY),
        keys={"ASSISTANT_API_KEY": ASSISTANT_KEY, "ADMIN_API_KEY": ADMIN_KEY},
    ),
    scenario(
        "the assistant's key opens nothing where the queue has its own",
        get("/api/queue", 401, key=ASSISTANT_KEY),
        get("/api/queue", key=QUEUE_KEY),
        keys={"ASSISTANT_API_KEY": ASSISTANT_KEY, "QUEUE_API_KEY": QUEUE_KEY},
    ),
    scenario(
        "a key that is empty is not configured",
        get("/api/queue", key=ASSISTANT_KEY),
        get("/api/queue", 401, key=""),
        get("/api/migrate/status", 401, key=""),
        keys={"ASSISTANT_API_KEY": ASSISTANT_KEY, "QUEUE_API_KEY": "", "ADMIN_API_KEY": ""},
    ),
    scenario(
        "without a key for the queue it is closed",
        *(get("/api/queue", 401, key=key) for key in (None, "", "undefined", QUEUE_KEY, ADMIN_KEY)),
        get("/api/migrate/status"),
        keys={"ADMIN_API_KEY": ADMIN_KEY},
    ),
    scenario(
        "without a key for the migration it is closed, and no other key stands in",
        *(get("/api/migrate/status", 401, key=key) for key in (None, "", "undefined", QUEUE_KEY, ASSISTANT_KEY)),
        get("/api/queue"),
        keys={"QUEUE_API_KEY": QUEUE_KEY, "ASSISTANT_API_KEY": ASSISTANT_KEY},
    ),
    scenario(
        "a key may hold any letters",
        get("/api/queue", key="ключ 🗝 é"),
        get("/api/queue", 401, key="ключ 🗝 è"),
        keys={"QUEUE_API_KEY": "ключ 🗝 é", "ADMIN_API_KEY": ADMIN_KEY},
    ),
)
