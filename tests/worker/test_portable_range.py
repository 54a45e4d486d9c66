"""What leaves the portable range: taken and told once a kind by default, 400 where strict. Hazard H21 happening.

H21  an id, a result or a lease that the Worker's own webhooks and daemons send is refused by its queue routes: the task
     can be claimed and never finished
"""

from collections.abc import Callable

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.javascript import Json, ToJson
from queue_emulator.kv.service import KVService
from tests.worker.deployed import Centre, Worker, lease, task
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio

CLAIM, RELEASE, RENEW, STATUS, RESULT = (
    "/api/queue/claim",
    "/api/queue/a/release",
    "/api/queue/a/renew",
    "/api/queue/a/status",
    "/api/result/a",
)
ID = "id: must have 1 to 64 of A-Z, a-z, 0-9 and -"
NAME = "workerId: must have 1 to 128 characters"
UP_TO_600 = "must be at most 600 seconds"

DEPARTURES: list[tuple[str, Json, list[str]]] = [
    (CLAIM, {"leaseDurationSec": 660}, [f"leaseDurationSec: {UP_TO_600}, not 660"]),
    (CLAIM, {"workerId": ""}, [f'{NAME}, not ""']),
    (CLAIM, {"workerId": "x" * 129}, [f'{NAME}, not "{"x" * 40}…" (129 characters)']),
    (CLAIM, {"priority": "high"}, ['body: must have only workerId, leaseDurationSec, not "priority"']),
    (RELEASE, {"workerId": "w", "why": 1}, ['body: must have only workerId, reason, not "why"']),
    (RENEW, {"workerId": "w", "extendSec": 601}, [f"extendSec: {UP_TO_600}, not 601"]),
    (STATUS, {"status": "processing"}, [
        'status: must be one of pending, claimed, completed, failed, not "processing"',
    ]),
    (RESULT, {"id": "a", "status": "done", "output": 1}, [
        "success: is required",
        'body: must have only success, output, error, not "id"',
    ]),
    (RESULT, {"success": "yes", "error": {"code": 5}}, [
        'success: must be true or false, not "yes"',
        "error: must be a string, not an object",
    ]),
    (RESULT, {"success": True, "error": [1]}, ["error: must be a string, not an array"]),
    (RESULT, {"success": True, "error": ["x" * 70_000]}, ["error: must be a string, not an array"]),
    (RESULT, {"success": "x" * 70_000, "error": "x" * 70_000}, [
        "success: must be true or false, not a string of 70,002 bytes",
    ]),
]  # fmt: skip


@pytest.fixture
async def stocked(centre: Centre) -> None:
    await centre.load({"queue:task:a": task("a"), "queue:lease:a": lease("w"), "queue:task:b": task("b")})


@pytest.fixture
def strict(service: KVService, clock: MovableClock) -> Worker:
    return Worker(service, clock, strict=True)


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(("path", "body", "details"), DEPARTURES)
async def test_a_body_that_is_not_portable_is_taken_and_told_and_refused_where_strict(
    worker: Worker, strict: Worker, watch: Callable[..., WatchedBinding], path: str, body: Json, details: list[str]
) -> None:
    untouched = watch()
    assert await strict.post(path, body, at=untouched) == (400, {"error": "Validation failed", "details": details})
    assert untouched.calls == []
    assert (await worker.post(path, body))[0] == 200
    assert [line.partition(" (POST /api/")[0] for line in worker.log] == [
        f"  not portable, accepted here, refused with --strict: {detail}" for detail in details
    ]
    assert strict.log == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/queue/evt_1"),
        ("POST", "/api/queue/evt_1/release"),
        ("POST", "/api/queue/evt_1/renew"),
        ("POST", "/api/queue/evt_1/status"),
        ("POST", "/api/result/evt_1"),
        ("GET", "/api/result/evt_1"),
    ],
)
async def test_an_id_that_is_not_portable_is_refused_on_every_route_of_a_strict_deployment(
    strict: Worker, watch: Callable[..., WatchedBinding], method: str, path: str
) -> None:
    untouched = watch()
    answer = await strict.send(method, path, b"not JSON", at=untouched)
    assert (answer.status, f'{ID}, not \\"evt_1\\"'.encode() in answer.content) == (400, True)
    assert untouched.calls == []


@pytest.mark.parametrize("segment", ["a%2Fb", "x" * 65, "%E4%BB%BB", "a%0Ab", "a.b"])
async def test_an_id_of_other_letters_or_too_many_is_not_portable(worker: Worker, strict: Worker, segment: str) -> None:
    assert (await strict.send("GET", f"/api/queue/{segment}")).status == 400
    assert (await worker.send("GET", f"/api/queue/{segment}")).status == 404
    (line,) = worker.log
    assert line.startswith(f"  not portable, accepted here, refused with --strict: {ID}, not ")
    assert line.isprintable()
    assert line.endswith(" (GET /api/queue/{id}; logged once)")


@pytest.mark.usefixtures("stocked")
async def test_a_kind_is_told_once_and_each_kind_is(worker: Worker) -> None:
    for number in range(5):
        await worker.send("GET", f"/api/queue/evt_{number}")
        await worker.post(CLAIM, {"workerId": "w", "leaseDurationSec": 601 + number})
        await worker.post(STATUS, {"status": f"step {number}"})
        worker.clock.advance(2000)
    assert [line.split(": ")[1] for line in worker.log] == ["id", "leaseDurationSec", "status"]


@pytest.mark.usefixtures("stocked")
async def test_what_is_portable_is_taken_by_a_strict_deployment_and_told_by_none(
    worker: Worker, strict: Worker
) -> None:
    for deployment in (worker, strict):
        assert (await deployment.get("/api/queue"))[0] == 200
        assert (await deployment.post(CLAIM, {}))[0] == 200
        assert (await deployment.get(f"/api/queue/{'x' * 64}"))[0] == 404
        assert (await deployment.post(RENEW, {"workerId": "w", "extendSec": 600}))[0] == 200
        assert (await deployment.post(STATUS, {"status": "completed"}))[0] == 200
        assert (await deployment.post(RELEASE, {"workerId": "x" * 128, "reason": ""}))[0] == 403
        result: ToJson = {"success": False, "error": "", "output": {"any": [None]}}
        assert (await deployment.post("/api/result/b", result))[0] == 200
        assert deployment.log == []
        deployment.clock.advance(2000)


@pytest.mark.parametrize("body", [b"not JSON", b"[]", b'{"workerId":5}'])
async def test_what_no_deployment_takes_is_refused_as_ever_and_told_by_none(worker: Worker, body: bytes) -> None:
    assert (await worker.send("POST", CLAIM, body)).status == 400
    assert worker.log == []


async def test_a_strict_deployment_asks_for_the_key_before_it_looks_at_the_id(strict: Worker) -> None:
    assert (await strict.send("GET", "/api/queue/evt_1", key=None)).status == 401


async def test_h21_a_task_of_a_webhook_is_claimed_and_can_never_be_finished(strict: Worker, centre: Centre) -> None:
    """The webhook writes straight into KV, where every id fits; a daemon claims the task, and each next step is a 400.

    It tries again for ever. When its lease ends the next daemon claims the same task, the first in key order.
    """
    await centre.load({"queue:task:evt_1": task("evt_1"), "queue:task:task-2": task("task-2")})
    for daemon in ("first", "second"):
        _, claimed = await strict.post(CLAIM, {"workerId": daemon})
        assert claimed["taskId"] == "evt_1"
        assert (await strict.get("/api/queue/evt_1"))[0] == 400
        assert (await strict.post("/api/queue/evt_1/renew", {"workerId": daemon}))[0] == 400
        assert (await strict.post("/api/result/evt_1", {"success": True}))[0] == 400
        assert (await strict.post("/api/queue/evt_1/release", {"workerId": daemon}))[0] == 400
        strict.clock.advance(300_000)


@pytest.mark.usefixtures("stocked")
async def test_h21_a_result_of_a_daemons_own_shape_is_refused_and_its_task_is_claimed_again(strict: Worker) -> None:
    _, claimed = await strict.post(CLAIM, {"workerId": "v"})
    result = {"id": claimed["taskId"], "status": "completed", "output": "done", "elapsed": 1.5}
    assert (await strict.post(f"/api/result/{claimed['taskId']}", result))[0] == 400
    strict.clock.advance(600_000)
    assert (await strict.post(CLAIM, {"workerId": "x"}))[1]["success"] is True
