"""One clock, moved in Python: every expiry, copy, rate limit and timestamp follows it, and nothing else moves it."""

import pytest

from queue_emulator.core.errors import ClockError
from queue_emulator.testing import KV, Emulator, EmulatorClock


def test_a_test_s_clock_stands_still_until_it_is_moved(emulator: Emulator, emulator_clock: EmulatorClock) -> None:
    assert emulator_clock.now == "2026-01-01T12:00:00.000Z"
    emulator.get("/api/queue")
    assert emulator_clock.now == "2026-01-01T12:00:00.000Z"
    emulator_clock.advance(0.25)
    assert emulator_clock.now == "2026-01-01T12:00:00.250Z"


def test_it_is_set_to_an_instant_in_the_future_or_the_past_with_any_offset(emulator_clock: EmulatorClock) -> None:
    emulator_clock.set("2030-06-01T02:00:00+02:00")
    assert emulator_clock.now == "2030-06-01T00:00:00.000Z"
    emulator_clock.set("1999-12-31T23:59:59.5Z")
    assert emulator_clock.now == "1999-12-31T23:59:59.500Z"


def test_resumed_it_runs_on_from_where_it_stood_and_frozen_it_stops(
    emulator: Emulator, emulator_clock: EmulatorClock
) -> None:
    emulator_clock.resume()
    assert not emulator.deployment.clock.frozen
    assert emulator_clock.now >= "2026-01-01T12:00:00.000Z"
    assert emulator_clock.now < "2026-01-02"
    emulator_clock.advance(86_400)
    emulator_clock.freeze()
    stood = emulator_clock.now
    emulator.get("/api/queue")
    assert emulator_clock.now == stood > "2026-01-02"


@pytest.mark.parametrize("seconds", [-0.001, -60, 1e15])
def test_a_step_that_cannot_be_moves_nothing(emulator_clock: EmulatorClock, seconds: float) -> None:
    with pytest.raises(ClockError):
        emulator_clock.advance(seconds)
    assert emulator_clock.now == "2026-01-01T12:00:00.000Z"


@pytest.mark.parametrize("instant", ["noon", "2026-01-01", "2026-01-01T12:00:00", "1969-12-31T23:59:59Z"])
def test_an_instant_that_cannot_be_moves_nothing(emulator_clock: EmulatorClock, instant: str) -> None:
    with pytest.raises(ClockError):
        emulator_clock.set(instant)
    assert emulator_clock.now == "2026-01-01T12:00:00.000Z"


def test_keys_expire_by_it_and_live_again_when_it_goes_back(kv: KV, emulator_clock: EmulatorClock) -> None:
    kv.put("k", "v", expiration_ttl=60)
    emulator_clock.advance(59.999)
    assert kv.get("k") == "v"
    emulator_clock.advance(0.001)
    assert (kv.get("k"), kv.list().keys) == (None, ())
    emulator_clock.set("2026-01-01T12:00:30Z")
    assert (kv.get("k"), len(kv.list().keys)) == ("v", 1)


def test_copies_from_a_time_that_the_clock_has_gone_back_behind_are_not_shown(
    kv: KV, emulator_clock: EmulatorClock
) -> None:
    tokyo = kv.at("NRT")
    kv.put("k", "old")
    assert (tokyo.get("k"), len(tokyo.list().keys)) == ("old", 1)
    emulator_clock.advance(1)
    kv.put("k", "new")
    kv.put("k2", "new")
    emulator_clock.set("2026-01-01T11:59:59.999Z")
    assert (tokyo.get("k"), len(tokyo.list().keys)) == ("new", 2)


def test_the_worker_s_timestamps_are_the_clock_s(emulator: Emulator, emulator_clock: EmulatorClock) -> None:
    emulator_clock.set("2031-03-01T00:00:00Z")
    task = emulator.enqueue({"id": "t1"})
    assert task["queuedAt"] == "2031-03-01T00:00:00.000Z"
    emulator_clock.advance(1.5)
    claimed = emulator.post("/api/queue/claim", {"leaseDurationSec": 60}).json()
    assert claimed["lease"] == {
        "workerId": "worker_1930089601500",
        "claimedAt": "2031-03-01T00:00:01.500Z",
        "expiresAt": "2031-03-01T00:01:01.500Z",
    }
    emulator_clock.advance(1)
    renewed = emulator.post("/api/queue/t1/renew", {"workerId": "worker_1930089601500"})
    assert renewed.member("lease", "renewedAt") == "2031-03-01T00:00:02.500Z"
    assert renewed.member("lease", "expiresAt") == "2031-03-01T00:05:02.500Z"
    emulator.post("/api/queue/t1/status", {"status": "claimed"})
    assert emulator.get("/api/queue/t1").json()["updatedAt"] == "2031-03-01T00:00:02.500Z"


def test_a_lease_ends_when_the_clock_says_so(emulator: Emulator, emulator_clock: EmulatorClock) -> None:
    emulator.enqueue({"id": "t1"})
    assert emulator.post("/api/queue/claim", {"workerId": "a", "leaseDurationSec": 60}).json()["success"]
    emulator_clock.advance(59.999)
    assert not emulator.post("/api/queue/claim", {"workerId": "b"}).json()["success"]
    emulator_clock.advance(0.001)
    assert emulator.post("/api/queue/claim", {"workerId": "b"}).member("lease", "workerId") == "b"


@pytest.mark.queue_emulator(rate_limit=2)
def test_the_rate_limit_s_minute_is_the_clock_s(emulator: Emulator, emulator_clock: EmulatorClock) -> None:
    emulator_clock.advance(50)
    assert [emulator.get("/api/queue").status for _ in range(3)] == [200, 200, 429]
    refused = emulator.get("/api/queue")
    assert refused.headers["retry-after"] == "10"
    assert refused.json()["resetAt"] == "2026-01-01T12:01:00.000Z"
    emulator_clock.advance(9.999)
    assert emulator.get("/api/queue").status == 429
    emulator_clock.advance(0.001)
    assert emulator.get("/api/queue").status == 200


def test_the_journal_s_times_are_the_clock_s(emulator: Emulator, kv: KV, emulator_clock: EmulatorClock) -> None:
    kv.get("k")
    emulator_clock.advance(90)
    kv.get("k")
    first, second = emulator.journal()
    assert second.asked_ms - first.asked_ms == 90_000
