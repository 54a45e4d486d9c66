"""Who may use Cloudflare's API here: whoever knows its token, and nobody where there is none."""

import pytest

from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from tests.asking import client_of
from tests.web.rest.api import CACHE, NAMESPACES, TOKEN, Api, refused, succeeded

pytestmark = pytest.mark.anyio

CLOSED = (401, 10000, "Authentication error")
MISSING = (400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
MALFORMED = (400, 6003, "Invalid request headers")
EMAIL = "me@example.com"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {TOKEN}"},
        {"authorization": f"bearer  {TOKEN} "},
        {"X-Auth-Email": EMAIL, "X-Auth-Key": TOKEN},
        {"X-Auth-Email": EMAIL, "X-Auth-Key": TOKEN, "Authorization": "Bearer wrong"},
    ],
)
async def test_the_token_opens_it(api: Api, headers: dict[str, str]) -> None:
    succeeded(await api.client.get(NAMESPACES, headers=headers))


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({}, MISSING),
        ({"Authorization": ""}, MISSING),
        ({"Authorization": "Bearer"}, MALFORMED),
        ({"Authorization": "Bearer "}, MALFORMED),
        ({"Authorization": f"Bearer {TOKEN} x"}, MALFORMED),
        ({"Authorization": TOKEN}, MALFORMED),
        ({"Authorization": f"Basic {TOKEN}"}, MALFORMED),
        ({"Authorization": f"Bearer {TOKEN[:-1]}"}, CLOSED),
        ({"Authorization": f"Bearer {TOKEN}x"}, CLOSED),
        ({"Authorization": "Bearer wrong"}, CLOSED),
        ({"Authorization": "Bearer \u00fc"}, CLOSED),
        ({"X-Auth-Key": TOKEN}, MISSING),
        ({"X-Auth-Email": EMAIL}, MISSING),
        ({"X-Auth-Email": EMAIL, "X-Auth-Key": "wrong"}, CLOSED),
        ({"X-API-Key": TOKEN}, MISSING),
    ],
)
@pytest.mark.parametrize("path", ["", f"/{CACHE}/values/k", "/malformed", "/../../../user"])
async def test_nothing_else_does(api: Api, headers: dict[str, str], refusal: tuple[int, int, str], path: str) -> None:
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = await api.client.get(f"{NAMESPACES}{path}", headers=sent)
    assert refused(answer) == refusal
    behind = [{"code": 6111, "message": "Invalid format for Authorization header"}]
    assert answer.json()["errors"][0].get("error_chain") == (behind if refusal == MALFORMED else None)


@pytest.mark.parametrize("token", [None, ""])
@pytest.mark.parametrize("offered", ["-", "None", "null", TOKEN])
async def test_without_a_token_it_is_closed(deployment: Deployment, token: str | None, offered: str) -> None:
    deployment.api_token = token
    async with client_of(create_app(deployment)) as client:
        headers = {"Authorization": f"Bearer {offered}", "X-Auth-Email": EMAIL, "X-Auth-Key": offered}
        assert refused(await client.get(NAMESPACES, headers=headers)) == CLOSED


async def test_who_is_refused_changes_nothing_and_learns_nothing(api: Api) -> None:
    await api.put("k")
    for method, path in (("PUT", f"/{CACHE}/values/k"), ("DELETE", f"/{CACHE}/values/k"), ("POST", "")):
        answer = await api.client.request(method, f"{NAMESPACES}{path}", content=b'{"title": "x"}')
        assert refused(answer) == MISSING
        assert "ratelimit" not in answer.headers
    assert await api.get("k") == b"v"


async def test_the_token_is_in_no_log_and_in_no_answer(api: Api, logged: list[str], deployment: Deployment) -> None:
    answers = [
        await api.ask("GET"),
        await api.ask("GET", "/malformed"),
        await api.ask("GET", f"/{CACHE}/keys", params={"limit": "x"}),
        await api.client.get(NAMESPACES, headers={"Authorization": f"Basic {TOKEN}"}),
        await api.client.get("/cdn-cgi/emulator/status"),
    ]
    assert logged
    assert TOKEN not in "".join(logged)
    assert all(TOKEN not in f"{answer.headers}{answer.text}" for answer in answers)
    assert TOKEN not in repr(deployment)


async def test_the_worker_s_keys_do_not_open_it_and_its_token_does_not_open_the_worker(api: Api) -> None:
    assert refused(await api.client.get(NAMESPACES, headers={"Authorization": "Bearer q"})) == CLOSED
    answer = await api.client.get("/api/queue", headers={"X-API-Key": TOKEN})
    assert answer.status_code == 401
