"""Which paths and methods lead where, and what is answered to all others."""

from tests.scenarios.scenes.routes import ROUTES
from tests.scenarios.steps import ADMIN_KEY, QUEUE_KEY, Scenario, get, post, scenario, seed, send
from tests.worker.deployed import lease, task

_NOWHERE = (
    "/",
    "/api",
    "/api/",
    "/api/queues",
    "/api/queuex/a",
    "/API/queue",
    "/api//queue",
    "//api/queue",
    "/api/queue%2Fa",
    "/v1/api/queue",
    "/favicon.ico",
    "/api/queue/",
    "/api/queue/a/",
    "/api/queue/a/b",
    "/api/queue//release",
    "/api/queue/a/release/",
    "/api/queue/a/b/release",
    "/api/queue/a/Release",
    "/api/queue/claim/",
    "/api/result",
    "/api/result/",
    "/api/result/a/b",
    "/api/migrate",
    "/api/migrate/",
    "/api/migrate/status/",
    "/api/migrate/Status",
    "/api/migrate/run/a",
)
_STOCK = seed({"queue:task:a": task("a"), "queue:lease:a": lease("w"), "orchestrator:result:a": {"success": True}})
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

# A path that two methods know differently: the claim's own path reads as the task "claim".
_ALSO_KNOWN = {("GET", "/api/queue/claim")}


def _unknown_methods() -> list[tuple[str, str]]:
    paths = dict.fromkeys(path for _, path in ROUTES)
    asked = [(method, path) for path in paths for method in _METHODS]
    return [pair for pair in asked if pair not in ROUTES and pair not in _ALSO_KNOWN]


SCENARIOS: tuple[Scenario, ...] = (
    scenario(
        "an unknown path is 404, as JSON under the queue's prefixes and as text elsewhere",
        _STOCK,
        *(send(method, path, 404, b"{}") for path in _NOWHERE for method in ("GET", "POST")),
    ),
    scenario(
        "under the migration's prefix the routes ask for the key, and anything else is 404 for everybody",
        *(
            send(method, path, 404, b"{}", key=key)
            for path in ("/api/migrate", "/api/migrate/", "/api/migrate/x", "/api/migrate/run/a", "/api/migrate/Status")
            for method in ("GET", "POST")
            for key in (None, "wrong", QUEUE_KEY, ADMIN_KEY)
        ),
        *(
            send(method, f"/api/migrate/{name}", 404, b"{}", key=key)
            for name, method in (("status", "POST"), ("run", "GET"), ("rollback", "DELETE"), ("status", "HEAD"))
            for key in (None, "wrong", ADMIN_KEY)
        ),
        get("/api/migrate/status", 401, key=None),
        get("/api/migrate/status?x=/", 401, key="wrong"),
    ),
    scenario(
        "a known path with another method is 404",
        _STOCK,
        *(send(method, path, 404, b"{}") for method, path in _unknown_methods()),
        get("/api/queue/a"),
        get("/api/result/a"),
    ),
    scenario(
        "a task may be called claim: it can be read and finished like any other",
        get("/api/queue/claim", 404),
        seed({"queue:task:claim": task("claim"), "queue:lease:claim": lease("w")}),
        get("/api/queue/claim"),
        post("/api/queue/claim/renew", {"workerId": "w"}),
        post("/api/queue/claim/release"),
        post("/api/queue/claim", {"workerId": "w"}),
        post("/api/result/claim", {"success": True}),
        get("/api/result/claim"),
    ),
    scenario(
        "what follows a question mark is not looked at",
        _STOCK,
        get("/api/queue?"),
        get("/api/queue?limit=1&prefix=/x"),
        get("/api/queue/a?b/c"),
        get("/api/queue/b?a", 404),
        post("/api/queue/a/release?workerId=x", {"workerId": "w"}),
        get("/api/migrate/status?x=%FF"),
    ),
    scenario(
        "dot segments are resolved before anything else, however they are spelled",
        _STOCK,
        get("/api/queue/x/../a"),
        get("/api/queue/./a"),
        get("/api/queue/x/%2E%2e/a"),
        get("/api/x/.%2e/queue"),
        get("/api/queue/%2e", 404),
        get("/api/queue/..", 404),
        get("/../../api/queue/a"),
        get("/api/queue/../migrate/status", key=ADMIN_KEY),
        get("/api/queue/%2e%2e/migrate/status", 401, key=QUEUE_KEY),
        get("/api/migrate/../queue", key=QUEUE_KEY),
        get("/api/queue/a/..%2Fb", 404),
        get("/api\\queue\\a"),
    ),
)
