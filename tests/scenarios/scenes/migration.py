"""The migration: every fixture file, twice over and back, and what else can lie in the old format."""

from typing import Any

from queue_emulator.core.javascript import Json
from tests.scenarios.steps import Request, Scenario, fixture, get, post, scenario, seed
from tests.worker.deployed import lease, task

STATUS, RUN, ROLLBACK = "/api/migrate/status", "/api/migrate/run", "/api/migrate/rollback"
PENDING = "orchestrator:pending"

# What a first run of each file of fixtures/old-format is answered with.
FIRST_RUN = dict.fromkeys(("basic", "in-use", "leased", "corrupt-pending", "thousand"), 200)
FIRST_RUN |= {"orphans": 207, "corrupt": 207}


def _migrated(status: int) -> list[Request]:
    return [
        get(STATUS),
        get("/api/queue"),
        post(RUN, status=status),
        get(STATUS),
        get("/api/queue"),
        post(RUN),
        post("/api/queue/claim", {"workerId": "test-worker"}),
        get("/api/queue"),
        post(ROLLBACK),
        get(STATUS),
        get("/api/queue"),
        post(ROLLBACK),
        post(RUN),
    ]


_CORRUPT_IDS = (
    *("healthy-1", "healthy-2", "healthy-3", "a-number", "an-array", "7"),
    *("%D0%B7%D0%B0%D0%B4%D0%B0%D1%87%D0%B0-1", "%E4%BB%BB%E5%8A%A1-2", "%F0%9F%9A%80-launch", "team%20a%2Fbuild%207"),
)
_ODD_IDS: tuple[Json, ...] = (7, 1.5, -0.0, 1e21, None, True, ["x", 1], [], [[None]], {}, "", " ")
_NOT_JSON = (b"not JSON", b"", b"[1,", b"undefined")
_NO_LISTS = (b'{"a":true}', b'{"length":7}', b"5", b"-1.5", b"true")
_EMPTY_LISTS = (b"[]", b'""', b"0", b"false", b"null")


def _old(ids: list[Any], **more: Json) -> dict[str, Json | bytes]:
    return {PENDING: ids, **{f"orchestrator:queue:{task_id}": task(task_id) for task_id in ids}, **more}


SCENARIOS: tuple[Scenario, ...] = (
    *(
        scenario(f"{name}.json is migrated, migrated again and rolled back", fixture(name), *_migrated(status))
        for name, status in FIRST_RUN.items()
    ),
    *(
        scenario(f"{name}.json is rolled back before it was migrated", fixture(name), post(ROLLBACK), get("/api/queue"))
        for name in FIRST_RUN
    ),
    scenario(
        "each value of corrupt.json that moved can be read in the new format",
        fixture("corrupt"),
        post(RUN, status=207),
        *(get(f"/api/queue/{task_id}") for task_id in _CORRUPT_IDS),
        *(get(f"/api/queue/{task_id}", 404) for task_id in ("truncated", "plain-text", "empty", "a-null", "404")),
        *(post("/api/queue/claim", {"workerId": f"w{number}"}) for number in range(8)),
    ),
    scenario(
        "an empty namespace needs no migration",
        get(STATUS),
        post(RUN),
        post(ROLLBACK),
    ),
    scenario(
        "the new format alone needs no migration, and a rollback deletes it",
        seed({"queue:task:a": task("a"), "queue:task:b": task("b"), "queue:lease:a": lease("w")}),
        seed({"orchestrator:result:z": {"success": True}, "queue:other": 1, "orchestrator:queue:c": task("c")}),
        get(STATUS),
        post(RUN),
        post(ROLLBACK),
        get(STATUS),
        get("/api/result/z"),
    ),
    scenario(
        "the status counts both formats",
        seed({**_old(["a", "b"]), **{f"orchestrator:lease:{name}": lease("w") for name in "abcd"}}),
        seed({**{f"queue:task:{name}": task(name) for name in "vwxyz"}, "queue:lease:v": lease("w")}),
        get(STATUS),
        post(RUN),
        get(STATUS),
    ),
    scenario(
        "an empty pending list is an old format that exists, and stays",
        seed({PENDING: []}),
        get(STATUS),
        post(RUN),
        get(STATUS),
        post(RUN),
    ),
    scenario(
        "a pending list of null is none to the status and an empty one to a run",
        seed({PENDING: b"null", "orchestrator:lease:a": lease("w")}),
        get(STATUS),
        post(RUN),
        get(STATUS),
        post(RUN),
    ),
    *(
        scenario(
            f"a run over a pending list of {value.decode() or 'no text'} moves leases alone",
            seed({PENDING: value, "orchestrator:queue:a": task("a"), "orchestrator:lease:a": lease("w")}),
            get(STATUS, 500 if value in _NOT_JSON else 200),
            post(RUN),
            get(STATUS, 500 if value in _NOT_JSON else 200),
            get("/api/queue"),
            post(RUN),
        )
        for value in (*_NOT_JSON, *_NO_LISTS, *_EMPTY_LISTS)
    ),
    scenario(
        "a pending list that is a text is walked by its characters, and counted by its length",
        seed({PENDING: "a🚀é?", **{f"orchestrator:queue:{each}": task(each) for each in "a🚀é"}}),
        get(STATUS),
        post(RUN, status=207),
        get("/api/queue"),
        get(STATUS),
    ),
    scenario(
        "an id listed twice fails the second time",
        seed({PENDING: ["a", "a"], "orchestrator:queue:a": task("a")}),
        post(RUN, status=207),
        get("/api/queue"),
    ),
    scenario(
        "a run in which nothing moved leaves the pending list",
        seed({PENDING: ["ghost"]}),
        post(RUN, status=207),
        post(RUN, status=207),
        get(STATUS),
    ),
    scenario(
        "an id that is no text becomes one as in a template literal",
        *(
            step
            for listed, name in zip(
                _ODD_IDS,
                ("7", "1.5", "0", "1e+21", "null", "true", "x,1", "", "", "[object Object]", "", " "),
                strict=True,
            )
            for step in (
                seed({PENDING: [listed, listed], f"orchestrator:queue:{name}": task("odd")}),
                post(RUN, status=207),
                get("/api/queue"),
                post(ROLLBACK),
            )
        ),
    ),
    scenario(
        "an id whose keys KV refuses fails alone, in KV's words",
        seed({PENDING: ["x" * 600, "y" * 494, "é" * 247, "a"], "orchestrator:queue:a": task("a")}),
        post(RUN, status=207),
        get("/api/queue"),
    ),
    scenario(
        "a lease that is not JSON fails, one that is falsy is passed over, all others move",
        seed({PENDING: []}),
        seed({f"orchestrator:lease:{name}": lease("w") for name in ("a", "ж", "🚀", "x y")}, ttl_s=60),
        seed({"orchestrator:lease:b": b"?", "orchestrator:lease:c": b"null", "orchestrator:lease:d": b'"text"'}),
        seed({"orchestrator:lease:e": b"", "orchestrator:lease:f": b"0", "orchestrator:lease:g": b"[]"}),
        seed({"orchestrator:lease:": lease("nameless"), "orchestrator:leases": b"[]"}),
        post(RUN, status=207),
        get(STATUS),
        post("/api/queue/a/renew", {"workerId": "w"}),
        post("/api/queue/%D0%B6/release", {"workerId": "w"}),
    ),
    scenario(
        "the errors of a run are JavaScript's and KV's own words",
        seed({PENDING: [str(number) for number in range(12)]}),
        seed(
            {
                f"orchestrator:queue:{number}": value
                for number, value in enumerate(
                    (
                        *(b'{"a":1,}', b"[1 2]", b'{"a" 1}', b'"\\x"', b'"a\nb"', b"tru", b"-", b"1.", b"1e"),
                        *(b"{} {}", b'{"long":"' + b"x" * 100 + b'" oops}', '{"é":"🚀"'.encode()),
                    )
                )
            }
        ),
        post(RUN, status=207),
    ),
)
