"""What traffic comes to: KV operations by route, and a day and a month of them on the free and the paid plan."""

import pytest

from queue_emulator.core.errors import KVError
from queue_emulator.testing import KV, Emulator, EmulatorClock, Faults, member
from tests.laboratory.looking import CONTROL, control


def test_each_route_s_requests_and_operations_are_counted(emulator: Emulator) -> None:
    for number in range(3):
        emulator.enqueue({"id": f"t{number}"})
    for _ in range(2):
        emulator.post("/api/queue/claim", {"workerId": "d"})
    emulator.get("/api/queue/t2")
    emulator.get("/api/queue/none")
    emulator.post("/api/result/t0", {"success": True})
    told = emulator.cost(over_s=60)
    assert told["routes"].pop("CommHub.sendViaKVQueue")["writes"] == 3
    assert told["routes"] == {
        "GET /api/queue/{id}": {"requests": 2, "reads": 2},
        "POST /api/queue/claim": {"requests": 2, "lists": 2, "reads": 7, "writes": 2},
        "POST /api/result/{id}": {"requests": 1, "writes": 1, "deletes": 2},
    }
    assert told["operations"] == {"reads": 9, "writes": 6, "deletes": 2, "lists": 2}


def test_a_refused_request_is_counted_without_operations(emulator: Emulator) -> None:
    assert emulator.post("/api/queue/t1/renew", {}).status == 400
    assert emulator.cost(over_s=60)["routes"] == {"POST /api/queue/{id}/renew": {"requests": 1}}


def test_what_is_not_the_worker_s_traffic_is_not_billed(emulator: Emulator, kv: KV) -> None:
    kv.put("k", "v")
    kv.list()
    emulator.load([{"key": "k2", "value": "v"}])
    emulator.get(f"{CONTROL}/status")
    assert emulator.cost(over_s=60)["operations"] == {}


def test_what_failed_before_is_not_billed_and_what_failed_after_is(emulator: Emulator, faults: Faults) -> None:
    faults.add("fail_before", operation="list", times=1)
    faults.add("fail_after", operation="list", times=1)
    assert [emulator.get("/api/queue").status for _ in range(2)] == [500, 500]
    assert emulator.cost(over_s=60)["routes"] == {"GET /api/queue": {"requests": 2, "lists": 1}}


def test_a_daemon_that_polls_an_empty_queue_every_15_seconds_is_past_the_free_plan(
    emulator: Emulator, emulator_clock: EmulatorClock
) -> None:
    for _ in range(4):
        emulator.post("/api/queue/claim", {"workerId": "d"})
        emulator_clock.advance(15)
    estimate = emulator.cost(over_s=60)["estimate"]
    assert estimate["operationsPerDay"] == {"reads": 0, "writes": 0, "deletes": 0, "lists": 5_760}
    assert estimate["operationsPerMonth"]["lists"] == 172_800
    assert estimate["free"]["exceeded"] == ["lists"]
    assert estimate["free"]["quotaPerDay"] == {"reads": 100_000, "writes": 1_000, "deletes": 1_000, "lists": 1_000}
    assert estimate["paid"] == {"dollarsPerDay": 0.1667, "dollarsPerMonth": 5, "ofWhichSubscription": 5}
    assert estimate["pricesAsOf"]


def test_past_the_included_operations_a_million_lists_are_five_dollars(emulator: Emulator) -> None:
    for _ in range(10):
        emulator.get("/api/queue")
    paid = emulator.cost(over_s=1)["estimate"]["paid"]
    lists_per_month = 10 * 30 * 86_400
    assert paid["dollarsPerMonth"] == pytest.approx(5 + (lists_per_month - 1e6) / 1e6 * 5, abs=0.01)
    assert paid["dollarsPerDay"] == pytest.approx(paid["dollarsPerMonth"] / 30, abs=0.001)


def test_past_the_included_operations_a_million_reads_are_half_a_dollar(emulator: Emulator) -> None:
    for _ in range(10):
        emulator.get("/api/queue/t1")
    paid = emulator.cost(over_s=1)["estimate"]["paid"]
    reads_per_month = 10 * 30 * 86_400
    assert paid["dollarsPerMonth"] == pytest.approx(5 + (reads_per_month - 10e6) / 1e6 * 0.5, abs=0.01)


def test_twice_the_time_is_half_the_traffic(emulator: Emulator) -> None:
    emulator.get("/api/queue")
    per_day = [emulator.cost(over_s=over_s)["estimate"]["operationsPerDay"]["lists"] for over_s in (60, 120)]
    assert per_day == [1_440, 720]


def test_unless_told_the_traffic_stands_for_the_time_in_which_it_was_seen(
    emulator: Emulator, emulator_clock: EmulatorClock
) -> None:
    emulator_clock.advance(3_600)
    emulator.get("/api/queue")
    emulator_clock.advance(120)
    emulator.get("/api/queue")
    told = emulator.get(f"{CONTROL}/cost").json()
    assert (told["observed_s"], told["over_s"]) == (120, 120)
    assert member(told, "estimate", "operationsPerDay", "lists") == 1_440


def test_too_little_time_gives_no_estimate(emulator: Emulator, emulator_clock: EmulatorClock) -> None:
    emulator.get("/api/queue")
    emulator_clock.advance(0.999)
    emulator.get("/api/queue")
    told = emulator.get(f"{CONTROL}/cost").json()
    assert (told["operations"], told["observed_s"], told["estimate"]) == ({"lists": 2}, 0.999, None)


def test_a_clock_set_back_is_no_time_that_traffic_could_stand_for(
    emulator: Emulator, emulator_clock: EmulatorClock
) -> None:
    emulator.get("/api/queue")
    emulator_clock.set("2025-01-01T00:00:00Z")
    emulator.get("/api/queue")
    told = emulator.get(f"{CONTROL}/cost").json()
    assert (told["observed_s"], told["estimate"]) == (0, None)


def test_a_reset_forgets_the_counts(emulator: Emulator) -> None:
    emulator.get("/api/queue")
    control(emulator, "reset", {})
    assert emulator.get(f"{CONTROL}/cost").json() == {
        "routes": {},
        "operations": {},
        "observed_s": 0,
        "over_s": 0,
        "estimate": None,
    }


@pytest.mark.parametrize("over_s", ["-1", "x", "1.5", "", "9" * 19])
def test_a_time_that_is_no_whole_number_is_refused(emulator: Emulator, over_s: str) -> None:
    reply = emulator.get(f"{CONTROL}/cost?over_s={over_s}")
    assert reply.status == 400
    assert str(reply.json()["error"]).startswith("over_s must be a whole number of 0 or more, not ")


def test_a_write_that_the_limit_refused_is_not_billed(emulator: Emulator, kv: KV) -> None:
    emulator.enqueue({"id": "t1"})
    assert emulator.post("/api/queue/t1/status", {"status": "claimed"}).status == 500
    with pytest.raises(KVError, match="429"):
        kv.put("queue:task:t1", "")
    assert emulator.cost(over_s=60)["operations"] == {"reads": 1, "writes": 1}
