"""What production does to the queue, and local runs hide: each of these is a test that a user could copy."""

import json

import pytest

from queue_emulator.core.javascript import Json, ToJson
from queue_emulator.testing import KV, Emulator, EmulatorClock, Reply, member
from tests.laboratory.looking import every_name

TWO = pytest.mark.queue_emulator(locations=["SJC", "NRT"])


def claimed_by(reply: Reply) -> tuple[Json, Json]:
    """The task that a claim gave, and who holds it by the lease in the answer."""
    answer = reply.json()
    return (answer["taskId"], member(answer, "lease", "workerId")) if "taskId" in answer else (None, None)


@TWO
@pytest.mark.parametrize("apart_s", [0, 1, 30, 59.999])
def test_h2_two_locations_both_claim_a_task(emulator: Emulator, emulator_clock: EmulatorClock, apart_s: float) -> None:
    """Tokyo asked for the lease while there was none, and remembers that: however far apart, within the minute."""
    san_jose, tokyo = emulator.at("SJC"), emulator.at("NRT")
    emulator.enqueue({"id": "t1"})
    assert tokyo.get("/api/queue").json()["pending"] == ["t1"]
    assert tokyo.post("/api/queue/t1/release", {}).json()["message"] == "No active lease"

    assert claimed_by(san_jose.post("/api/queue/claim", {"workerId": "a"})) == ("t1", "a")
    emulator_clock.advance(apart_s)
    # KV refuses a second write of the lease within the second, which nobody may rely on
    second = tokyo.post("/api/queue/claim", {"workerId": "b"})
    if apart_s < 1:
        assert second.status == 500
    else:
        assert claimed_by(second) == ("t1", "b")


@TWO
def test_h2_does_not_happen_once_the_remembered_miss_is_a_minute_old(
    emulator: Emulator, emulator_clock: EmulatorClock
) -> None:
    san_jose, tokyo = emulator.at("SJC"), emulator.at("NRT")
    emulator.enqueue({"id": "t1"})
    tokyo.post("/api/queue/t1/release", {})
    assert claimed_by(san_jose.post("/api/queue/claim", {"workerId": "a"})) == ("t1", "a")
    emulator_clock.advance(60)
    assert tokyo.post("/api/queue/claim", {"workerId": "b"}).json()["success"] is False


@pytest.mark.queue_emulator(profile="local", locations=["SJC", "NRT"])
def test_h2_never_shows_in_the_vendor_s_local_runtime(emulator: Emulator, emulator_clock: EmulatorClock) -> None:
    emulator.enqueue({"id": "t1"})
    emulator.at("NRT").post("/api/queue/t1/release", {})
    assert claimed_by(emulator.at("SJC").post("/api/queue/claim", {"workerId": "a"})) == ("t1", "a")
    emulator_clock.advance(1)
    assert emulator.at("NRT").post("/api/queue/claim", {"workerId": "b"}).json()["success"] is False


def old_tasks(count: int) -> list[dict[str, str]]:
    """Old-format data: the pending list and its tasks, as a bulk write."""
    ids = [f"t{number:04d}" for number in range(count)]
    tasks = [{"key": f"orchestrator:queue:{task_id}", "value": json.dumps({"id": task_id})} for task_id in ids]
    return [{"key": "orchestrator:pending", "value": json.dumps(ids)}, *tasks]


def test_h9_a_migration_of_a_few_hundred_tasks_runs_out_of_operations_half_way(emulator: Emulator, kv: KV) -> None:
    """Four operations a task, and a thousand in one run of the Worker: what is left stays in the old format."""
    emulator.load(old_tasks(400))
    reply = emulator.post("/api/migrate/run")
    assert reply.status == 207
    migrated = every_name(kv, prefix="queue:task:")
    left = every_name(kv, prefix="orchestrator:queue:")
    assert 240 < len(migrated) < 260
    assert len(set(migrated)) + len(left) >= 400
    assert sum(event.route == "POST /api/migrate/run" for event in emulator.journal()) == 1000


def test_h9_does_not_happen_to_two_hundred_tasks(emulator: Emulator, kv: KV) -> None:
    emulator.load(old_tasks(200))
    assert emulator.post("/api/migrate/run").member("tasks", "migrated") == 200
    assert every_name(kv, prefix="orchestrator:queue:") == []


def leased_tasks(count: int) -> list[dict[str, ToJson]]:
    """So many tasks with a lease each, and one that is free behind them."""
    ids = [f"t{number:04d}" for number in range(count)]
    leases: list[dict[str, ToJson]] = [
        {"key": f"queue:lease:{each}", "value": '{"workerId":"x"}', "expiration_ttl": 600} for each in ids
    ]
    tasks: list[dict[str, ToJson]] = [
        {"key": f"queue:task:{each}", "value": json.dumps({"id": each})} for each in [*ids, "u"]
    ]
    return [*leases, *tasks]


def test_h10_a_claim_behind_a_thousand_leases_runs_out_of_operations(emulator: Emulator) -> None:
    """One list and one read a lease: the daemon gets a 500 while all others work, and nobody reaches the free task."""
    emulator.load(leased_tasks(1000))
    reply = emulator.post("/api/queue/claim", {"workerId": "d"})
    assert (reply.status, reply.text) == (500, "Internal Server Error")
    (why,) = [line for line in emulator.log if line.startswith("  uncaught")]
    assert "Too many API requests by single Worker invocation." in why
    assert "after 1000 KV operations; the limit: KV operations in one invocation" in why


def test_h10_does_not_happen_behind_nine_hundred(emulator: Emulator) -> None:
    emulator.load(leased_tasks(900))
    assert emulator.post("/api/queue/claim", {"workerId": "d"}).json()["taskId"] == "u"


def test_h12_renewing_right_after_a_claim_is_a_500(emulator: Emulator, emulator_clock: EmulatorClock) -> None:
    emulator.enqueue({"id": "t1"})
    emulator.post("/api/queue/claim", {"workerId": "d"})
    emulator_clock.advance(0.999)
    assert emulator.post("/api/queue/t1/renew", {"workerId": "d"}).status == 500
    assert any("KV PUT failed: 429 Too Many Requests" in line for line in emulator.log)
    emulator_clock.advance(0.001)
    assert emulator.post("/api/queue/t1/renew", {"workerId": "d"}).status == 200


def test_h12_claiming_right_after_a_release_is_a_500(emulator: Emulator, emulator_clock: EmulatorClock) -> None:
    emulator.enqueue({"id": "t1"})
    emulator.post("/api/queue/claim", {"workerId": "a"})
    assert emulator.post("/api/queue/t1/release", {"workerId": "a"}).json() == {"success": True}
    assert emulator.post("/api/queue/claim", {"workerId": "b"}).status == 500
    emulator_clock.advance(1)
    assert claimed_by(emulator.post("/api/queue/claim", {"workerId": "b"})) == ("t1", "b")


@pytest.mark.queue_emulator(without=["write-rate"])
def test_h12_does_not_happen_without_the_limit(emulator: Emulator) -> None:
    emulator.enqueue({"id": "t1"})
    emulator.post("/api/queue/claim", {"workerId": "d"})
    assert emulator.post("/api/queue/t1/renew", {"workerId": "d"}).status == 200


@TWO
def test_h13_another_location_goes_on_listing_and_claiming_a_finished_task(
    emulator: Emulator, emulator_clock: EmulatorClock
) -> None:
    san_jose, tokyo = emulator.at("SJC"), emulator.at("NRT")
    emulator.enqueue({"id": "t1"})
    assert tokyo.get("/api/queue").json()["pending"] == ["t1"]
    assert tokyo.get("/api/queue/t1").status == 200
    assert claimed_by(san_jose.post("/api/queue/claim", {"workerId": "a"})) == ("t1", "a")
    assert san_jose.post("/api/result/t1", {"success": True}).status == 200
    assert san_jose.get("/api/queue").json()["pending"] == []

    emulator_clock.advance(30)
    assert tokyo.get("/api/queue").json()["pending"] == ["t1"]
    assert claimed_by(tokyo.post("/api/queue/claim", {"workerId": "b"})) == ("t1", "b")  # done a second time
    stale = [(event.operation, event.key) for event in emulator.journal() if event.stale]
    assert stale == [
        ("list", b"queue:task:"),
        ("list", b"queue:task:"),
        ("get", b"queue:task:t1"),
    ]

    emulator_clock.advance(60)
    assert tokyo.get("/api/queue").json()["pending"] == []
    assert tokyo.post("/api/queue/claim", {"workerId": "b"}).json()["success"] is False
