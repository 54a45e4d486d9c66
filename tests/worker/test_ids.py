"""Ids: taken raw from the path, decoded once, any segment as long as its keys fit; dot segments are no ids."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_emulator.core.keys import decode_segment
from queue_emulator.worker.fetch import ID_BYTES_MAX, normalize_path
from tests.worker.deployed import Centre, Worker, parsed, task
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio

SEGMENTS = {
    b"task-1": "task-1",
    b"A": "A",
    b"a%2Fb": "a/b",
    b"a%2fb": "a/b",
    b"a%00b": "a\0b",
    b"%20": " ",
    b"a+b": "a+b",
    b"a%2Bb": "a+b",
    b"%252F": "%2F",
    b"%2525": "%25",
    b"100%": "100%",
    b"%zz": "%zz",
    b"%E4%BB%BB": "任",
    "任务-2".encode(): "任务-2",
    b"%F0%9F%9A%80-launch": "🚀-launch",
    b"a%0Ab": "a\nb",
    b"a\nb": "a\nb",
    b"...": "...",
    b"%2e%2e%2e": "...",
    b"..a": "..a",
    b"%252e%252e": "%2e%2e",
    b"a:b;c=d,e@f!$&'()*": "a:b;c=d,e@f!$&'()*",
    b"__proto__": "__proto__",
    b"claim": "claim",
    b"a%3Fb%23c": "a?b#c",
}


@pytest.mark.parametrize(("segment", "task_id"), SEGMENTS.items())
async def test_an_id_is_its_segment_decoded_once(
    worker: Worker, watch: Callable[..., WatchedBinding], segment: bytes, task_id: str
) -> None:
    reading, finishing = watch(), watch()
    await worker.send("GET", b"/api/queue/" + segment, at=reading)
    await worker.send("POST", b"/api/result/" + segment, b"{}", at=finishing)
    assert reading.calls == [("get", f"queue:task:{task_id}")]
    assert finishing.calls[0][:2] == ("put", f"orchestrator:result:{task_id}")


async def test_an_encoded_slash_and_a_real_one_are_not_the_same(worker: Worker, centre: Centre) -> None:
    await centre.load({"queue:task:a/b": task("a/b")})
    assert await worker.get("/api/queue/a%2Fb") == (200, task("a/b"))
    assert await worker.get("/api/queue/a/b") == (404, {"error": "Not found"})
    assert (await worker.post("/api/queue/a%2Fb/status", {"status": "claimed"}))[0] == 200
    assert (await worker.post("/api/queue/a/b/status", {"status": "claimed"}))[0] == 404


@pytest.mark.parametrize("segment", [b"%FF", b"\xff", b"a%80", b"%C0%AF", b"%ED%A0%80", b"%F4%90%80%80", b"%E4%BB"])
@pytest.mark.parametrize(
    ("method", "before", "after"),
    [
        ("GET", b"/api/queue/", b""),
        ("POST", b"/api/queue/", b"/release"),
        ("POST", b"/api/queue/", b"/renew"),
        ("POST", b"/api/queue/", b"/status"),
        ("GET", b"/api/result/", b""),
        ("POST", b"/api/result/", b""),
    ],
)
async def test_an_id_that_is_not_utf_8_is_refused(
    worker: Worker, watch: Callable[..., WatchedBinding], method: str, before: bytes, after: bytes, segment: bytes
) -> None:
    binding = watch()
    answer = await worker.send(method, before + segment + after, b"{}", at=binding)
    assert parsed(answer) == (400, {"error": "Validation failed", "details": ["id: must be percent-encoded UTF-8"]})
    assert binding.calls == []


@pytest.mark.parametrize("task_id", ["x" * 492, "é" * 246, "🚀" * 123])
async def test_an_id_of_492_bytes_fits_the_longest_key(worker: Worker, centre: Centre, task_id: str) -> None:
    segment = quote(task_id)
    await centre.load({f"queue:task:{task_id}": task("long"), f"queue:lease:{task_id}": {"workerId": "w"}})
    assert (await worker.get(f"/api/queue/{segment}"))[0] == 200
    assert (await worker.post(f"/api/queue/{segment}/status", {"status": "failed"}))[0] == 200
    assert (await worker.post(f"/api/queue/{segment}/renew", {"workerId": "w"}))[0] == 200
    assert (await worker.post(f"/api/queue/{segment}/release", {}))[0] == 200
    assert (await worker.post(f"/api/result/{segment}", {"success": True}))[0] == 200
    assert await worker.get(f"/api/result/{segment}") == (200, {"success": True})
    assert [len(key.encode()) for key in await centre.keys()] == [512]


@pytest.mark.parametrize("task_id", ["x" * 493, "é" * 247, "🚀" * 124, "x" * 600, "%" * 5_000])
@pytest.mark.parametrize(("method", "path"), [("GET", "/api/queue/{}"), ("POST", "/api/result/{}")])
async def test_an_id_of_more_bytes_is_refused(
    worker: Worker, watch: Callable[..., WatchedBinding], method: str, path: str, task_id: str
) -> None:
    binding = watch()
    answer = await worker.send(method, path.format(quote(task_id)), b"{}", at=binding)
    assert parsed(answer) == (400, {"error": "Validation failed", "details": ["id: must not exceed 492 bytes"]})
    assert binding.calls == []


async def test_the_id_is_checked_before_the_body(worker: Worker) -> None:
    _, answer = parsed(await worker.send("POST", b"/api/result/%FF", b"not JSON"))
    assert answer["details"] == ["id: must be percent-encoded UTF-8"]


@pytest.mark.parametrize(
    ("path", "resolved"),
    [
        (b"/api/queue/.", b"/api/queue/"),
        (b"/api/queue/..", b"/api/"),
        (b"/api/queue/%2e", b"/api/queue/"),
        (b"/api/queue/%2E%2e", b"/api/"),
        (b"/api/queue/.%2E", b"/api/"),
        (b"/api/queue/a/../b", b"/api/queue/b"),
        (b"/api/queue/./a", b"/api/queue/a"),
        (b"/api/queue/a/%2e%2E/%2e/b", b"/api/queue/b"),
        (b"/api/queue\\a", b"/api/queue/a"),
        (b"/api//queue", b"/api//queue"),
        (b"/../../api/queue", b"/api/queue"),
        (b"/api/queue/a/", b"/api/queue/a/"),
        (b"/api/queue/...", b"/api/queue/..."),
        (b"/api/queue/%252e%252e", b"/api/queue/%252e%252e"),
        (b"/", b"/"),
        (b"", b"/"),
        (b"*", b"/"),
    ],
)
def test_dot_segments_are_resolved_however_they_are_spelled(path: bytes, resolved: bytes) -> None:
    assert normalize_path(path) == resolved


@given(st.lists(st.sampled_from([b"", b"a", b".", b"..", b"%2e", b"%2E%2e", b"...", b"%252e"]), max_size=8))
@settings(deadline=None)
def test_a_resolved_path_has_nothing_left_to_resolve(segments: list[bytes]) -> None:
    resolved = normalize_path(b"/" + b"/".join(segments))
    assert resolved.startswith(b"/")
    assert normalize_path(resolved) == resolved


async def test_dot_segments_lead_to_the_route_that_they_name(worker: Worker, centre: Centre) -> None:
    await centre.load({"queue:task:b": task("b")})
    assert (await worker.send("GET", b"/api/queue/..%2Fb")).status == 404
    assert parsed(await worker.send("GET", b"/api/queue/a/%2E%2e/b")) == (200, task("b"))
    assert (await worker.send("GET", b"/api/queue/../../etc/passwd")).content == b"Not found"


@pytest.mark.parametrize("path", [b"/api/queue/../migrate/status", b"/api/queue/%2e%2e/migrate/status"])
async def test_dot_segments_do_not_smuggle_a_key_into_the_other_scope(worker: Worker, path: bytes) -> None:
    answer = await worker.send("GET", path)
    assert (answer.status, answer.content) == (401, b"Unauthorized")


@given(st.text(min_size=1).filter(lambda text: len(text.encode()) <= ID_BYTES_MAX))
@settings(deadline=None)
def test_every_text_survives_encoding_and_one_decoding(task_id: str) -> None:
    assert decode_segment(quote(task_id, safe="").encode()) == task_id
