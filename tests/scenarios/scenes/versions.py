"""The Worker before and during the time of the migration, over every fixture file and over both formats at once."""

from tests.scenarios.scenes.migration import FIRST_RUN
from tests.scenarios.scenes.routes import ROUTES
from tests.scenarios.steps import Advance, Request, Scenario, Step, escapes, fixture, get, post, scenario, seed, send
from tests.worker.deployed import lease, task

CLAIM, PENDING = "/api/queue/claim", "orchestrator:pending"

# The task that a claim takes first, of each file whose values are all JSON.
_FIRST_FREE = {"basic": "task2", "leased": "job-09", "orphans": "listed-1", "thousand": "task-0001"}
_FIRST_FREE["in-use"] = "evt_1795165260_b0417e"


def _used(name: str, *, lease_stays: bool) -> list[Request]:
    """The queue of a fixture file, from its list to a result; the old Worker leaves a finished task's lease."""
    first = _FIRST_FREE[name]
    return [
        get("/api/queue"),
        get(f"/api/queue/{first}"),
        get("/api/queue/no-such-task", 404),
        post(CLAIM, {"workerId": "test-worker", "leaseDurationSec": 90}),
        post(CLAIM, {"workerId": "test-worker"}),
        post(f"/api/queue/{first}/renew", {"workerId": "test-worker"}),
        post(f"/api/queue/{first}/status", {"status": "claimed"}),
        get(f"/api/queue/{first}"),
        post(f"/api/result/{first}", {"success": True}),
        get(f"/api/result/{first}"),
        get("/api/queue"),
        post(f"/api/queue/{first}/release", {"workerId": "somebody"}, 403 if lease_stays else 200),
    ]


def _both(name: str) -> tuple[Step, ...]:
    """A task in each format and one in both, with a lease in the old format on the one named."""
    return (
        seed({PENDING: ["old", "both", "ghost", 7, "both"]}),
        seed({f"orchestrator:queue:{task_id}": task(task_id, source="old") for task_id in ("old", "both", "7")}),
        seed({f"queue:task:{task_id}": task(task_id, source="new") for task_id in ("new", "both")}),
        seed({f"orchestrator:lease:{name}": lease("former")}),
    )


SCENARIOS: tuple[Scenario, ...] = (
    *(
        scenario(
            f"{name}.json under the {version} Worker",
            fixture(name),
            *_used(name, lease_stays=version == "old"),
            version=version,
        )
        for version in ("old", "dual")
        for name in _FIRST_FREE
    ),
    *(
        scenario(
            f"{name}.json under the dual Worker, migrated half-way through",
            fixture(name),
            get("/api/queue"),
            post(CLAIM, {"workerId": "before"}),
            post("/api/migrate/run", status=FIRST_RUN[name]),
            get("/api/migrate/status"),
            get("/api/queue"),
            post(CLAIM, {"workerId": "after"}),
            post("/api/migrate/rollback"),
            get("/api/queue"),
            post(CLAIM, {"workerId": "later"}),
            version="dual",
        )
        for name in _FIRST_FREE
    ),
    *(
        scenario(
            f"corrupt.json under the {version} Worker",
            fixture("corrupt"),
            get("/api/queue"),
            get("/api/queue/healthy-1"),
            get("/api/queue/a-number"),
            get("/api/queue/a-null", 404),
            get("/api/queue/7"),
            escapes(get("/api/queue/truncated")),
            escapes(get("/api/queue/empty")),
            escapes(get("/api/queue/not-text")),
            escapes(post(CLAIM, {"workerId": "w"})),
            post(CLAIM, {"workerId": "w"}),
            escapes(post("/api/queue/healthy-3/renew", {"workerId": "w"})),
            post("/api/queue/healthy-2/release", {"workerId": "w"}, 403),
            post("/api/queue/an-array/status", {"status": "failed"}),
            get("/api/queue/an-array"),
            post("/api/result/truncated", {"success": False}),
            post("/api/result/7", {"success": True}),
            get("/api/queue"),
            version=version,
        )
        for version in ("old", "dual")
    ),
    *(
        scenario(
            f"a pending list that is no list escapes the {version} Worker's code",
            fixture("corrupt-pending"),
            escapes(get("/api/queue")),
            escapes(post(CLAIM, {"workerId": "w"})),
            get("/api/queue/task1"),
            post("/api/queue/task2/release", {"workerId": "daemon-berlin-1"}),
            escapes(post("/api/result/task1", {"success": True})),
            get("/api/result/task1"),
            seed({PENDING: b"not JSON"}),
            escapes(get("/api/queue")),
            seed({PENDING: b"null"}),
            get("/api/queue"),
            post(CLAIM, {"workerId": "w"}),
            post("/api/result/task1", {"success": True}),
            get("/api/queue"),
            version=version,
        )
        for version in ("old", "dual")
    ),
    scenario(
        "the old Worker has no migration, and so nothing there asks for a key",
        fixture("basic"),
        *(
            send(method, path, 404, key=key)
            for path in ("/api/migrate/status", "/api/migrate/run", "/api/migrate/rollback", "/api/migrate/x")
            for method in ("GET", "POST")
            for key in ("the-admin-key", "wrong", None)
        ),
        version="old",
    ),
    *(
        scenario(
            f"the {version} Worker refuses without a key, and bodies and ids that cannot be meant",
            *(
                send(
                    method, path, 404 if version == "old" and path.startswith("/api/migrate") else 401, b"{}", key=None
                )
                for method, path in ROUTES
            ),
            *(post(path, b"no", 400) for path in (CLAIM, "/api/queue/a/renew", "/api/result/a")),
            post(CLAIM, {"leaseDurationSec": 59}, 400),
            post("/api/queue/a/status", {"status": ""}, 400),
            get("/api/queue/%FF", 400),
            get(f"/api/result/{'x' * 493}", 400),
            get("/api/queue/a/b", 404),
            version=version,
        )
        for version in ("old", "dual")
    ),
    scenario(
        "the old Worker walks its list in order, numbers too, and deletes the lease on what has no task",
        *_both("old"),
        get("/api/queue"),
        *(post(CLAIM, {"workerId": f"w{number}"}) for number in range(4)),
        post("/api/queue/ghost/release", {"workerId": "w"}),
        post("/api/result/7", {"success": True}),
        post("/api/result/both", {"success": True}),
        get("/api/queue"),
        version="old",
    ),
    *(
        scenario(
            f"the dual Worker reads both formats and writes the new one, {leased} being leased in the old",
            *_both(leased),
            get("/api/queue"),
            *(get(f"/api/queue/{task_id}") for task_id in ("old", "both", "new", "7")),
            post(f"/api/queue/{leased}/renew", {"workerId": "former", "extendSec": 90}),
            *(post(CLAIM, {"workerId": f"w{number}"}) for number in range(5)),
            post("/api/queue/old/status", {"status": "claimed"}),
            get("/api/queue/old"),
            get("/api/queue"),
            post(f"/api/queue/{leased}/release", {"workerId": "former"}),
            post(CLAIM, {"workerId": "again"}),
            post("/api/result/both", {"success": True}),
            post("/api/result/old", {"success": False}),
            get("/api/queue/both", 404),
            get("/api/queue"),
            get("/api/migrate/status"),
            version="dual",
        )
        for leased in ("old", "both", "new")
    ),
    *(
        scenario(
            f"the dual Worker looks in the old format where the new one holds {falsy.decode()}",
            seed({PENDING: ["a", 7, "7"], "orchestrator:queue:a": task("a"), "orchestrator:lease:a": lease("former")}),
            seed({"queue:task:a": falsy, "queue:lease:a": falsy, "queue:task:7": task("7")}),
            get("/api/queue"),
            get("/api/queue/a"),
            post(CLAIM, {"workerId": "w"}),
            post("/api/queue/a/renew", {"workerId": "former"}),
            seed({"queue:lease:a": falsy}),
            post("/api/queue/a/release", {"workerId": "w"}, 403),
            post("/api/queue/a/release", {"workerId": "former"}),
            post("/api/queue/a/status", {"status": "failed"}),
            post(CLAIM, {"workerId": "w"}),
            version="dual",
        )
        for falsy in (b"0", b"false", b'""', b"null")
    ),
    *(
        scenario(
            f"a result for a task that no list names, under the {version} Worker",
            post("/api/result/a", {"success": True}),
            get("/api/migrate/status", 404 if version == "old" else 200),
            seed({PENDING: ["b"], "orchestrator:queue:a": task("a"), "orchestrator:queue:b": task("b")}),
            post("/api/result/a", {"success": True}),
            get("/api/queue/a", 404),
            get("/api/queue"),
            post("/api/result/b", {"success": True}),
            get("/api/queue"),
            get("/api/migrate/status", 404 if version == "old" else 200),
            version=version,
        )
        for version in ("old", "dual")
    ),
    *(
        scenario(
            f"leases of the {version} Worker end with their time",
            fixture("basic"),
            post(CLAIM, {"workerId": "v", "leaseDurationSec": 60}),
            post(CLAIM, {"workerId": "v", "leaseDurationSec": 120}),
            post("/api/queue/task2/renew", {"workerId": "v", "extendSec": 600}),
            Advance(130),
            post(CLAIM, {"workerId": "w"}),
            Advance(175),
            post(CLAIM, {"workerId": "x"}),
            post(CLAIM, {"workerId": "x"}),
            Advance(3300),
            get("/api/queue"),
            version=version,
        )
        for version in ("old", "dual")
    ),
)
