"""Request bodies: which are taken, and which are refused with which words.

Left out by decision are bodies that the Python Worker refuses and JSON.parse takes: a member twice, lone surrogates,
bytes that are not UTF-8, nesting deeper than 200.
"""

from queue_emulator.core.javascript import Json
from tests.scenarios.scenes.routes import WITH_BODY
from tests.scenarios.steps import Scenario, get, post, scenario, seed
from tests.worker.deployed import lease, task

CLAIM, RELEASE, RENEW, STATUS = "/api/queue/claim", "/api/queue/a/release", "/api/queue/a/renew", "/api/queue/a/status"

_STOCK = seed({"queue:task:a": task("a"), "queue:task:b": task("b"), "queue:lease:a": lease("w")})
_LOOK = (get("/api/queue"), get("/api/queue/a"), get("/api/migrate/status"))

_NOT_JSON = (
    b"",
    b" \r\n\t ",
    b"hello",
    b'{"workerId":"w"',
    b"{'workerId':'w'}",
    b"{workerId:1}",
    b'{"workerId":"w",}',
    b'{} // {"workerId":"w"}',
    b"{}{}",
    b"workerId=w&leaseDurationSec=60",
    b'{"output":NaN}',
    b'{"output":Infinity}',
    b'{"output":[-Infinity]}',
    b'{"leaseDurationSec":0300}',
    b'{"leaseDurationSec":+300}',
    b'{"leaseDurationSec":.5}',
    b'{"leaseDurationSec":300.}',
    b'{"leaseDurationSec":0x12c}',
    b'{"workerId":"a\nb"}',
    b'{"workerId":"a\x7f\tb"}',
    b'{\x00"workerId":"w"}',
    b'{"workerId":"\\x41"}',
    b'{"workerId":"\\u12"}',
    b'\xc2\xa0{"workerId":"w"}',
    b'{"workerId":undefined}',
    b"[" * 100,
)
_NOT_OBJECTS = (b"[]", b'[{"workerId":"w"}]', b"null", b"true", b"0", b"-1.5e3", b'"workerId"', b'""', b" [ ] ")


def _each(path: str, member: str, *values: Json, **more: Json) -> list[tuple[str, Json]]:
    """A body for each value of the member."""
    return [(path, {**more, member: value}) for value in values]


_REFUSED: list[tuple[str, Json | bytes]] = [
    *_each(CLAIM, "workerId", 5, None, ["w"], {}, False),
    *_each(CLAIM, "leaseDurationSec", "300", None, True, 60.5, [300], {"seconds": 300}, ""),
    *_each(CLAIM, "leaseDurationSec", 59, 59.999999999999, 1, 0, -300, -1e300),
    (CLAIM, b'{"leaseDurationSec":1e400}'),
    (CLAIM, b'{"leaseDurationSec":-1e400}'),
    (CLAIM, b'{"leaseDurationSec":-0}'),
    (CLAIM, {"workerId": 1, "leaseDurationSec": 1}),
    (CLAIM, {"leaseDurationSec": 1, "workerId": 1}),
    *_each(RELEASE, "workerId", 5, None, ["w"], {}, False),
    *_each(RELEASE, "reason", 5, None, [], {}, True),
    (RELEASE, {"reason": None, "workerId": None}),
    (RENEW, {}),
    *_each(RENEW, "workerId", "", 5, None, ["w"], {}, False),
    *_each(RENEW, "extendSec", 59, 0, -1, "60", None, True, 60.5, [], workerId="w"),
    (RENEW, {"extendSec": 0}),
    (RENEW, {"workerId": "", "extendSec": 0}),
    (STATUS, {}),
    *_each(STATUS, "status", "", None, ["pending"], 1, True, {}),
]

_RESULTS: tuple[bytes, ...] = (
    b"{}",
    b'{"success":false,"error":"no such branch"}',
    b'{"success":"yes","error":5}',
    '{"output":{"log":["один","🚀","\u2028"]},"extra":null}'.encode(),
    b'{"a":"\\ud83d\\ude00","b":"\\u0000\\u001f\\u007f\\u2028","c":"\\/\\b\\f\\n\\r\\t\\"\\\\"}',
    b'{"a":"\\\\ud800"}',
    b'{"":{"":[]}}',
    b'{"__proto__":{"a":1},"constructor":2,"toString":3}',
    b'\r\n\t {"a" : null }\n',
    b'{"a":1.0,"b":-0,"c":1e3,"d":0.1,"e":-0.0,"f":1E+2,"g":100e-2}',
    b'{"a":1e400,"b":-1e400,"c":1e-400,"d":5e-324,"e":1.7976931348623157e308}',
    b'{"a":9007199254740993,"b":123456789012345678901234567890,"c":1e21,"d":1e-7,"e":0.000001,"f":123e18}',
    b'{"a":0.30000000000000004,"b":4.35,"c":1.1e-10,"d":12345.678e10,"e":1e20}',
    b'{"a":' + b"9" * 5000 + b"}",
    b'{"output":' + b"[" * 199 + b"]" * 199 + b"}",
    b'{"output":"' + b"[{" * 500 + b'"}',
    b'{"output":"' + b"x" * 100_000 + b'"}',
)

SCENARIOS: tuple[Scenario, ...] = (
    scenario(
        "a body that is not JSON is refused on every route that takes one",
        _STOCK,
        *(post(path, content, 400) for content in _NOT_JSON for path in WITH_BODY),
        *_LOOK,
    ),
    scenario(
        "JSON that is no object is refused on every route that takes a body",
        _STOCK,
        *(post(path, content, 400) for content in _NOT_OBJECTS for path in WITH_BODY),
        *_LOOK,
    ),
    scenario(
        "a field of a wrong type or value is refused with the reason, and nothing is written",
        _STOCK,
        *(post(path, body, 400) for path, body in _REFUSED),
        *_LOOK,
    ),
    scenario(
        "fields that are not the route's are ignored",
        _STOCK,
        post(CLAIM, {"workerId": "v", "extendSec": "x", "status": 5, "taskId": "a"}),
        post(RENEW, {"workerId": "w", "leaseDurationSec": 1, "reason": 5, "status": []}),
        post(STATUS, {"status": "claimed", "workerId": 7, "extendSec": 1}),
        *(post(STATUS, {"status": each}) for each in ("processing", "Pending", "pending ", "в работе", " ")),
        get("/api/queue/a"),
        post(RELEASE, {"workerId": "w", "status": 5, "extendSec": 0}),
    ),
    scenario(
        "seconds may be spelled in any way JSON allows",
        _STOCK,
        *(
            post(RENEW, b'{"workerId":"w","extendSec":' + spelled + b"}")
            for spelled in (b"120", b"120.0", b"1.2e2", b"12e1", b"1200E-1", b"6e1")
        ),
    ),
    scenario(
        "a lease lasts 300 seconds, or as long as asked for but 600 at most",
        _STOCK,
        post(RENEW, {"workerId": "w"}),
        *(post(RENEW, {"workerId": "w", "extendSec": asked}) for asked in (60, 61, 300, 599, 600, 601, 10**9, 1e300)),
        *(
            step
            for asked in ({}, *({"leaseDurationSec": seconds} for seconds in (60, 90, 600, 601, 1e300)))
            for step in (post(CLAIM, {"workerId": "v", **asked}), post("/api/queue/b/release"))
        ),
    ),
    scenario(
        "a worker's name is any text",
        _STOCK,
        *(
            step
            for name in ("w", " ", "żółw", "🐢", "x" * 5000, "a\0b\n", "__proto__", '"', "</script>", "undefined")
            for step in (
                post(CLAIM, {"workerId": name}),
                post("/api/queue/b/renew", {"workerId": name}),
                post("/api/queue/b/release", {"workerId": name, "reason": name}),
            )
        ),
    ),
    # Two sequences: names that are made in one millisecond are the same, on a clock that stands still always.
    *(
        scenario(
            f"a claim {whose} is made in the name of the hour",
            _STOCK,
            post(CLAIM, content),
            post("/api/queue/b/renew", {"workerId": "worker_1"}, 403),
            post("/api/queue/b/release"),
        )
        for whose, content in (("without a worker", b"{}"), ("of a worker without a name", b'{"workerId":""}'))
    ),
    scenario(
        "a result is any JSON object, given back with JavaScript's numbers",
        *(step for content in _RESULTS for step in (post("/api/result/a", content), get("/api/result/a"))),
    ),
    scenario(
        "a byte order mark before a body is not looked at",
        _STOCK,
        post(CLAIM, b'\xef\xbb\xbf{"workerId":"w"}'),
        post(CLAIM, b'\xef\xbb\xbf\xef\xbb\xbf{"workerId":"w"}', 400),
        post(CLAIM, b'{"workerId":\xef\xbb\xbf"w"}', 400),
        post(CLAIM, b"\xef\xbb\xbf", 400),
    ),
    scenario(
        "a body that is longer than any value in KV is refused",
        post("/api/result/a", b'{"output":"' + b"x" * (25 * 1024 * 1024) + b'"}', 413),
        get("/api/result/a", 404),
    ),
    scenario(
        "a result that is too large once JavaScript has written its numbers is refused, and the task stays",
        _STOCK,
        # Nearly as long as a value may be, and each number is written with 17 bytes more than it came with.
        post("/api/result/a", b'{"a":"' + b"x" * 26_200_000 + b'","n":[' + b",".join([b"1e20"] * 2_000) + b"]}", 413),
        get("/api/result/a", 404),
        get("/api/queue/a"),
    ),
)
