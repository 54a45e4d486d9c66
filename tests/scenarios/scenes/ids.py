"""Ids: a path segment, decoded once, of any letters, as long as the keys made of it fit."""

from urllib.parse import quote

from tests.scenarios.scenes.routes import WITH_ID
from tests.scenarios.steps import Scenario, get, post, scenario, seed, send
from tests.worker.deployed import lease, task

SEGMENTS = {
    "task-1": "task-1",
    "A": "A",
    "a%2Fb": "a/b",
    "a%2fc": "a/c",
    "a%00b": "a\0b",
    "%20": " ",
    "a+b": "a+b",
    "a%2Bc": "a+c",
    "%252F": "%2F",
    "%2525": "%25",
    "100%": "100%",
    "%zz": "%zz",
    "%%41": "%A",
    "%4": "%4",
    "%E4%BB%BB": "任",
    "%F0%9F%9A%80-launch": "🚀-launch",
    "%EF%BB%BFbom": "\ufeffbom",
    "%EF%BF%BD": "\ufffd",
    "%C3%A9": "é",
    "e%CC%81": "e\u0301",
    "a%0Ab": "a\nb",
    "...": "...",
    "%2e%2e%2e": "...",
    "..a": "..a",
    "%252e%252e": "%2e%2e",
    "a:b;c=d,e@f!$&'()*": "a:b;c=d,e@f!$&'()*",
    "%22quoted%22": '"quoted"',
    "%3Ctag%3E": "<tag>",
    "__proto__": "__proto__",
    "constructor": "constructor",
    "a%3Fb%23c": "a?b#c",
    "a|b^c~d_e`f{G}": "a|b^c~d_e`f{G}",
    "[x]": "[x]",
    "a%5Cb": "a\\b",
}
_NOT_UTF_8 = ("%FF", "a%80", "%C0%AF", "%ED%A0%80", "%F4%90%80%80", "%E4%BB", "%E4%BB%zz")
_LONGEST = ("x" * 492, "é" * 246, "🚀" * 123, "%" * 492)
_TOO_LONG = ("x" * 493, "é" * 247, "🚀" * 124, "x" * 2000)


def _renamed(path: str, segment: str) -> str:
    """A route's path for another id than "a"."""
    return "/".join(segment if part == "a" else part for part in path.split("/"))


SCENARIOS: tuple[Scenario, ...] = (
    scenario(
        "an id is its path segment, decoded once",
        seed({f"queue:task:{task_id}": {"id": task_id} for task_id in SEGMENTS.values()}),
        get("/api/queue"),
        *(get(f"/api/queue/{segment}") for segment in SEGMENTS),
        *(get(f"/api/queue/{segment}", 404) for segment in ("a%252Fb", "task-1%20", "TASK-1", "e%CC%80")),
    ),
    scenario(
        "a task of any name goes through its whole life",
        *(
            step
            for segment, task_id in SEGMENTS.items()
            for step in (
                seed({f"queue:task:{task_id}": {"id": task_id}}),
                post("/api/queue/claim", {"workerId": "w"}),
                post(f"/api/queue/{segment}/renew", {"workerId": "w"}),
                post(f"/api/queue/{segment}/status", {"status": "claimed"}),
                post(f"/api/queue/{segment}/release", {"workerId": "w"}),
                post(f"/api/result/{segment}", {"success": True, "output": task_id}),
                get(f"/api/result/{segment}"),
            )
        ),
        get("/api/queue"),
    ),
    scenario(
        "an id that is not UTF-8 is refused, before the body is looked at",
        *(send(method, _renamed(path, segment), 400, b"no") for segment in _NOT_UTF_8 for method, path in WITH_ID),
    ),
    scenario(
        "an id of up to 492 bytes fits the longest key",
        *(
            step
            for task_id in _LONGEST
            for step in (
                seed({f"queue:task:{task_id}": task("long"), f"queue:lease:{task_id}": lease("w")}),
                get(f"/api/queue/{quote(task_id)}"),
                post(f"/api/queue/{quote(task_id)}/renew", {"workerId": "w"}),
                post(f"/api/queue/{quote(task_id)}/status", {"status": "failed"}),
                post(f"/api/queue/{quote(task_id)}/release"),
                post(f"/api/result/{quote(task_id)}", {"success": True}),
                get(f"/api/result/{quote(task_id)}"),
            )
        ),
    ),
    scenario(
        "an id of more bytes is refused, before the body is looked at",
        *(send(method, _renamed(path, quote(each)), 400, b"no") for each in _TOO_LONG for method, path in WITH_ID),
    ),
)
