"""Which location a request is near, what its answer says of that, and what two of them see of one queue."""

import re

import pytest

from queue_emulator.testing import Emulator, EmulatorClock
from tests.laboratory.looking import last_event

TWO = pytest.mark.queue_emulator(locations=["SJC", "NRT"])


@TWO
@pytest.mark.parametrize(("named", "location"), [({}, "SJC"), ({"X-Emulator-Location": "NRT"}, "NRT")])
def test_a_request_names_its_location_or_is_near_the_first(
    emulator: Emulator, named: dict[str, str], location: str
) -> None:
    reply = emulator.get("/api/queue", headers=named)
    assert re.fullmatch(rf"[0-9a-f]{{16}}-{location}", reply.headers["cf-ray"])
    assert last_event(emulator).location == location


@TWO
def test_every_answer_has_a_ray_of_its_own_which_the_journal_knows(emulator: Emulator) -> None:
    rays = [emulator.get("/api/queue").headers["cf-ray"] for _ in range(3)]
    assert len(set(rays)) == 3
    assert [f"{event.invocation}-{event.location}" for event in emulator.journal()] == rays


@pytest.mark.parametrize(
    ("path", "status"), [("/api/queue/none", 404), ("/elsewhere", 404), ("/api/migrate/status", 200)]
)
def test_an_answer_of_any_status_has_a_ray(emulator: Emulator, path: str, status: int) -> None:
    reply = emulator.get(path)
    assert reply.status == status
    assert reply.headers["cf-ray"].endswith("-SJC")


@TWO
@pytest.mark.parametrize("name", ["LHR", "nrt", "", "SJC, NRT"])
def test_an_unknown_location_is_refused_with_those_there_are(emulator: Emulator, name: str) -> None:
    reply = emulator.get("/api/queue", headers={"X-Emulator-Location": name})
    assert reply.status == 400
    assert reply.json() == {"error": f"Unknown location in X-Emulator-Location: {name!r}; this emulator has SJC, NRT"}
    assert emulator.journal() == []


@TWO
@pytest.mark.parametrize("control", ["enqueue", "seed"])
def test_a_control_writes_at_the_location_that_its_request_names(emulator: Emulator, control: str) -> None:
    body = {"task": {"id": "t1"}} if control == "enqueue" else [{"key": "queue:task:t1", "value": "{}"}]
    assert emulator.at("NRT").post(f"/cdn-cgi/emulator/{control}", body).status == 200
    assert {event.location for event in emulator.journal()} == {"NRT"}
    refused = emulator.post(f"/cdn-cgi/emulator/{control}", body, headers={"X-Emulator-Location": "LHR"})
    assert (refused.status, refused.json()) == (
        400,
        {"error": "unknown location 'LHR'; this emulator has SJC, NRT"},
    )


@TWO
def test_status_names_the_locations(emulator: Emulator) -> None:
    assert emulator.get("/cdn-cgi/emulator/status").json()["locations"] == ["SJC", "NRT"]


@TWO
def test_a_task_enqueued_in_san_jose_is_listed_in_tokyo_a_minute_after_tokyo_looked(
    emulator: Emulator, emulator_clock: EmulatorClock
) -> None:
    tokyo = emulator.at("NRT")
    assert tokyo.get("/api/queue").json()["pending"] == []
    emulator.enqueue({"id": "t1"})
    assert emulator.get("/api/queue").json()["pending"] == ["t1"]
    assert tokyo.get("/api/queue").json()["pending"] == []
    assert tokyo.post("/api/queue/claim", {"workerId": "d"}).json()["success"] is False
    emulator_clock.advance(60)
    assert tokyo.get("/api/queue").json()["pending"] == ["t1"]


def test_a_location_comes_to_be_when_a_test_first_asks_there(emulator: Emulator) -> None:
    assert emulator.get("/cdn-cgi/emulator/status").json()["locations"] == ["SJC"]
    assert emulator.at("GRU").get("/api/queue").headers["cf-ray"].endswith("-GRU")
    assert emulator.get("/cdn-cgi/emulator/status").json()["locations"] == ["SJC", "GRU"]


def test_a_machine_that_is_not_there_is_refused_and_the_answer_says_how_to_have_more(emulator: Emulator) -> None:
    reply = emulator.get("/api/queue", headers={"X-Emulator-Machine": "2"})
    assert (reply.status, reply.text) == (
        400,
        "Unknown machine in X-Emulator-Machine; each location has one machine; more with serve --machines N",
    )
