"""The fields of a body: which values are taken, and which are refused, with a reason and without touching KV."""

from collections.abc import Callable

import pytest

from queue_emulator.core.javascript import Json
from tests.worker.deployed import Centre, Worker, lease, task
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio

TOO_SHORT = "must be at least 60: KV refuses a shorter lifetime"
NOT_SECONDS = "must be an integer, in seconds"
NOT_TEXT = "must be a string"

CLAIM = "/api/queue/claim"
RELEASE = "/api/queue/a/release"
RENEW = "/api/queue/a/renew"
STATUS = "/api/queue/a/status"

REFUSED: list[tuple[str, Json, list[str]]] = [
    (CLAIM, {"workerId": 5}, [f"workerId: {NOT_TEXT}"]),
    (CLAIM, {"workerId": None}, [f"workerId: {NOT_TEXT}"]),
    (CLAIM, {"workerId": ["w"]}, [f"workerId: {NOT_TEXT}"]),
    (CLAIM, {"workerId": {}}, [f"workerId: {NOT_TEXT}"]),
    (CLAIM, {"workerId": False}, [f"workerId: {NOT_TEXT}"]),
    (CLAIM, {"leaseDurationSec": "300"}, [f"leaseDurationSec: {NOT_SECONDS}"]),
    (CLAIM, {"leaseDurationSec": None}, [f"leaseDurationSec: {NOT_SECONDS}"]),
    (CLAIM, {"leaseDurationSec": True}, [f"leaseDurationSec: {NOT_SECONDS}"]),
    (CLAIM, {"leaseDurationSec": 60.5}, [f"leaseDurationSec: {NOT_SECONDS}"]),
    (CLAIM, {"leaseDurationSec": [300]}, [f"leaseDurationSec: {NOT_SECONDS}"]),
    (CLAIM, {"leaseDurationSec": {"seconds": 300}}, [f"leaseDurationSec: {NOT_SECONDS}"]),
    (CLAIM, {"leaseDurationSec": 59}, [f"leaseDurationSec: {TOO_SHORT}"]),
    (CLAIM, {"leaseDurationSec": 1}, [f"leaseDurationSec: {TOO_SHORT}"]),
    (CLAIM, {"leaseDurationSec": 0}, [f"leaseDurationSec: {TOO_SHORT}"]),
    (CLAIM, {"leaseDurationSec": -300}, [f"leaseDurationSec: {TOO_SHORT}"]),
    (CLAIM, {"leaseDurationSec": -(10**30)}, [f"leaseDurationSec: {TOO_SHORT}"]),
    (CLAIM, {"workerId": 1, "leaseDurationSec": 1}, [f"workerId: {NOT_TEXT}", f"leaseDurationSec: {TOO_SHORT}"]),
    (RELEASE, {"workerId": 5}, [f"workerId: {NOT_TEXT}"]),
    (RELEASE, {"reason": 5}, [f"reason: {NOT_TEXT}"]),
    (RELEASE, {"reason": None, "workerId": None}, [f"workerId: {NOT_TEXT}", f"reason: {NOT_TEXT}"]),
    (RENEW, {}, ["workerId: is required"]),
    (RENEW, {"workerId": ""}, ["workerId: must not be empty"]),
    (RENEW, {"workerId": None}, [f"workerId: {NOT_TEXT}"]),
    (RENEW, {"workerId": "w", "extendSec": 59}, [f"extendSec: {TOO_SHORT}"]),
    (RENEW, {"workerId": "w", "extendSec": "60"}, [f"extendSec: {NOT_SECONDS}"]),
    (RENEW, {"extendSec": 0}, ["workerId: is required", f"extendSec: {TOO_SHORT}"]),
    (STATUS, {}, ["status: is required"]),
    (STATUS, {"status": ""}, ["status: must not be empty"]),
    (STATUS, {"status": None}, [f"status: {NOT_TEXT}"]),
    (STATUS, {"status": ["pending"]}, [f"status: {NOT_TEXT}"]),
]


@pytest.fixture
async def stocked(centre: Centre) -> None:
    await centre.load({"queue:task:a": task("a"), "queue:task:b": task("b"), "queue:lease:a": lease("w")})


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(("path", "body", "details"), REFUSED)
async def test_a_field_of_a_wrong_type_or_value_is_refused_with_its_reason(
    worker: Worker, watch: Callable[..., WatchedBinding], path: str, body: Json, details: list[str]
) -> None:
    binding = watch()
    answer = await worker.post(path, body, at=binding)
    assert answer == (400, {"error": "Validation failed", "details": details})
    assert binding.calls == []


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(
    ("asked_s", "given_s"), [(60, 60), (61, 61), (300, 300), (599, 599), (600, 600), (601, 600), (10**9, 600)]
)
async def test_a_lease_lasts_as_long_as_asked_for_but_600_s_at_most(
    worker: Worker, centre: Centre, asked_s: int, given_s: int
) -> None:
    claimed = await worker.post(CLAIM, {"workerId": "v", "leaseDurationSec": asked_s})
    renewed = await worker.post(RENEW, {"workerId": "w", "extendSec": asked_s})
    assert (claimed[0], renewed[0]) == (200, 200)
    assert await centre.lifetimes_s("queue:lease:") == {"queue:lease:a": given_s, "queue:lease:b": given_s}
    minutes, seconds = divmod(given_s, 60)
    expires_at = f"2026-11-23T12:{minutes:02d}:{seconds:02d}.000Z"
    assert claimed[1]["lease"]["expiresAt"] == renewed[1]["lease"]["expiresAt"] == expires_at


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("spelled", [b"120", b"120.0", b"1.2e2", b"12e1"])
async def test_whole_seconds_may_be_spelled_in_any_way_json_allows(
    worker: Worker, centre: Centre, spelled: bytes
) -> None:
    answer = await worker.send("POST", RENEW, b'{"workerId":"w","extendSec":' + spelled + b"}")
    assert answer.status == 200
    assert await centre.lifetimes_s("queue:lease:") == {"queue:lease:a": 120}


@pytest.mark.usefixtures("stocked")
async def test_seconds_beyond_every_integer_are_shortened_and_infinite_ones_refused(worker: Worker) -> None:
    large = await worker.send("POST", CLAIM, b'{"workerId":"v","leaseDurationSec":1e300}')
    infinite = await worker.send("POST", RENEW, b'{"workerId":"w","extendSec":1e400}')
    assert (large.status, infinite.status) == (200, 400)


@pytest.mark.usefixtures("stocked")
async def test_without_seconds_a_lease_lasts_300(worker: Worker, centre: Centre) -> None:
    await worker.post(CLAIM, {"workerId": "v"})
    await worker.post(RENEW, {"workerId": "w"})
    assert await centre.lifetimes_s("queue:lease:") == {"queue:lease:a": 300, "queue:lease:b": 300}


@pytest.mark.parametrize("body", [{}, {"workerId": ""}])
async def test_a_claim_without_a_worker_is_made_in_the_name_of_the_hour(
    worker: Worker, centre: Centre, body: Json
) -> None:
    await centre.load({"queue:task:a": task("a")})
    _, answer = await worker.post(CLAIM, body)
    assert answer["lease"]["workerId"] == "worker_1795435200000"


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("worker_id", ["w", " ", "żółw", "🐢", "x" * 5000, "a\0b", "__proto__"])
async def test_a_workers_name_is_any_text(worker: Worker, worker_id: str) -> None:
    _, claimed = await worker.post(CLAIM, {"workerId": worker_id})
    assert claimed["lease"]["workerId"] == worker_id
    assert (await worker.post("/api/queue/b/release", {"workerId": worker_id})) == (200, {"success": True})


@pytest.mark.usefixtures("stocked")
async def test_fields_that_are_not_the_routes_are_ignored(worker: Worker, centre: Centre) -> None:
    status, answer = await worker.post(CLAIM, {"workerId": "v", "extendSec": "x", "status": 5, "taskId": "a"})
    assert (status, answer["taskId"]) == (200, "b")
    assert set(await centre.value("queue:lease:b")) == {"workerId", "claimedAt", "expiresAt"}


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("said", ["failed", "processing", "Pending", "в работе", " "])
async def test_a_status_is_any_text(worker: Worker, centre: Centre, said: str) -> None:
    assert await worker.post(STATUS, {"status": said}) == (200, {"success": True, "status": said})
    assert (await centre.value("queue:task:a"))["status"] == said


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"success": True},
        {"success": False, "error": "no such branch"},
        {"success": "yes", "error": 5},
        {"output": {"log": ["один", "🚀"]}, "extra": None},
    ],
)
async def test_a_result_is_any_json_object(worker: Worker, result: Json) -> None:
    assert await worker.post("/api/result/a", result) == (200, {"success": True})
    assert await worker.get("/api/result/a") == (200, result)
