"""What the plans allow a day and cost a month, and the meter that counts for them."""

import pytest

from queue_emulator.core.errors import QuotaError
from queue_emulator.core.kinds import DELETE, GET, GET_BULK, KINDS, LIST, PUT
from queue_emulator.core.meter import Meter
from queue_emulator.core.plans import FREE, PAID, DailyQuota, Plan, cost

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("operation", "allowed", "text"),
    [
        ("get", 100_000, "KV get() limit exceeded for the day."),
        ("get_bulk", 100_000, "KV get() limit exceeded for the day."),
        ("put", 1_000, "KV put() limit exceeded for the day."),
        ("delete", 1_000, "KV delete() limit exceeded for the day."),
        ("list", 1_000, "KV list() limit exceeded for the day."),
    ],
)
def test_the_free_plan_ends_an_operation_of_a_kind_for_the_day(operation: str, allowed: int, text: str) -> None:
    quota = DailyQuota(FREE)
    quota.count(KINDS[operation], 0, allowed - 1)
    quota.count(KINDS[operation], 0)
    with pytest.raises(QuotaError) as caught:
        quota.count(KINDS[operation], 0)
    assert str(caught.value) == text
    assert caught.value.limit == "KV operations a day on this plan"


def test_a_quota_begins_anew_at_midnight_utc() -> None:
    quota = DailyQuota(FREE)
    quota.count(PUT, DAY_MS - 1, 1_000)
    with pytest.raises(QuotaError):
        quota.count(PUT, DAY_MS - 1)
    quota.count(PUT, DAY_MS, 1_000)
    with pytest.raises(QuotaError):
        quota.count(PUT, DAY_MS + 1)


@pytest.mark.parametrize("days", [1, -1, 7, -400, 2_000])
def test_a_clock_that_comes_back_finds_the_day_as_it_was_left(days: int) -> None:
    quota = DailyQuota(FREE)
    quota.count(PUT, 0, 1_000)
    for day in range(0, days, -1 if days < 0 else 1):
        quota.count(DELETE, (day + (1 if days > 0 else -1)) * DAY_MS)
    with pytest.raises(QuotaError):
        quota.count(PUT, DAY_MS - 1)
    with pytest.raises(QuotaError):
        quota.copy().count(PUT, 1)


def test_kinds_do_not_share_a_quota_but_single_and_bulk_reads_do() -> None:
    quota = DailyQuota(FREE)
    quota.count(PUT, 0, 1_000)
    quota.count(LIST, 0, 1_000)
    quota.count(GET, 0, 60_000)
    with pytest.raises(QuotaError):
        quota.count(GET_BULK, 0, 40_001)


@pytest.mark.parametrize("plan", [None, PAID], ids=["no plan", "paid"])
def test_without_a_daily_quota_nothing_ends(plan: Plan | None) -> None:
    quota = DailyQuota(plan)
    for _ in range(3):
        quota.count(PUT, 0, 1_000_000)


def test_a_daemon_that_polls_every_15_seconds_passes_the_free_plan_s_lists() -> None:
    told = cost({"lists": 240, "reads": 240}, over_s=3_600)
    assert told["operationsPerDay"] == {"reads": 5_760, "writes": 0, "deletes": 0, "lists": 5_760}
    assert told["free"] == {"exceeded": ["lists"], "quotaPerDay": dict(FREE.per_day)}
    assert told["paid"] == {"dollarsPerDay": 0.1667, "dollarsPerMonth": 5.0, "ofWhichSubscription": 5.0}


def test_what_goes_beyond_the_included_operations_is_billed_by_the_million() -> None:
    told = cost({"reads": 20_000_000, "writes": 2_000_000}, over_s=30 * 86_400)
    assert told["operationsPerMonth"] == {"reads": 20_000_000, "writes": 2_000_000, "deletes": 0, "lists": 0}
    assert told["paid"] == {"dollarsPerDay": 0.5, "dollarsPerMonth": 15.0, "ofWhichSubscription": 5.0}


def test_the_meter_counts_by_route_and_kind() -> None:
    meter = Meter()
    assert (meter.by_route(), meter.totals(), meter.first_ms, meter.last_ms) == ({}, {}, None, None)
    meter.invoked("GET /b", 10)
    meter.count("GET /b", GET, 11)
    meter.count("GET /b", GET_BULK, 12)
    meter.count("GET /a", PUT, 20)
    assert meter.by_route() == {"GET /a": {"requests": 0, "writes": 1}, "GET /b": {"requests": 1, "reads": 2}}
    assert list(meter.by_route()) == ["GET /a", "GET /b"]
    assert meter.totals() == {"reads": 2, "writes": 1}
    assert (meter.first_ms, meter.last_ms) == (10, 20)


def test_what_is_not_the_worker_s_traffic_is_not_metered() -> None:
    meter = Meter()
    meter.count("", PUT, 10)
    assert (meter.totals(), meter.first_ms) == ({}, None)


def test_a_cleared_meter_has_counted_nothing() -> None:
    meter = Meter()
    meter.invoked("GET /", 10)
    meter.count("GET /", GET, 11)
    meter.clear()
    assert (meter.by_route(), meter.totals(), meter.first_ms, meter.last_ms) == ({}, {}, None, None)
