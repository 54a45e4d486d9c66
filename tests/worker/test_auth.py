"""Who may call what: keys, scopes, and what of a request is looked at before its key."""

from collections.abc import Callable

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.kv.service import KVService
from queue_emulator.worker.auth import ApiKeys
from tests.worker.deployed import ADMIN_KEY, QUEUE_KEY, Worker
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio

Deploy = Callable[..., Worker]

QUEUE_REQUESTS = [
    ("GET", "/api/queue"),
    ("POST", "/api/queue/claim"),
    ("GET", "/api/queue/a"),
    ("POST", "/api/queue/a/release"),
    ("POST", "/api/queue/a/renew"),
    ("POST", "/api/queue/a/status"),
    ("POST", "/api/result/a"),
    ("GET", "/api/result/a"),
]
ADMIN_REQUESTS = [("GET", "/api/migrate/status"), ("POST", "/api/migrate/run"), ("POST", "/api/migrate/rollback")]


@pytest.fixture
def deploy(service: KVService, clock: MovableClock) -> Deploy:
    """`deploy(queue_api_key="…")`: the Worker with these keys in its environment and no others."""

    def deployed(**keys: str | None) -> Worker:
        return Worker(service, clock, keys=ApiKeys(**keys))

    return deployed


async def opens(worker: Worker, key: bytes | None, path: str = "/api/queue") -> bool:
    return (await worker.send("GET", path, key=key)).status == 200


@pytest.mark.parametrize("key", [None, b"", b"wrong", QUEUE_KEY[:-1], QUEUE_KEY + b"x", QUEUE_KEY.upper(), ADMIN_KEY])
@pytest.mark.parametrize(("method", "path"), QUEUE_REQUESTS)
async def test_a_queue_route_without_its_key_is_401_as_json(
    worker: Worker, watch: Callable[..., WatchedBinding], method: str, path: str, key: bytes | None
) -> None:
    binding = watch()
    answer = await worker.send(method, path, b'{"workerId":"w","status":"claimed"}', key=key, at=binding)
    assert (answer.status, answer.content) == (401, b'{"error":"Unauthorized"}')
    assert answer.content_type == "application/json"
    assert binding.calls == []


@pytest.mark.parametrize("key", [None, b"", b"wrong", ADMIN_KEY[:-1], ADMIN_KEY + b"x", QUEUE_KEY])
@pytest.mark.parametrize(("method", "path"), ADMIN_REQUESTS)
async def test_a_migration_route_without_its_key_is_401_as_text(
    worker: Worker, watch: Callable[..., WatchedBinding], method: str, path: str, key: bytes | None
) -> None:
    binding = watch()
    answer = await worker.send(method, path, key=key, at=binding)
    assert (answer.status, answer.content) == (401, b"Unauthorized")
    assert answer.content_type == "text/plain;charset=UTF-8"
    assert binding.calls == []


@pytest.mark.parametrize(("method", "path"), QUEUE_REQUESTS)
async def test_the_queue_key_opens_the_queue(worker: Worker, method: str, path: str) -> None:
    answer = await worker.send(method, path, b"{}", key=QUEUE_KEY)
    assert answer.status != 401


@pytest.mark.parametrize(("method", "path"), ADMIN_REQUESTS)
async def test_the_admin_key_opens_the_migration(worker: Worker, method: str, path: str) -> None:
    answer = await worker.send(method, path, key=ADMIN_KEY)
    assert answer.status == 200


async def test_without_a_queue_key_the_assistant_key_opens_the_queue(deploy: Deploy) -> None:
    worker = deploy(assistant_api_key="assistant")
    assert await opens(worker, b"assistant")
    assert not await opens(worker, None)


async def test_with_a_queue_key_the_assistant_key_opens_nothing(deploy: Deploy) -> None:
    worker = deploy(queue_api_key="queue", assistant_api_key="assistant")
    assert await opens(worker, b"queue")
    assert not await opens(worker, b"assistant")


async def test_an_empty_queue_key_is_none_so_the_assistant_key_stands_in(deploy: Deploy) -> None:
    worker = deploy(queue_api_key="", assistant_api_key="assistant")
    assert await opens(worker, b"assistant")
    assert not await opens(worker, b"")


async def test_neither_queue_nor_assistant_key_opens_the_migration(deploy: Deploy) -> None:
    worker = deploy(queue_api_key="queue", assistant_api_key="assistant")
    for key in (b"queue", b"assistant", b"", None):
        assert not await opens(worker, key, "/api/migrate/status")


@pytest.mark.parametrize("unset", [None, ""])
@pytest.mark.parametrize("key", [None, b"", b"None", b"null", b"undefined", b"anything"])
async def test_a_scope_without_a_key_is_closed_to_everybody(
    deploy: Deploy, unset: str | None, key: bytes | None
) -> None:
    worker = deploy(queue_api_key=unset, admin_api_key=unset, assistant_api_key=unset)
    assert not await opens(worker, key)
    assert not await opens(worker, key, "/api/migrate/status")


async def test_one_key_configured_for_both_scopes_opens_both(deploy: Deploy) -> None:
    worker = deploy(queue_api_key="same", admin_api_key="same")
    assert await opens(worker, b"same")
    assert await opens(worker, b"same", "/api/migrate/status")


async def test_a_key_beyond_ascii_is_compared_as_its_utf_8_bytes(deploy: Deploy) -> None:
    worker = deploy(queue_api_key="clé-鍵")
    assert await opens(worker, "clé-鍵".encode())
    assert not await opens(worker, "clé".encode("latin-1"))


@pytest.mark.parametrize("key", [b"\xff\xfe", b"\x00", "ключ".encode(), b"\xed\xa0\x80", QUEUE_KEY + b"\x00"])
async def test_strange_bytes_as_a_key_are_refused_like_any_other(worker: Worker, key: bytes) -> None:
    assert not await opens(worker, key)
    assert not await opens(worker, key, "/api/migrate/status")


async def test_a_key_set_from_bytes_that_are_not_utf_8_still_opens(deploy: Deploy) -> None:
    """The environment hands such bytes over with surrogate escapes."""
    worker = deploy(queue_api_key=b"k\xff".decode("utf-8", "surrogateescape"))
    assert await opens(worker, b"k\xff")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", b"/api/queue/"),
        ("DELETE", b"/api/queue"),
        ("GET", b"/api/queue/no/such/route"),
        ("GET", b"/api/queue/%FF"),
        ("GET", b"/api/queue/" + b"x" * 600),
        ("PUT", b"/api/result/a"),
        ("POST", b"/api/queue/claim"),
    ],
)
async def test_the_key_is_checked_before_route_id_and_body(worker: Worker, method: str, path: bytes) -> None:
    answer = await worker.send(method, path, b"not JSON", key=b"wrong")
    assert (answer.status, answer.content) == (401, b'{"error":"Unauthorized"}')


@pytest.mark.parametrize("key", [None, b"", QUEUE_KEY, ADMIN_KEY])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/migrate"),
        ("GET", "/api/migrate/"),
        ("GET", "/api/migrate/no-such-route"),
        ("GET", "/api/migrate/status/"),
        ("POST", "/api/migrate/status"),
        ("GET", "/api/migrate/run"),
        ("DELETE", "/api/migrate/rollback"),
    ],
)
async def test_the_admin_key_is_asked_for_inside_the_three_routes_so_anything_else_there_is_404_for_everybody(
    worker: Worker, method: str, path: str, key: bytes | None
) -> None:
    answer = await worker.send(method, path, key=key)
    assert (answer.status, answer.content) == (404, b"Not found")


async def test_what_is_no_route_of_the_migration_is_not_counted_by_the_rate_limit(
    service: KVService, clock: MovableClock
) -> None:
    worker = Worker(service, clock, per_minute=1)
    for _ in range(3):
        assert (await worker.send("GET", "/api/migrate/x", key=ADMIN_KEY)).status == 404
    assert (await worker.send("GET", "/api/migrate/status", key=ADMIN_KEY)).status == 200


async def test_a_refused_request_is_not_read(worker: Worker) -> None:
    """A body of None is one over the size limit: had it been read, the answer would be 413."""
    assert (await worker.send("POST", "/api/queue/claim", None, key=b"wrong")).status == 401
    assert (await worker.send("POST", "/api/queue/claim", None)).status == 413


def test_keys_do_not_show_in_a_printed_environment() -> None:
    assert "secret" not in repr(ApiKeys("secret-1", "secret-2", "secret-3"))
