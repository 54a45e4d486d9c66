"""A deployment with a rate limit: so many requests a key in each minute of the clock."""

from collections.abc import Callable

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.kv.service import KVService
from queue_emulator.worker.auth import ApiKeys
from tests.conftest import NOON_MS
from tests.worker.deployed import ADMIN_KEY, KEYS, QUEUE_KEY, Worker, parsed
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio


@pytest.fixture
def limited(service: KVService, clock: MovableClock) -> Worker:
    """Takes three requests a minute."""
    return Worker(service, clock, per_minute=3)


async def statuses(worker: Worker, count: int, path: str = "/api/queue", key: bytes | None = QUEUE_KEY) -> list[int]:
    return [(await worker.send("GET", path, key=key)).status for _ in range(count)]


async def test_without_a_limit_every_request_is_answered(worker: Worker) -> None:
    assert set(await statuses(worker, 500)) == {200}


async def test_one_request_too_many_is_429(limited: Worker) -> None:
    assert await statuses(limited, 5) == [200, 200, 200, 429, 429]


@pytest.mark.parametrize(("into_minute_ms", "retry_after_s"), [(0, 60), (1, 60), (1000, 59), (59_000, 1), (59_999, 1)])
async def test_a_429_says_when_to_come_back(
    limited: Worker, clock: MovableClock, into_minute_ms: int, retry_after_s: int
) -> None:
    clock.advance(into_minute_ms)
    await statuses(limited, 3)
    answer = await limited.send("GET", "/api/queue")
    assert answer.headers == {"Retry-After": str(retry_after_s)}
    assert parsed(answer) == (
        429,
        {"error": "Rate limit exceeded", "retryAfter": retry_after_s, "resetAt": "2026-11-23T12:01:00.000Z"},
    )


async def test_who_waits_as_told_is_answered(limited: Worker, clock: MovableClock) -> None:
    clock.advance(17_300)
    await statuses(limited, 3)
    refused = await limited.send("GET", "/api/queue")
    clock.advance(int(refused.headers["Retry-After"]) * 1000)
    assert await statuses(limited, 4) == [200, 200, 200, 429]


async def test_the_window_ends_with_the_minute(limited: Worker, clock: MovableClock) -> None:
    await statuses(limited, 3)
    clock.advance(59_999)
    assert await statuses(limited, 1) == [429]
    clock.advance(1)
    assert await statuses(limited, 1) == [200]


async def test_a_clock_set_back_opens_a_window_of_its_own(limited: Worker, clock: MovableClock) -> None:
    await statuses(limited, 4)
    clock.set(NOON_MS - 3_600_000)
    assert await statuses(limited, 4) == [200, 200, 200, 429]


async def test_each_key_has_its_own_count(limited: Worker) -> None:
    assert await statuses(limited, 4) == [200, 200, 200, 429]
    assert await statuses(limited, 4, "/api/migrate/status", ADMIN_KEY) == [200, 200, 200, 429]


async def test_one_key_for_both_scopes_has_one_count(service: KVService, clock: MovableClock) -> None:
    worker = Worker(service, clock, keys=ApiKeys("same", "same"), per_minute=3)
    assert await statuses(worker, 2, key=b"same") == [200, 200]
    assert await statuses(worker, 2, "/api/migrate/status", b"same") == [200, 429]


async def test_requests_with_a_wrong_key_are_not_counted(limited: Worker) -> None:
    assert await statuses(limited, 9, key=b"wrong") == [401] * 9
    assert await statuses(limited, 9, key=None) == [401] * 9
    assert await statuses(limited, 9, "/elsewhere") == [404] * 9
    assert await statuses(limited, 4) == [200, 200, 200, 429]


async def test_every_request_with_the_right_key_counts_whatever_it_asks_for(limited: Worker) -> None:
    await limited.send("GET", "/api/queue/no/such/route")
    await limited.send("POST", "/api/queue/claim", b"not JSON")
    await limited.send("GET", "/api/queue/%FF")
    assert await statuses(limited, 1) == [429]


async def test_a_429_touches_no_key_and_reads_no_body(limited: Worker, watch: Callable[..., WatchedBinding]) -> None:
    await statuses(limited, 3)
    binding = watch()
    answer = await limited.send("POST", "/api/result/a", None, at=binding)
    assert (answer.status, binding.calls) == (429, [])


async def test_a_limit_of_zero_refuses_everybody(service: KVService, clock: MovableClock) -> None:
    assert await statuses(Worker(service, clock, keys=KEYS, per_minute=0), 2) == [429, 429]
