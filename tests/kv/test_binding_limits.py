"""What a Worker may do: so many operations in a run, one write a second to a key, keys and options in bounds."""

from collections.abc import Callable
from typing import Any

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import JavaScriptError, KVError, OperationBudgetError
from queue_emulator.core.profiles import LOCAL
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.operation import Invocation

pytestmark = pytest.mark.anyio

CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("get", ("k",)),
    ("get_with_metadata", ("k",)),
    ("get_bulk", (["k"],)),
    ("get_bulk_with_metadata", (["k"],)),
    ("put", ("k", "v")),
    ("delete", ("k",)),
    ("list", ()),
]


@pytest.fixture
def cache(open_binding: Callable[..., Binding]) -> Binding:
    return open_binding()


@pytest.mark.parametrize(("method", "arguments"), CALLS)
async def test_the_thousand_and_first_operation_of_a_run_fails(
    cache: Binding, method: str, arguments: tuple[Any, ...]
) -> None:
    for _ in range(1_000):
        await cache.delete("other")
    with pytest.raises(OperationBudgetError) as caught:
        await getattr(cache, method)(*arguments)
    assert (caught.value.name, str(caught.value)) == (
        "Error",
        "Too many API requests by single Worker invocation. To configure this limit, refer to "
        "https://developers.cloudflare.com/workers/wrangler/configuration/#limits",
    )


async def test_the_next_run_has_a_budget_of_its_own(open_binding: Callable[..., Binding]) -> None:
    spent = open_binding()
    spent.invocation.operations = 1_000
    with pytest.raises(OperationBudgetError):
        await spent.put("k", "v")
    assert await open_binding().get("k") is None


async def test_a_call_that_the_runtime_itself_refuses_is_no_operation(cache: Binding) -> None:
    for refused in (
        cache.get(""),
        cache.put(".", "v"),
        cache.put("k", {}),
        cache.delete("x" * 513),
        cache.list(limit=2**31),
    ):
        with pytest.raises(JavaScriptError):
            await refused
    assert cache.invocation.operations == 0


async def test_a_call_that_the_service_refuses_is_an_operation(cache: Binding) -> None:
    for refused in (cache.get("k", cache_ttl=1), cache.put("k", "v", expiration_ttl=1), cache.list(limit=1001)):
        with pytest.raises(KVError):
            await refused
    assert cache.invocation.operations == 3


@pytest.mark.parametrize("profile", [LOCAL], ids=["local"])
async def test_the_local_runtime_counts_but_does_not_limit(cache: Binding) -> None:
    for _ in range(1_001):
        await cache.delete("k")
    await cache.put("k", "v")
    await cache.put("k", "w")
    assert cache.invocation.operations == 1_003


def test_an_invocation_by_itself_has_the_platform_s_budget() -> None:
    assert Invocation().operations_max == 1_000


async def test_a_second_put_of_a_key_within_a_second_is_refused_and_changes_nothing(
    cache: Binding, clock: MovableClock
) -> None:
    await cache.put("k", "first")
    clock.advance(999)
    with pytest.raises(KVError) as caught:
        await cache.put("k", "second")
    assert (str(caught.value), caught.value.status) == ("KV PUT failed: 429 Too Many Requests", 429)
    assert await cache.get("k") == "first"


async def test_a_put_is_accepted_again_a_second_after_the_last_accepted_one(
    cache: Binding, clock: MovableClock
) -> None:
    await cache.put("k", "first")
    clock.advance(500)
    with pytest.raises(KVError):
        await cache.put("k", "refused")
    clock.advance(500)
    await cache.put("k", "second")
    assert await cache.get("k") == "second"


async def test_the_rate_is_the_key_s_and_counts_puts_at_every_location(open_binding: Callable[..., Binding]) -> None:
    await open_binding("SJC").put("k", "v")
    await open_binding("NRT").put("other", "v")
    with pytest.raises(KVError, match="429"):
        await open_binding("NRT").put("k", "w")


async def test_deleting_is_not_limited_and_does_not_count_as_a_put(cache: Binding) -> None:
    await cache.delete("k")
    await cache.put("k", "v")
    await cache.delete("k")
    assert await cache.get("k") is None
    with pytest.raises(KVError, match="429"):
        await cache.put("k", "w")


async def test_a_put_that_is_refused_for_its_options_does_not_count_against_the_rate(cache: Binding) -> None:
    with pytest.raises(KVError, match="400"):
        await cache.put("k", "v", expiration_ttl=1)
    await cache.put("k", "v")
    assert await cache.get("k") == "v"


async def test_a_clock_set_back_does_not_lock_a_key_for_as_long(cache: Binding, clock: MovableClock) -> None:
    await cache.put("k", "v")
    clock.set(clock.now_ms() - 3_600_000)
    await cache.put("k", "w")
    assert await cache.get("k") == "w"


@pytest.mark.parametrize(
    ("call", "operation"),
    [
        (lambda cache, key: cache.get(key), "GET"),
        (lambda cache, key: cache.get_with_metadata(key), "GET"),
        (lambda cache, key: cache.put(key, "v"), "PUT"),
        (lambda cache, key: cache.delete(key), "DELETE"),
    ],
)
async def test_a_key_is_refused_by_the_name_of_the_operation(cache: Binding, call: Any, operation: str) -> None:
    with pytest.raises(KVError) as caught:
        await call(cache, "é" * 257)
    assert (
        str(caught.value) == f"KV {operation} failed: 414 UTF-8 encoded length of 514 exceeds key length limit of 512."
    )
    with pytest.raises(KVError) as caught:
        await call(cache, "\ud800")
    assert str(caught.value) == f"KV {operation} failed: 400 Could not URL-decode key name"
