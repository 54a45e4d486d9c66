"""What Cloudflare's API writes, the Worker's locations see as late as any other write; faults and journal know it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import QuotaError
from queue_emulator.core.plans import FREE
from queue_emulator.core.profiles import CLOUDFLARE, compose
from queue_emulator.kv.service import KVService
from queue_emulator.web.deployment import Deployment
from tests.web.rest.api import CACHE, Api, refused, succeeded, value_path

pytestmark = pytest.mark.anyio


async def seen(deployment: Deployment, location: str, key: str = "k") -> str | None:
    value: str | None = await deployment.binding(location).get(key)
    return value


async def add_fault(api: Api, **rule: Any) -> None:
    assert (await api.client.post("/cdn-cgi/emulator/faults", json=rule)).status_code == 200


async def test_copies_at_locations_outlive_a_write_through_the_api(
    api: Api, deployment: Deployment, clock: MovableClock
) -> None:
    await api.put("k", b"1")
    assert [await seen(deployment, at) for at in ("SJC", "NRT")] == ["1", "1"]
    await api.put("k", b"2")
    assert await api.get("k") == b"2"
    assert [await seen(deployment, at) for at in ("SJC", "NRT")] == ["1", "1"]
    clock.advance(60_000)
    assert [await seen(deployment, at) for at in ("SJC", "NRT")] == ["2", "2"]


async def test_the_api_reads_what_a_location_wrote_before_others_see_it(api: Api, deployment: Deployment) -> None:
    assert await seen(deployment, "NRT") is None
    await deployment.binding("SJC").put("k", "1")
    assert await api.get("k") == b"1"
    assert await api.names() == ["k"]
    assert await seen(deployment, "NRT") is None


CACHED = compose("cloudflare", api_reads="cached")


@pytest.mark.parametrize("profile", [CACHED])
async def test_an_api_that_reads_copies_misses_what_was_just_written_through_it_for_a_minute(
    api: Api, clock: MovableClock
) -> None:
    assert refused(await api.ask("GET", value_path("k")))[:2] == (404, 10009)
    assert await api.names() == []
    await api.put("k", b"1")
    assert refused(await api.ask("GET", value_path("k")))[:2] == (404, 10009)
    assert await api.names() == []
    clock.advance(59_999)
    assert refused(await api.ask("GET", value_path("k")))[:2] == (404, 10009)
    clock.advance(1)
    assert (await api.get("k"), await api.names()) == (b"1", ["k"])
    await api.put("k", b"2")
    assert await api.get("k") == b"1"
    answer = await api.ask("POST", f"/{CACHE}/bulk/get", json={"keys": ["k"]})
    assert succeeded(answer)["result"]["values"] == {"k": "1"}
    clock.advance(60_000)
    assert await api.get("k") == b"2"


@pytest.mark.parametrize("profile", [CACHED])
async def test_an_api_that_reads_copies_sees_at_once_what_it_has_never_looked_up(
    api: Api, deployment: Deployment
) -> None:
    await api.put("k", b"1")
    assert await api.get("k") == b"1"
    await deployment.binding("SJC").put("k", "2")
    assert (await api.get("k"), await seen(deployment, "SJC"), await seen(deployment, "NRT")) == (b"1", "2", "2")
    assert isinstance(deployment.service, KVService)
    await deployment.service.reset()
    assert refused(await api.ask("GET", value_path("k")))[:2] == (404, 10009)


@pytest.mark.parametrize("profile", [replace(CLOUDFLARE, lag_ms=(9_000, 9_000))])
async def test_replication_lags_to_every_location(api: Api, deployment: Deployment, clock: MovableClock) -> None:
    pairs = [{"key": "k", "value": "1"}]
    succeeded(await api.ask("PUT", f"/{CACHE}/bulk", json=pairs))
    assert (await api.get("k"), await seen(deployment, "SJC"), await seen(deployment, "NRT")) == (b"1", None, None)
    clock.advance(69_000)
    assert (await seen(deployment, "SJC"), await seen(deployment, "NRT")) == ("1", "1")


async def test_the_journal_calls_the_api_a_location_and_names_the_route(api: Api, deployment: Deployment) -> None:
    answer = await api.ask("PUT", value_path("k"), content=b"v")
    succeeded(await api.ask("GET", f"/{CACHE}/keys", params={"prefix": "p"}))
    succeeded(await api.ask("POST", f"/{CACHE}/bulk/get", json={"keys": ["k", "x"]}))
    events = list(deployment.service.journal.after(0))
    assert [(event.operation, event.key, event.location, event.route) for event in events] == [
        ("put", b"k", "API", "API PUT /{id}/values/{key}"),
        ("list", b"p", "API", "API GET /{id}/keys"),
        ("get_bulk", b"k", "API", "API POST /{id}/bulk/get"),
        ("get_bulk", b"x", "API", "API POST /{id}/bulk/get"),
    ]
    assert answer.headers["CF-Ray"] == f"{events[0].invocation}-API"


async def test_bulk_writes_are_metered_by_the_pair(api: Api, deployment: Deployment) -> None:
    succeeded(await api.ask("PUT", f"/{CACHE}/bulk", json=[{"key": str(n), "value": "v"} for n in range(7)]))
    succeeded(await api.ask("POST", f"/{CACHE}/bulk/delete", json=["1", "2"]))
    assert deployment.service.meter.by_route() == {
        "API POST /{id}/bulk/delete": {"requests": 1, "deletes": 2},
        "API PUT /{id}/bulk": {"requests": 1, "writes": 7},
    }


async def test_the_log_counts_the_operations(api: Api, logged: list[str]) -> None:
    succeeded(await api.ask("PUT", f"/{CACHE}/bulk", json=[{"key": str(n), "value": "v"} for n in range(7)]))
    await api.get("1")
    await api.ask("GET", "/malformed")
    why = "could not parse UUID from request's namespace_id: 'invalid namespace format: malformed'"
    told = ["7 KV operations", "1 KV operation", f"0 KV operations, {why}"]
    assert [line.rpartition(" ms ")[2] for line in logged] == told


@pytest.mark.parametrize(
    ("rule", "status", "code", "reason"),
    [
        ({"status": 429}, 429, 10022, "Too Many Requests"),
        ({"status": 500}, 500, 10001, "Internal Server Error"),
        ({"status": 503}, 503, 10001, "Service Unavailable"),
    ],
)
async def test_a_rule_for_the_api_refuses_it_and_spares_the_locations(
    api: Api, deployment: Deployment, rule: dict[str, int], status: int, code: int, reason: str
) -> None:
    await add_fault(api, verdict="fail_before", location="API", operation="put", **rule)
    answer = await api.ask("PUT", value_path("k"), content=b"v")
    assert refused(answer) == (status, code, f"put: '{reason}'")
    assert answer.headers.get("Retry-After") == ("1" if status == 429 else None)
    assert await api.get("k") is None
    await deployment.binding("SJC").put("k", "1")
    assert await api.get("k") == b"1"


async def test_a_failure_of_one_pair_refuses_all_before_and_has_written_all_after(api: Api) -> None:
    pairs = [{"key": key, "value": "v"} for key in "abc"]
    await add_fault(api, verdict="fail_before", operation="put", key_prefix="b", times=1)
    assert refused(await api.ask("PUT", f"/{CACHE}/bulk", json=pairs))[:2] == (500, 10001)
    assert await api.names() == []
    await add_fault(api, verdict="fail_after", operation="put", key_prefix="b", times=1)
    assert refused(await api.ask("PUT", f"/{CACHE}/bulk", json=pairs))[:2] == (500, 10001)
    assert await api.names() == ["a", "b", "c"]


@pytest.mark.parametrize("location", ["api", "LAX"])
async def test_a_rule_for_a_location_that_is_not_there_is_refused(api: Api, location: str) -> None:
    rule = {"verdict": "fail_before", "location": location}
    answer = await api.client.post("/cdn-cgi/emulator/faults", json=rule)
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        f"unknown location '{location}'; this emulator has SJC, NRT, API",
    )


async def test_nothing_can_be_kept_away_from_the_api(api: Api) -> None:
    rule = {"verdict": "drop_replication", "to": "API", "for_s": 1}
    assert (await api.client.post("/cdn-cgi/emulator/faults", json=rule)).status_code == 400


@pytest.mark.parametrize("profile", [replace(CLOUDFLARE, plan=FREE)])
async def test_a_day_s_quota_is_the_account_s(api: Api, deployment: Deployment) -> None:
    message = "your account has reached the free usage limit for this operation for today"
    pairs = [{"key": f"k{number}", "value": "v"} for number in range(1_001)]
    assert refused(await api.ask("PUT", f"/{CACHE}/bulk", json=pairs)) == (429, 10048, message)
    succeeded(await api.ask("PUT", f"/{CACHE}/bulk", json=pairs[1:]))
    assert refused(await api.ask("PUT", value_path("k"), content=b"v")) == (429, 10048, message)
    with pytest.raises(QuotaError, match="limit exceeded for the day"):
        await deployment.binding("SJC").put("k", "v")
    made = (await api.result("POST", json={"title": "another"}))["id"]
    assert refused(await api.ask("PUT", value_path("k", of=made), content=b"v")) == (429, 10048, message)


async def test_rules_journal_and_counts_are_of_all_namespaces(api: Api, deployment: Deployment) -> None:
    made, beside = [(await api.result("POST", json={"title": title}))["id"] for title in ("made", "beside")]
    await add_fault(api, verdict="fail_before", status=503, operation="put", namespace="made")
    await api.put("k")
    await api.put("k", of=beside)
    assert (await api.ask("PUT", value_path("k", of=made), content=b"v")).status_code == 503
    lines = (await api.client.get("/cdn-cgi/emulator/journal")).text.splitlines()
    events = [json.loads(line) for line in lines]
    assert [(each.get("namespace"), "failed" in each) for each in events] == [
        (None, False), (beside, False), (made, True)
    ]  # fmt: skip
    assert deployment.service.meter.totals() == {"writes": 2}


async def test_a_rule_for_a_namespace_that_is_not_there_is_refused(api: Api) -> None:
    rule = {"verdict": "fail_before", "namespace": "nothing"}
    answer = await api.client.post("/cdn-cgi/emulator/faults", json=rule)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "unknown namespace 'nothing'; this emulator has CACHE"},
    )


async def test_a_created_namespace_has_the_same_clock_and_profile(
    api: Api, deployment: Deployment, clock: MovableClock
) -> None:
    made = (await api.result("POST", json={"title": "x"}))["id"]
    await api.put("k", of=made, params={"expiration_ttl": 60})
    assert deployment.namespaces is not None
    service = deployment.namespaces.service(made)
    assert isinstance(service, KVService)
    assert service.profile is CLOUDFLARE
    clock.advance(60_000)
    assert await api.get("k", of=made) is None
