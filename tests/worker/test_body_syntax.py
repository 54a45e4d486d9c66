"""Bodies that are no JSON object: a 400 that says so, and not one KV call."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_emulator.worker import bodies
from queue_emulator.worker.answers import Answer
from tests.worker.deployed import Worker, parsed
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio

INVALID_JSON = {"error": "Invalid JSON in request body"}
NOT_AN_OBJECT = {"error": "Validation failed", "details": ["body: must be a JSON object"]}

ROUTES_WITH_A_BODY = [
    "/api/queue/claim",
    "/api/queue/a/release",
    "/api/queue/a/renew",
    "/api/queue/a/status",
    "/api/result/a",
]

NOT_JSON = {
    "empty": b"",
    "only white space": b" \r\n\t ",
    "a word": b"hello",
    "cut off": b'{"workerId":"w"',
    "single quotes": b"{'workerId':'w'}",
    "a bare name": b"{workerId:1}",
    "a trailing comma": b'{"workerId":"w",}',
    "a comment": b'{} // {"workerId":"w"}',
    "two documents": b"{}{}",
    "a form": b"workerId=w&leaseDurationSec=60",
    "NaN": b'{"output":NaN}',
    "Infinity": b'{"output":Infinity}',
    "-Infinity": b'{"output":[-Infinity]}',
    "a leading zero": b'{"leaseDurationSec":0300}',
    "a plus sign": b'{"leaseDurationSec":+300}',
    "a raw newline in a string": b'{"workerId":"a\nb"}',
    "a NUL between tokens": b'{\x00"workerId":"w"}',
    "a bad escape": b'{"workerId":"\\x41"}',
    "a name twice": b'{"workerId":"a","workerId":"b"}',
    "a name twice, once escaped": b'{"workerId":"a","w\\u006frkerId":"b"}',
    "a name twice, deep down": b'{"output":[{"k":{"n":1,"n":1}}]}',
    "a lone high surrogate": b'{"workerId":"\\ud800"}',
    "a lone low surrogate": b'{"workerId":"\\udc00x"}',
    "a lone surrogate, deep down": b'{"output":[{"k":["\\ud83d"]}]}',
    "a lone surrogate in a name": b'{"\\ud800":1}',
    "surrogates in the wrong order": b'{"workerId":"\\ude00\\ud83d"}',
    "bytes that are not UTF-8": b'{"workerId":"\xff"}',
    "Latin-1": '{"workerId":"é"}'.encode("latin-1"),
    "UTF-16": '{"workerId":"w"}'.encode("utf-16"),
    "a surrogate in UTF-8": b'{"workerId":"\xed\xa0\x80"}',
    "an overlong NUL": b'{"workerId":"\xc0\x80"}',
    "an array cut off deep down": b"[" * 100_000,
    "an object cut off deep down": b'{"a":' * 100_000,
    "deep brackets": b"[" * 100_000 + b"]" * 100_000,
}

NOT_OBJECTS = [b"[]", b'[{"workerId":"w"}]', b"null", b"true", b"0", b"-1.5e3", b'"workerId"', b'""', b" [ ] "]


def nested(depth: int) -> bytes:
    """An object whose deepest bracket is the `depth`th."""
    return b'{"output":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


async def refusal(worker: Worker, watch: Callable[..., WatchedBinding], path: str, content: bytes) -> Answer:
    """The answer, once it is sure that KV was left alone."""
    binding = watch()
    answer = await worker.send("POST", path, content, at=binding)
    assert binding.calls == []
    return answer


@pytest.mark.parametrize("content", NOT_JSON.values(), ids=NOT_JSON.keys())
@pytest.mark.parametrize("path", ROUTES_WITH_A_BODY)
async def test_a_body_that_is_not_json_is_refused(
    worker: Worker, watch: Callable[..., WatchedBinding], path: str, content: bytes
) -> None:
    assert parsed(await refusal(worker, watch, path, content)) == (400, INVALID_JSON)


@pytest.mark.parametrize("content", NOT_OBJECTS)
@pytest.mark.parametrize("path", ROUTES_WITH_A_BODY)
async def test_json_that_is_no_object_is_refused(
    worker: Worker, watch: Callable[..., WatchedBinding], path: str, content: bytes
) -> None:
    assert parsed(await refusal(worker, watch, path, content)) == (400, NOT_AN_OBJECT)


async def test_nesting_is_read_to_a_depth_of_200_and_refused_beyond(
    worker: Worker, watch: Callable[..., WatchedBinding]
) -> None:
    assert (await worker.send("POST", "/api/result/a", nested(200))).status == 200
    assert parsed(await refusal(worker, watch, "/api/result/b", nested(201))) == (400, INVALID_JSON)


@pytest.mark.parametrize(
    "content",
    [
        b'{"output":"' + b"[{" * 500 + b'"}',
        b'{"output":"\\"' + b"[" * 500 + b'"}',
        b'{"output":"\\\\","more":"' + b"{" * 500 + b'"}',
        b'{"output":[' + b",".join([b"[]"] * 500) + b"]}",
    ],
    ids=["brackets in a string", "after an escaped quote", "after an escaped backslash", "many but side by side"],
)
async def test_only_brackets_inside_each_other_count_as_nesting(worker: Worker, content: bytes) -> None:
    assert (await worker.send("POST", "/api/result/a", content)).status == 200
    assert await worker.get("/api/result/a") == (200, json.loads(content))


@pytest.mark.parametrize(
    ("content", "stored"),
    [
        (b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a":"\\u0000"}', {"a": "\0"}),
        (b'{"a":"\\\\ud800"}', {"a": "\\ud800"}),
        ("{'a':'😀'}".replace("'", '"').encode(), {"a": "😀"}),
        (b'{"":{"":[]}}', {"": {"": []}}),
        (b'{"__proto__":{"a":1}}', {"__proto__": {"a": 1}}),
        (b'\r\n\t {"a" : null }\n', {"a": None}),
        (b'{"a":1.0,"b":-0,"c":1e3,"d":0.1}', {"a": 1, "b": 0, "c": 1000, "d": 0.1}),
        (b'{"a":1e400,"b":-1e400}', {"a": None, "b": None}),
        (b'{"a":9007199254740993}', {"a": 9007199254740992}),
        (b'{"a":' + b"9" * 5000 + b"}", {"a": None}),
    ],
)
async def test_odd_json_is_still_json_with_javascripts_numbers(
    worker: Worker, content: bytes, stored: dict[str, object]
) -> None:
    assert (await worker.send("POST", "/api/result/a", content)).status == 200
    assert await worker.get("/api/result/a") == (200, stored)


async def test_a_body_over_the_size_limit_is_413(worker: Worker, watch: Callable[..., WatchedBinding]) -> None:
    binding = watch()
    answer = await worker.send("POST", "/api/result/a", None, at=binding)
    assert parsed(answer) == (413, {"error": "Request body exceeds 26214400 bytes"})
    assert binding.calls == []


async def test_routes_without_a_body_do_not_read_one(worker: Worker) -> None:
    assert (await worker.send("GET", "/api/queue", None)).status == 200
    assert (await worker.send("POST", "/api/migrate/run", None, key=b"the-admin-key")).status == 200


bodies_of_renew = st.fixed_dictionaries(
    {"workerId": st.text() | st.none()},
    optional={"extendSec": st.integers() | st.floats(allow_nan=False) | st.text(), "x": st.none()},
)


@given(st.binary() | st.text().map(str.encode) | bodies_of_renew.map(lambda body: json.dumps(body).encode()))
@settings(deadline=None)
def test_whatever_the_bytes_a_body_is_an_object_or_a_400(content: bytes) -> None:
    try:
        body = bodies.parse_body(content, bodies.RENEW)
    except bodies.BodyError as refused:
        assert refused.answer.status == 400
        assert set(json.loads(refused.answer.content)) <= {"error", "details"}
    else:
        assert json.loads(content)["workerId"] == body["workerId"]


json_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
json_values = st.recursive(
    json_scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def as_doubles(value: object) -> object:
    return json.loads(json.dumps(value), parse_int=float)


@pytest.mark.slow
@given(st.dictionaries(st.text(), json_values, max_size=5), st.booleans())
@settings(deadline=None)
def test_every_json_object_is_taken_as_a_result_with_its_numbers_as_doubles(
    value: dict[str, object], escaped: bool
) -> None:
    taken = bodies.parse_body(json.dumps(value, ensure_ascii=escaped).encode(), bodies.RESULT)
    assert as_doubles(taken) == as_doubles(value)


async def test_a_byte_order_mark_is_stripped_as_the_runtime_does(worker: Worker) -> None:
    answer = await worker.send("POST", "/api/queue/claim", b'\xef\xbb\xbf{"workerId":"w"}')
    assert answer.status == 200
