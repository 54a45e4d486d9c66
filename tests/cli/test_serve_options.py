"""What the options of `serve` change."""

import re

import pytest

from tests.cli.emulator_process import ADMIN, BASIC, QUEUE, StartEmulator

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("version", "pending"), [("old", 5), ("dual", 5), ("new", 0)])
def test_the_worker_version_decides_which_tasks_are_seen_and_whether_there_is_a_migration(
    start_emulator: StartEmulator, version: str, pending: int
) -> None:
    emulator = start_emulator("--ephemeral", "--seed", BASIC, "--worker-version", version)
    assert f"  profile     cloudflare, SJC, Worker version {version}" in emulator.banner
    assert emulator.ask("GET", "/cdn-cgi/emulator/status").json()["workerVersion"] == version
    assert emulator.ask("GET", "/api/queue", headers=QUEUE).json()["count"] == pending
    run = emulator.ask("POST", "/api/migrate/run", headers=ADMIN)
    assert run.status_code == 404 if version == "old" else run.json()["totalMigrated"] == 7
    claimed = emulator.ask("POST", "/api/queue/claim", headers=QUEUE, json={"workerId": "w"}).json()
    assert claimed["taskId"] == "task2"


def test_versions_by_location_and_machines_with_copies_of_their_own(start_emulator: StartEmulator) -> None:
    places = ("--location", "SJC", "--location", "NRT")
    emulator = start_emulator("--ephemeral", *places, "--worker-version", "NRT=old", "--machines", "2")
    assert "  profile     cloudflare, SJC, NRT, Worker version new, old at NRT" in emulator.banner

    def status(path: str, keys: dict[str, str], **headers: str) -> int:
        named = {f"X-Emulator-{name}": value for name, value in headers.items()}
        return emulator.ask("GET", path, headers=keys | named).status_code

    assert status("/api/migrate/status", ADMIN) == 200
    assert status("/api/migrate/status", ADMIN, Location="NRT") == 404  # the old Worker has none
    assert status("/api/result/t1", QUEUE, Machine="1") == 404
    written = {**QUEUE, "X-Emulator-Machine": "2"}
    assert emulator.ask("POST", "/api/result/t1", headers=written, json={"success": True}).status_code == 200
    assert status("/api/result/t1", QUEUE, Machine="2") == 200
    assert status("/api/result/t1", QUEUE, Machine="1") == 404, "the first machine has a copy of the miss"
    assert {status("/api/result/t1", QUEUE) for _ in range(20)} == {200, 404}, "a random machine"
    for unknown in ("0", "3", "x"):
        assert status("/api/result/t1", QUEUE, Machine=unknown) == 400


def test_requests_past_the_rate_limit_are_told_when_to_come_back(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral", "--rate-limit", "3")
    now_ms = emulator.ask("GET", "/cdn-cgi/emulator/clock").json()["now_ms"]
    emulator.ask("POST", "/cdn-cgi/emulator/clock", json={"advance_s": 60 - now_ms % 60_000 / 1000})  # a minute begins
    answers = [emulator.ask("GET", "/api/queue", headers=QUEUE) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    refused = answers[-1]
    assert set(refused.json()) == {"error", "retryAfter", "resetAt"}
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert emulator.ask("GET", "/api/migrate/status", headers=ADMIN).status_code == 200  # another key, its own count
    emulator.ask("POST", "/cdn-cgi/emulator/clock", json={"advance_s": int(refused.headers["Retry-After"])})
    assert emulator.ask("GET", "/api/queue", headers=QUEUE).status_code == 200


def test_what_is_not_portable_is_told_once_or_refused_where_strict(start_emulator: StartEmulator) -> None:
    lenient, strict = start_emulator("--ephemeral"), start_emulator("--ephemeral", "--strict")
    for _ in range(2):
        assert lenient.ask("GET", "/api/queue/evt_1", headers=QUEUE).status_code == 404
        refused = strict.ask("GET", "/api/queue/evt_1", headers=QUEUE)
        assert refused.status_code == 400
    detail = 'id: must have 1 to 64 of A-Z, a-z, 0-9 and -, not "evt_1"'
    assert refused.json() == {"error": "Validation failed", "details": [detail]}
    assert (lenient.stop(), strict.stop()) == (0, 0)
    told = f"  not portable, accepted here, refused with --strict: {detail} (GET /api/queue/{{id}}; logged once)"
    assert (lenient.log().count(told), strict.log().count("not portable")) == (1, 0)


def test_the_local_profile_has_no_limit_on_writes_to_one_key(start_emulator: StartEmulator) -> None:
    def statuses(*arguments: str) -> list[int]:
        emulator = start_emulator("--ephemeral", *arguments)
        with emulator.client() as client:
            result = {"success": True}
            return [client.post("/api/result/r", headers=QUEUE, json=result).status_code for _ in range(2)]

    assert statuses("--profile", "local") == [200, 200]
    assert statuses("--profile", "cloudflare") == [200, 500]  # KV: one write a second to one key


def test_each_location_has_its_own_name_in_the_answers(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral", "--location", "FRA", "--location", "nrt")
    assert emulator.ask("GET", "/cdn-cgi/emulator/status").json()["locations"] == ["FRA", "NRT"]
    rays = [
        emulator.ask("GET", "/api/queue", headers={**QUEUE, **where}).headers["CF-Ray"]
        for where in ({}, {"X-Emulator-Location": "NRT"})
    ]
    assert [ray.rpartition("-")[2] for ray in rays] == ["FRA", "NRT"]
    unknown = emulator.ask("GET", "/api/queue", headers={**QUEUE, "X-Emulator-Location": "SJC"})
    assert unknown.status_code == 400


def test_one_line_a_request_is_logged(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral")
    emulator.ask("GET", "/api/queue?secret=1", headers=QUEUE)
    emulator.ask("POST", "/api/result/a%2Fb", headers=QUEUE, json={"success": True})
    assert emulator.stop() == 0
    not_portable, first, second = sorted(emulator.log().splitlines())
    assert not_portable.startswith("  not portable")
    assert re.fullmatch(r"GET /api/queue 200 \d+\.\d ms SJC, 1 KV operation", first)
    assert re.fullmatch(r"POST /api/result/a%2Fb 200 \d+\.\d ms SJC, 3 KV operations", second)


def test_quiet_logs_no_requests_but_still_explains_failures(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral", "--quiet")
    emulator.ask("POST", "/cdn-cgi/emulator/seed", json=[{"key": "queue:task:a", "value": "{"}])
    assert emulator.ask("GET", "/api/queue", headers=QUEUE).status_code == 200
    assert emulator.ask("GET", "/api/queue/a", headers=QUEUE).status_code == 500
    assert emulator.stop() == 0
    (line,) = emulator.log().splitlines()
    assert line.startswith("  uncaught SyntaxError: ")
