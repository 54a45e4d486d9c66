"""A plan's daily quotas: each kind of operation ends by itself, in the words of production, until 00:00 UTC."""

from collections.abc import Callable
from typing import Any

import pytest

from queue_emulator.core.errors import QuotaError
from queue_emulator.core.options import ListRequest, PutRequest
from queue_emulator.core.plans import FREE
from queue_emulator.core.profiles import compose
from queue_emulator.kv.service import KVService
from queue_emulator.testing import KV, Emulator, EmulatorClock, run_now
from tests.laboratory.looking import last_event

FREE_PLAN = pytest.mark.queue_emulator(plan="free")
OPERATIONS: dict[str, tuple[str, Callable[[KVService, int], Any]]] = {
    "reads": ("KV get() limit exceeded for the day.", lambda service, number: service.get("SJC", b"k")),
    "writes": (
        "KV put() limit exceeded for the day.",
        lambda service, number: service.put("SJC", PutRequest(b"%d" % number, b"")),
    ),
    "deletes": ("KV delete() limit exceeded for the day.", lambda service, number: service.delete("SJC", b"k")),
    "lists": ("KV list() limit exceeded for the day.", lambda service, number: service.list("SJC", ListRequest())),
}


def use_up(emulator: Emulator, kind: str, *, but: int = 0) -> None:
    """Make all operations of a kind that the free plan allows in a day, but the last few."""
    _, operation = OPERATIONS[kind]
    for number in range(FREE.per_day[kind] - but):
        run_now(operation(emulator.deployment.emulated(), number))


@FREE_PLAN
@pytest.mark.parametrize("kind", ["writes", "deletes", "lists"])
def test_the_free_plan_ends_a_kind_of_operation_for_the_day_and_no_other(emulator: Emulator, kind: str) -> None:
    use_up(emulator, kind)
    text, operation = OPERATIONS[kind]
    with pytest.raises(QuotaError) as refused:
        run_now(operation(emulator.deployment.emulated(), 5000))
    assert str(refused.value) == text
    assert last_event(emulator).failed == text
    for other in OPERATIONS.keys() - {kind}:
        run_now(OPERATIONS[other][1](emulator.deployment.emulated(), 6000))


@pytest.mark.slow
@FREE_PLAN
def test_a_hundred_thousand_reads_are_a_day_s_and_a_bulk_read_counts_each_key(emulator: Emulator, kv: KV) -> None:
    for _ in range(FREE.per_day["reads"] // 100 - 1):
        run_now(emulator.deployment.emulated().get_bulk("SJC", [b"%d" % number for number in range(100)]))
    for _ in range(97):
        kv.get("k")
    kv.get_bulk(["a", "b"])
    kv.get("k")
    for read in (lambda: kv.get("k"), lambda: kv.get_bulk(["a"])):
        with pytest.raises(QuotaError, match=r"^KV get\(\) limit exceeded for the day\.$"):
            read()
    kv.list()


@FREE_PLAN
def test_quotas_begin_anew_at_midnight_utc_by_the_emulator_s_clock(
    emulator: Emulator, kv: KV, emulator_clock: EmulatorClock
) -> None:
    use_up(emulator, "lists")
    emulator_clock.set("2026-01-01T23:59:59.999Z")
    with pytest.raises(QuotaError):
        kv.list()
    emulator_clock.advance(0.001)
    assert emulator_clock.now == "2026-01-02T00:00:00.000Z"
    kv.list()


@FREE_PLAN
def test_locations_share_the_quota(emulator: Emulator, kv: KV) -> None:
    use_up(emulator, "lists")
    with pytest.raises(QuotaError):
        kv.at("NRT").list()


@FREE_PLAN
def test_a_copy_that_is_at_hand_is_billed_as_well(emulator: Emulator, kv: KV) -> None:
    use_up(emulator, "lists", but=1)
    assert kv.list().cache_status == "HIT"
    with pytest.raises(QuotaError):
        kv.list()


@FREE_PLAN
def test_seeding_is_not_counted(emulator: Emulator, kv: KV) -> None:
    assert emulator.load([{"key": f"k{number}", "value": ""} for number in range(1001)]) == 1001
    kv.put("k", "")


@FREE_PLAN
def test_a_reset_gives_the_quota_back(emulator: Emulator, kv: KV) -> None:
    use_up(emulator, "lists")
    run_now(emulator.deployment.emulated().reset())  # as the control does, which also shows another day
    kv.list()


@pytest.mark.parametrize("plan", ["paid", None])
def test_the_paid_plan_and_no_plan_have_no_daily_end(plan: str | None) -> None:
    emulator = Emulator(profile=compose("cloudflare", plan=plan))
    for kind in ("writes", "deletes", "lists"):
        use_up(emulator, kind)
        run_now(OPERATIONS[kind][1](emulator.deployment.emulated(), 5000))


@FREE_PLAN
def test_past_the_quota_the_worker_answers_500_and_the_log_says_which_limit_and_where(emulator: Emulator) -> None:
    use_up(emulator, "lists")
    emulator.enqueue({"id": "t1"})
    reply = emulator.at("NRT").get("/api/queue")
    assert (reply.status, reply.text) == (500, "Internal Server Error")
    assert (
        "  uncaught Error: KV list() limit exceeded for the day. "
        "(at NRT, after 1 KV operations; the limit: KV operations a day on this plan)"
    ) in emulator.log
    assert emulator.get("/api/queue/t1").status == 200


@FREE_PLAN
def test_a_daemon_that_polls_every_15_seconds_stops_working_in_the_afternoon(
    emulator: Emulator, emulator_clock: EmulatorClock
) -> None:
    emulator_clock.set("2026-01-02T00:00:00Z")
    for _ in range(24 * 60 * 4):
        if emulator.post("/api/queue/claim", {"workerId": "d"}).status == 500:
            break
        emulator_clock.advance(15)
    assert emulator_clock.now == "2026-01-02T04:10:00.000Z"
