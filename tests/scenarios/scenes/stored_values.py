"""What lies in KV and is not what the Worker would have written."""

from tests.scenarios.steps import Scenario, escapes, get, post, scenario, seed
from tests.worker.deployed import lease, task

CLAIM = "/api/queue/claim"

_FALSY = (b"null", b"0", b"false", b'""', b"-0.0")
_NO_OBJECTS = (b'[7,"x",null]', b'"hi \\ud83d\\ude80"', b"42", b"true", b"{}", b"1.50", b'" "', b"[]")
_NOT_JSON = (b"", b"plain", b"{", b'{"id":"a"', b"undefined", b"[object Object]", b"NaN", b"'a'", b"01")

SCENARIOS: tuple[Scenario, ...] = (
    scenario(
        "a value that is falsy in JavaScript counts as missing, but to a claim a lease of any text is one",
        *(
            step
            for value in _FALSY
            for step in (
                seed({"queue:task:a": value, "queue:lease:a": value, "orchestrator:result:a": value}),
                get("/api/queue"),
                get("/api/queue/a", 404),
                get("/api/result/a", 404),
                post("/api/queue/a/status", {"status": "claimed"}, 404),
                post("/api/queue/a/renew", {"workerId": "w"}, 403),
                post("/api/queue/a/release", {"workerId": "w"}),
                post(CLAIM, {"workerId": "w"}),
            )
        ),
    ),
    scenario(
        "a value of another type is answered as it lies there, and spread as JavaScript does",
        *(
            step
            for value in _NO_OBJECTS
            for step in (
                seed({"queue:task:a": value, "orchestrator:result:a": value}),
                get("/api/queue/a"),
                get("/api/result/a"),
                post(CLAIM, {"workerId": "w"}),
                post("/api/queue/a/release"),
                post("/api/queue/a/status", {"status": "failed"}),
                get("/api/queue/a"),
            )
        ),
    ),
    scenario(
        "a lease of another type is held by nobody, and only who names nobody releases it",
        *(
            step
            for value in (*_NO_OBJECTS, b'{"claimedAt":"?"}', b'{"workerId":null}', b'{"workerId":7}')
            for step in (
                seed({"queue:task:a": task("a"), "queue:lease:a": value}),
                post(CLAIM, {"workerId": "w"}),
                post("/api/queue/a/renew", {"workerId": "w"}, 403),
                post("/api/queue/a/renew", {"workerId": "7"}, 403),
                post("/api/queue/a/release", {"workerId": "w"}, 403),
                post("/api/queue/a/release", {"workerId": "null"}, 403),
                post("/api/queue/a/release", {"workerId": "7"}, 403),
                post("/api/queue/a/release", {"reason": "none"}),
                post("/api/queue/a/release", {}),
            )
        ),
    ),
    scenario(
        "what a lease holds besides is kept when it is renewed",
        seed({"queue:lease:a": lease("w", claimNonce="n", unknown={"deep": [1]}, renewedAt="once")}),
        post("/api/queue/a/renew", {"workerId": "w", "extendSec": 120}),
        post("/api/queue/a/renew", {"workerId": "w"}),
        seed({"queue:lease:a": {"workerId": "w"}}),
        post("/api/queue/a/renew", {"workerId": "w", "extendSec": 60}),
    ),
    scenario(
        "a stored value is read and written again as JSON.parse and JSON.stringify do",
        seed(
            {"queue:task:a": b' { "id" : "a" , "n" : [ 1.0, 1e3, -0, 1e21, 1e-7, 0.1 ], "t" : "\\u00e9\\/\\ud800" } '}
        ),
        get("/api/queue/a"),
        post("/api/queue/a/status", {"status": "claimed"}),
        get("/api/queue/a"),
        post(CLAIM, {"workerId": "w"}),
    ),
    scenario(
        "a value that is not JSON escapes the Worker's code",
        *(
            step
            for value in _NOT_JSON
            for step in (
                seed({"queue:task:a": value, "queue:lease:a": value, "orchestrator:result:a": value}),
                get("/api/queue"),
                escapes(get("/api/queue/a")),
                escapes(get("/api/result/a")),
                escapes(post("/api/queue/a/status", {"status": "claimed"})),
                escapes(post("/api/queue/a/renew", {"workerId": "w"})),
                escapes(post("/api/queue/a/release")),
                # A lease counts by its text: only the empty one is none, and then the task is read.
                post(CLAIM, {"workerId": "w"}) if value else escapes(post(CLAIM, {"workerId": "w"})),
                post("/api/result/a", {"success": True}),
                get("/api/result/a"),
            )
        ),
    ),
    scenario(
        "a claim that meets a task that is not JSON leaves its lease behind",
        seed({"queue:task:a": b"not JSON", "queue:task:b": task("b")}),
        escapes(post(CLAIM, {"workerId": "w"})),
        post(CLAIM, {"workerId": "v"}),
        post("/api/queue/a/renew", {"workerId": "w"}),
    ),
)
