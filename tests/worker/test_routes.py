"""Which method and path reaches which branch, and what all others are told."""

from collections.abc import Callable

import pytest

from queue_emulator.worker.answers import json_answer, text_answer
from queue_emulator.worker.fetch import ROUTES
from tests.worker.deployed import ADMIN_KEY, QUEUE_KEY, Worker
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND"]
ALLOWED = {
    "/api/queue": {"GET"},
    "/api/queue/claim": {"POST", "GET"},  # GET reads the task whose id is "claim"
    "/api/queue/a": {"GET"},
    "/api/queue/a/release": {"POST"},
    "/api/queue/a/renew": {"POST"},
    "/api/queue/a/status": {"POST"},
    "/api/result/a": {"GET", "POST"},
    "/api/migrate/status": {"GET"},
    "/api/migrate/run": {"POST"},
    "/api/migrate/rollback": {"POST"},
}
WRONG_METHODS = [(method, path) for path, allowed in ALLOWED.items() for method in METHODS if method not in allowed]

UNKNOWN_IN_THE_QUEUE = [
    "/api/queue/",
    "/api/queue//",
    "/api/queue/a/",
    "/api/queue/a/b",
    "/api/queue/a/release/",
    "/api/queue//release",
    "/api/queue/a/b/release",
    "/api/queue/a/RELEASE",
    "/api/queue/claim/x",
    "/api/result/a/b",
    "/api/result/a/",
    "/api/result/",
    "/api/result",
]
UNKNOWN_ELSEWHERE = [
    "/",
    "",
    "/api",
    "/api/",
    "/api/tasks",
    "/API/queue",
    "//api/queue",
    "/x/api/queue",
    "/favicon.ico",
]


def test_the_worker_has_eleven_routes() -> None:
    assert len(ROUTES) == 11


@pytest.mark.parametrize(("path", "allowed"), ALLOWED.items())
async def test_a_known_method_reaches_its_branch(worker: Worker, path: str, allowed: set[str]) -> None:
    key = ADMIN_KEY if path.startswith("/api/migrate") else QUEUE_KEY
    for method in allowed:
        answer = await worker.send(method, path, b'{"workerId":"w","status":"claimed"}', key=key)
        assert (answer.status, answer.content) not in [(404, b"Not found"), (404, b'{"error":"Not found"}')]
        assert answer.content_type == "application/json"


@pytest.mark.parametrize(("method", "path"), WRONG_METHODS)
async def test_a_known_path_with_another_method_is_404(
    worker: Worker, watch: Callable[..., WatchedBinding], method: str, path: str
) -> None:
    admin = path.startswith("/api/migrate")
    binding = watch()
    answer = await worker.send(method, path, b"{}", key=ADMIN_KEY if admin else QUEUE_KEY, at=binding)
    assert (answer.status, answer.content) == (404, b"Not found" if admin else b'{"error":"Not found"}')
    assert binding.calls == []


@pytest.mark.parametrize("path", UNKNOWN_IN_THE_QUEUE)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_unknown_path_under_the_queue_is_404_as_json(worker: Worker, method: str, path: str) -> None:
    assert await worker.send(method, path, b"{}") == json_answer(404, {"error": "Not found"})


@pytest.mark.parametrize("path", UNKNOWN_ELSEWHERE)
@pytest.mark.parametrize("key", [None, QUEUE_KEY])
async def test_an_unknown_path_elsewhere_is_404_as_text_whoever_asks(
    worker: Worker, path: str, key: bytes | None
) -> None:
    assert await worker.send("GET", path, key=key) == text_answer(404, "Not found")


@pytest.mark.parametrize("path", ["/api/migrate", "/api/migrate/", "/api/migrate/run/", "/api/migrate/x"])
async def test_an_unknown_path_under_the_migration_is_404_as_text(worker: Worker, path: str) -> None:
    assert await worker.send("POST", path, key=ADMIN_KEY) == text_answer(404, "Not found")


def test_a_text_answer_is_typed_as_the_runtime_types_a_string() -> None:
    assert text_answer(404, "Not found").content_type == "text/plain;charset=UTF-8"
