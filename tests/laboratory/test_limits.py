"""What production refuses and local runs do not: a second write in a second, the 1,001st operation of a run."""

import pytest

from queue_emulator.core.errors import OperationBudgetError
from queue_emulator.core.limits import BUDGET_TEXT
from queue_emulator.kv.binding import Binding
from queue_emulator.testing import KV, Emulator, run_now
from tests.laboratory.looking import last_event


def binding(emulator: Emulator) -> Binding:
    """The namespace as one run of a Worker holds it."""
    return emulator.deployment.binding("SJC")


def test_a_bulk_write_is_not_limited_and_limits_nothing(emulator: Emulator, kv: KV) -> None:
    kv.put("k", "1")
    assert emulator.load([{"key": "k", "value": "2"}]) == 1
    assert kv.get("k") == "2"
    emulator.load([{"key": "other", "value": "1"}])
    kv.put("other", "2")
    assert kv.get("other") == "2"


@pytest.mark.queue_emulator(without=["write-rate"])
def test_the_write_rate_can_be_switched_off(kv: KV) -> None:
    for number in range(5):
        kv.put("k", str(number))
    assert kv.get("k") == "4"


def test_a_run_may_make_a_thousand_operations_whatever_they_are(emulator: Emulator) -> None:
    cache = binding(emulator)
    for number in range(250):
        run_now(cache.put(f"k{number}", ""))
        run_now(cache.get(f"k{number}"))
        run_now(cache.list(prefix=f"k{number}"))
        run_now(cache.delete(f"k{number}"))
    for operation in (cache.get("k"), cache.put("k", ""), cache.list(), cache.delete("k"), cache.get_bulk(["k"])):
        with pytest.raises(OperationBudgetError) as refused:
            run_now(operation)
        assert str(refused.value) == BUDGET_TEXT
    assert BUDGET_TEXT.startswith("Too many API requests by single Worker invocation.")
    assert len(emulator.journal()) == 1000
    run_now(binding(emulator).get("k"))


def test_a_bulk_read_is_one_operation_of_a_run(emulator: Emulator) -> None:
    cache = binding(emulator)
    for _ in range(1000):
        run_now(cache.get_bulk(["a", "b", "c"]))
    with pytest.raises(OperationBudgetError):
        run_now(cache.get("a"))


@pytest.mark.queue_emulator(without=["operations"])
def test_the_operations_of_a_run_can_be_unlimited(emulator: Emulator) -> None:
    cache = binding(emulator)
    for _ in range(1001):
        run_now(cache.get("k"))


def test_a_refused_write_that_escapes_the_worker_is_a_500_and_the_log_says_which_limit_and_where(
    emulator: Emulator,
) -> None:
    emulator.enqueue({"id": "t1"})
    tokyo = emulator.at("NRT")
    reply = tokyo.post("/api/queue/t1/status", {"status": "claimed"})
    assert (reply.status, reply.text) == (500, "Internal Server Error")
    assert (
        "  uncaught Error: KV PUT failed: 429 Too Many Requests "
        "(at NRT, after 2 KV operations; the limit: one write a second to one key)"
    ) in emulator.log
    event = last_event(emulator)
    assert (event.operation, event.key, event.location) == ("put", b"queue:task:t1", "NRT")
    assert (event.failed, event.version) == ("KV PUT failed: 429 Too Many Requests", None)


def test_a_run_over_its_operations_is_a_500_and_the_log_says_which_limit_and_where(emulator: Emulator) -> None:
    emulator.load(
        [{"key": f"queue:{kind}:{number:04d}", "value": "{}"} for kind in ("task", "lease") for number in range(1000)]
    )
    assert emulator.post("/api/queue/claim", {}).status == 500
    where = "at SJC, after 1000 KV operations; the limit: KV operations in one invocation"
    assert f"  uncaught Error: {BUDGET_TEXT} ({where})" in emulator.log
