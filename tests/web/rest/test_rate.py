"""How many requests Cloudflare's API answers in five minutes."""

from dataclasses import replace

import pytest

from queue_emulator.core.api_rate import ApiRate
from queue_emulator.core.clock import MovableClock
from queue_emulator.core.profiles import CLOUDFLARE, LOCAL, compose
from tests.web.rest.api import CACHE, NOBODY_S, Api, refused, succeeded, value_path

pytestmark = pytest.mark.anyio

FEW = pytest.mark.parametrize("profile", [replace(CLOUDFLARE, api_requests_max=3)])
REFUSED = (429, 971, "Please wait and consider throttling your request speed")


def test_1200_are_answered_in_five_minutes_and_one_too_many_stops_all_for_five_more() -> None:
    rate = ApiRate(CLOUDFLARE.api_requests_max)
    assert [rate.take(1_000 + number) for number in range(1_200)] == [True] * 1_200
    assert rate.headers(2_200) == {"Ratelimit": '"default";r=0;t=299', "Ratelimit-Policy": '"default";q=1200;w=300'}
    assert not rate.take(200_000)
    assert rate.headers(200_000)["Retry-After"] == "300"
    assert not rate.take(499_999)
    assert rate.headers(499_999)["Retry-After"] == "1"
    assert rate.take(500_000)
    assert rate.headers(500_000)["Ratelimit"] == '"default";r=1199;t=300'


def test_a_window_ends_after_five_minutes_and_when_the_clock_goes_back() -> None:
    rate = ApiRate(2)
    assert [rate.take(0), rate.take(299_999), rate.take(300_000), rate.take(300_001)] == [True] * 4
    assert not rate.take(300_002)
    assert rate.take(0)


def test_without_a_limit_nothing_is_counted_and_nothing_said() -> None:
    rate = ApiRate(None)
    assert all(rate.take(0) for _ in range(2_000))
    assert rate.headers(0) == {}
    assert LOCAL.api_requests_max is None
    assert compose("cloudflare", without=["api-rate"]).api_requests_max is None


@FEW
async def test_one_request_too_many_is_refused_and_so_is_all_else_until_time_has_passed(
    api: Api, clock: MovableClock
) -> None:
    for left in (2, 1, 0):
        answer = await api.ask("PUT", value_path("k"), content=b"v")
        assert answer.headers["Ratelimit"] == f'"default";r={left};t=300'
    clock.advance(60_000)
    answer = await api.ask("DELETE", value_path("k"))
    assert refused(answer) == REFUSED
    assert answer.headers["Retry-After"] == "300"
    assert answer.headers["x-should-retry"] == "false"
    clock.advance(299_000)
    answer = await api.ask("GET")
    assert (refused(answer), answer.headers["Retry-After"]) == (REFUSED, "1")
    clock.advance(1_000)
    assert await api.get("k") == b"v"


@FEW
async def test_every_request_of_the_token_counts_whatever_becomes_of_it(api: Api) -> None:
    for path in ("/malformed", f"/{NOBODY_S}", f"/{CACHE}/keys?limit=0"):
        assert refused(await api.ask("GET", path))[0] in (400, 404)
    assert refused(await api.ask("GET")) == REFUSED


@FEW
async def test_strangers_do_not_count(api: Api) -> None:
    for _ in range(10):
        assert (await api.ask("GET", headers={"Authorization": "Bearer wrong"})).status_code == 401
    succeeded(await api.ask("GET"))


@FEW
async def test_a_reset_forgets_them(api: Api) -> None:
    for _ in range(4):
        await api.ask("GET")
    await api.client.post("/cdn-cgi/emulator/reset")
    succeeded(await api.ask("GET"))
