"""What the queue's routes answer, status and body, and what they leave in KV."""

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import KVError, KVSyntaxError
from queue_emulator.core.javascript import ToJson
from tests.worker.deployed import Centre, Parsed, Worker, lease, task

pytestmark = pytest.mark.anyio

NOT_HOLDER = (403, {"error": "Invalid lease or not holder"})


async def test_an_empty_queue_lists_nothing(worker: Worker) -> None:
    assert await worker.get("/api/queue") == (200, {"pending": [], "count": 0})


async def test_ids_are_listed_in_the_order_of_their_utf_8_bytes(worker: Worker, centre: Centre) -> None:
    ids = ["b", "a", "B", "10", "9", "é", "z", "\U0001f680", "\uff5e", "-", "a/b", "a b"]
    await centre.load({f"queue:task:{task_id}": task(task_id) for task_id in ids})
    _, answer = await worker.get("/api/queue")
    assert answer == {"pending": sorted(ids, key=str.encode), "count": 12}


async def test_leased_tasks_and_tasks_of_every_status_are_listed(worker: Worker, centre: Centre) -> None:
    await centre.load({"queue:task:a": task("a", status="completed"), "queue:task:b": b"not JSON"})
    await centre.load({"queue:lease:b": lease("w"), "queue:tasks": 1, "queue:task": 1})
    assert (await worker.get("/api/queue"))[1]["pending"] == ["a", "b"]


async def test_a_claim_answers_with_the_first_free_task_and_its_lease(worker: Worker, centre: Centre) -> None:
    await centre.load({"queue:task:b": task("b"), "queue:task:a": task("a", unknown=[1])})
    taken = {
        "workerId": "w",
        "claimedAt": "2026-11-23T12:00:00.000Z",
        "expiresAt": "2026-11-23T12:02:00.000Z",
    }
    assert await worker.post("/api/queue/claim", {"workerId": "w", "leaseDurationSec": 120}) == (
        200,
        {"success": True, "taskId": "a", "task": task("a", unknown=[1]), "lease": taken},
    )
    assert await centre.contents("queue:lease:") == {"queue:lease:a": taken}
    assert await centre.value("queue:task:a") == task("a", unknown=[1])


async def test_a_claim_looks_at_leases_only_and_takes_finished_tasks_too(worker: Worker, centre: Centre) -> None:
    await centre.load({"queue:task:a": task("a", status="completed")})
    assert (await worker.post("/api/queue/claim", {"workerId": "w"}))[1]["taskId"] == "a"


async def test_each_claim_takes_the_next_task_until_nothing_is_free(worker: Worker, centre: Centre) -> None:
    await centre.load({f"queue:task:{name}": task(name) for name in "cab"})
    answers = [(await worker.post("/api/queue/claim", {"workerId": "w"}))[1] for _ in range(4)]
    assert [answer.get("taskId") for answer in answers] == ["a", "b", "c", None]


async def test_a_lease_ends_with_its_time(worker: Worker, centre: Centre, clock: MovableClock) -> None:
    await centre.load({"queue:task:a": task("a")})
    await worker.post("/api/queue/claim", {"workerId": "v", "leaseDurationSec": 60})
    clock.advance(59_999)
    assert (await worker.post("/api/queue/claim", {"workerId": "w"}))[1]["success"] is False
    clock.advance(1)
    assert (await worker.post("/api/queue/claim", {"workerId": "w"}))[1]["lease"]["workerId"] == "w"


async def test_a_task_is_answered_as_it_lies_in_kv(worker: Worker, centre: Centre) -> None:
    await centre.load({"queue:task:a": b' {"id": "a", "unknown" : [1.0, "\\u00e9"]} '})
    assert await worker.get("/api/queue/a") == (200, {"id": "a", "unknown": [1, "é"]})


@pytest.mark.parametrize("stored", [b"{}", b"[]"])
async def test_an_empty_object_or_array_is_truthy_in_javascript_and_so_a_task(
    worker: Worker, centre: Centre, stored: bytes
) -> None:
    await centre.load({"queue:task:a": stored})
    answer = await worker.send("GET", "/api/queue/a")
    assert (answer.status, answer.content) == (200, stored)


@pytest.mark.parametrize("stored", [None, b"null", b"0", b"false", b'""'])
async def test_a_task_that_is_missing_or_falsy_is_404(worker: Worker, centre: Centre, stored: bytes | None) -> None:
    if stored is not None:
        await centre.load({"queue:task:a": stored})
    missing = (404, {"error": "Task not found"})
    assert await worker.get("/api/queue/a") == missing
    assert await worker.post("/api/queue/a/status", {"status": "claimed"}) == missing


async def test_a_task_lives_for_an_hour(worker: Worker, centre: Centre, clock: MovableClock) -> None:
    await centre.load({"queue:task:a": task("a")})
    clock.advance(3_599_999)
    assert (await worker.get("/api/queue/a"))[0] == 200
    clock.advance(1)
    assert (await worker.get("/api/queue/a"))[0] == 404


@pytest.mark.parametrize("path", ["/api/queue/a", "/api/result/a"])
async def test_a_value_that_is_not_json_escapes_as_a_syntax_error(worker: Worker, centre: Centre, path: str) -> None:
    await centre.load({"queue:task:a": b"plain", "orchestrator:result:a": b"plain"})
    with pytest.raises(KVSyntaxError, match="is not valid JSON"):
        await worker.get(path)


@pytest.mark.parametrize(
    "body", [{"workerId": "w"}, {"workerId": "w", "reason": "shutting down"}, {}, {"workerId": ""}]
)
async def test_the_holder_or_whoever_names_nobody_releases(
    worker: Worker, centre: Centre, body: dict[str, str]
) -> None:
    await centre.load({"queue:lease:a": lease("w")})
    assert await worker.post("/api/queue/a/release", body) == (200, {"success": True})
    assert await centre.keys() == []


async def test_releasing_twice_is_no_error(worker: Worker, centre: Centre) -> None:
    await centre.load({"queue:lease:a": lease("w")})
    await worker.post("/api/queue/a/release", {})
    again = await worker.post("/api/queue/a/release", {"workerId": "anybody"})
    assert again == (200, {"success": True, "message": "No active lease"})


@pytest.mark.parametrize("held", [lease("w"), {"claimedAt": "?"}, [], "w"])
async def test_nobody_else_releases(worker: Worker, centre: Centre, held: Parsed) -> None:
    await centre.load({"queue:lease:a": held})
    assert await worker.post("/api/queue/a/release", {"workerId": "x"}) == (403, {"error": "Not lease holder"})
    assert await centre.value("queue:lease:a") == held


async def test_renewing_counts_from_now_and_keeps_the_rest_of_the_lease(
    worker: Worker, centre: Centre, clock: MovableClock
) -> None:
    await centre.load({"queue:lease:a": lease("w", claimNonce="n", unknown=1)}, ttl_s=300)
    clock.advance(100_250)
    renewed = lease("w", claimNonce="n", unknown=1, expiresAt="2026-11-23T12:03:40.250Z")
    renewed["renewedAt"] = "2026-11-23T12:01:40.250Z"
    answer = await worker.post("/api/queue/a/renew", {"workerId": "w", "extendSec": 120})
    assert answer == (200, {"success": True, "lease": renewed})
    assert await centre.contents() == {"queue:lease:a": renewed}
    assert await centre.lifetimes_s() == {"queue:lease:a": 120}


@pytest.mark.parametrize("held", [None, lease("other"), {"claimedAt": "?"}, [], "w"])
async def test_only_the_holder_renews(worker: Worker, centre: Centre, held: Parsed) -> None:
    if held is not None:
        await centre.load({"queue:lease:a": held})
    before = await centre.contents()
    assert await worker.post("/api/queue/a/renew", {"workerId": "w"}) == NOT_HOLDER
    assert await centre.contents() == before


async def test_an_expired_lease_cannot_be_renewed(worker: Worker, centre: Centre, clock: MovableClock) -> None:
    await centre.load({"queue:lease:a": lease("w")}, ttl_s=60)
    clock.advance(60_000)
    assert await worker.post("/api/queue/a/renew", {"workerId": "w"}) == NOT_HOLDER


@pytest.mark.parametrize("status", ["pending", "claimed", "completed", "failed"])
async def test_a_status_changes_the_task_and_gives_it_a_whole_hour(
    worker: Worker, centre: Centre, clock: MovableClock, status: str
) -> None:
    await centre.load({"queue:task:a": task("a", unknown={"kept": [1]}, updatedAt="before")}, ttl_s=500)
    clock.advance(400_007)
    answer = await worker.post("/api/queue/a/status", {"status": status})
    assert answer == (200, {"success": True, "status": status})
    changed = task("a", unknown={"kept": [1]}, updatedAt="2026-11-23T12:06:40.007Z", status=status)
    assert await centre.contents() == {"queue:task:a": changed}
    assert await centre.lifetimes_s() == {"queue:task:a": 3600}


@pytest.mark.parametrize(
    ("stored", "spread"), [([7, "x"], {"0": 7, "1": "x"}), ("hi", {"0": "h", "1": "i"}), (42, {}), ({}, {})]
)
async def test_a_task_that_is_no_object_is_spread_as_javascript_does(
    worker: Worker, centre: Centre, stored: Parsed, spread: dict[str, object]
) -> None:
    await centre.load({"queue:task:a": stored})
    await worker.post("/api/queue/a/status", {"status": "failed"})
    assert await centre.value("queue:task:a") == {
        **spread,
        "status": "failed",
        "updatedAt": "2026-11-23T12:00:00.000Z",
    }


async def test_a_result_takes_the_task_off_the_queue_and_stays_for_an_hour(
    worker: Worker, centre: Centre, clock: MovableClock
) -> None:
    await centre.load({"queue:task:a": task("a"), "queue:lease:a": lease("w")})
    result: Parsed = {"success": False, "error": "timed out", "output": {"log": ["…"]}}
    assert await worker.post("/api/result/a", result) == (200, {"success": True})
    assert await centre.contents() == {"orchestrator:result:a": result}
    assert (await worker.get("/api/queue"))[1]["pending"] == []
    clock.advance(3_599_999)
    assert await worker.get("/api/result/a") == (200, result)
    clock.advance(1)
    assert await worker.get("/api/result/a") == (404, {"error": "Result not found"})


async def test_a_second_result_replaces_the_first(worker: Worker, clock: MovableClock) -> None:
    await worker.post("/api/result/a", {"success": False, "error": "first"})
    clock.advance(1000)
    await worker.post("/api/result/a", {"success": True})
    assert await worker.get("/api/result/a") == (200, {"success": True})


async def test_a_result_needs_no_lease_and_no_task(worker: Worker, centre: Centre) -> None:
    await centre.load({"queue:task:a": task("a"), "queue:lease:a": lease("somebody else")})
    assert await worker.post("/api/result/a", {"success": True}) == (200, {"success": True})
    assert await worker.post("/api/result/b", {"success": True}) == (200, {"success": True})


@pytest.mark.parametrize("stored", [None, b"null", b"0", b'""'])
async def test_a_result_that_is_missing_or_falsy_is_404(worker: Worker, centre: Centre, stored: bytes | None) -> None:
    if stored is not None:
        await centre.load({"orchestrator:result:a": stored})
    assert await worker.get("/api/result/a") == (404, {"error": "Result not found"})


@pytest.mark.no_cover
@pytest.mark.slow
async def test_a_result_that_grows_beyond_the_value_limit_is_refused_and_nothing_is_written(
    worker: Worker, centre: Centre
) -> None:
    await centre.load({"queue:task:a": task("a")})
    filler, written_out_at_length = b"x" * (23 * 2**20), b",".join([b"1e20"] * 200_000)
    result = b'{"filler":"' + filler + b'","output":[' + written_out_at_length + b"]}"
    answer = await worker.send("POST", "/api/result/a", result)
    assert (answer.status, b"exceeds limit of 26214400" in answer.content) == (413, True)
    assert await centre.keys() == ["queue:task:a"]


async def test_a_failure_of_kv_other_than_its_size_limit_escapes(worker: Worker) -> None:
    assert (await worker.post("/api/result/a", {"success": True}))[0] == 200
    with pytest.raises(KVError, match="429"):
        await worker.post("/api/result/a", {"success": True})


async def test_a_large_result_and_a_large_status_are_kept_as_they_are(worker: Worker, centre: Centre) -> None:
    long, many = "\U0001f600\n" * 40_000, [{"a": number} for number in range(9_000)]
    await centre.load({"queue:task:a": task("a")})
    assert (await worker.post("/api/queue/a/status", {"status": long}))[1] == {"success": True, "status": long}
    assert (await worker.get("/api/queue/a"))[1]["status"] == long
    result: ToJson = {"success": True, "output": {"text": long, "all": many}, "z": 1}
    await worker.post("/api/result/a", result)
    assert (await worker.get("/api/result/a"))[1] == result
    assert list((await worker.get("/api/result/a"))[1]) == ["success", "output", "z"]


async def test_who_holds_a_lease_is_compared_however_long_the_name_is(worker: Worker, centre: Centre) -> None:
    name = "w" * 70_000
    await centre.load({"queue:task:a": task("a")})
    assert (await worker.post("/api/queue/claim", {"workerId": name}))[1]["lease"]["workerId"] == name
    assert await worker.post("/api/queue/a/renew", {"workerId": name[:-1]}) == NOT_HOLDER
    assert (await worker.post("/api/queue/a/release", {"workerId": name})) == (200, {"success": True})
