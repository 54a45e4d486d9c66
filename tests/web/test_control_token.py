"""The token that opens the controls to other machines: to whoever sends it, and to no page of another site."""

from dataclasses import replace

import httpx
import pytest

from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from tests.asking import client_of
from tests.web.keys import CONTROL

pytestmark = pytest.mark.anyio

TOKEN = "open-sesame"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
ELSEWHERE = ("192.0.2.7", 4711)
NAME = "http://emulator.example:8787"


async def status_of(
    deployment: Deployment, headers: dict[str, str], *, peer: tuple[str, int] = ELSEWHERE, base: str = NAME
) -> httpx.Response:
    app = create_app(replace(deployment, control_token=TOKEN))
    async with client_of(app, peer=peer, base_url=base) as client:
        return await client.get(f"{CONTROL}/status", headers=headers)


@pytest.mark.parametrize(
    "authorization", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER   {TOKEN} "], ids=["usual", "lower", "spaces"]
)
async def test_another_machine_that_sends_it_is_answered(deployment: Deployment, authorization: str) -> None:
    assert (await status_of(deployment, {"Authorization": authorization})).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        "Bearer open-sesam",
        f"Bearer {TOKEN}x",
        "Bearer sesam",
        "Bearer None",
    ],
)
async def test_any_other_is_refused_on_this_machine_too_and_shown_nowhere(
    deployment: Deployment, authorization: str
) -> None:
    for peer in (ELSEWHERE, ("127.0.0.1", 4711)):
        answer = await status_of(deployment, {"Authorization": authorization}, peer=peer, base="http://127.0.0.1")
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert "send Authorization: Bearer with the value of EMULATOR_CONTROL_TOKEN" in answer.json()["error"]
        assert "sesam" not in answer.text


async def test_without_it_another_machine_is_told_what_to_send(deployment: Deployment) -> None:
    answer = await status_of(deployment, {})
    assert answer.status_code == 401
    assert answer.json()["error"].startswith("the emulator's controls answer only to this machine, unless")


async def test_this_machine_needs_none(deployment: Deployment) -> None:
    answer = await status_of(deployment, {}, peer=("127.0.0.1", 4711), base="http://localhost:8787")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [(NAME, 200), ("https://emulator.example:8787", 200), ("http://localhost:3000", 200)]
    + [(each, 403) for each in ("http://other.example", "null", "http://emulator.example", f"{NAME}.other.example")],
)
async def test_a_page_of_another_site_cannot_use_it(deployment: Deployment, origin: str, status: int) -> None:
    assert (await status_of(deployment, {"Origin": origin, **RIGHT})).status_code == status


async def test_two_origins_of_which_one_is_foreign_are_refused(deployment: Deployment) -> None:
    app = create_app(replace(deployment, control_token=TOKEN))
    sent = [("Origin", NAME), ("Origin", "http://other.example"), *RIGHT.items()]
    async with client_of(app, peer=ELSEWHERE, base_url=NAME) as client:
        assert (await client.get(f"{CONTROL}/status", headers=sent)).status_code == 403


async def test_where_none_is_set_none_opens_them(deployment: Deployment) -> None:
    app = create_app(deployment)
    for sent in ("Bearer ", "Bearer None", f"Bearer {TOKEN}"):
        async with client_of(app, peer=ELSEWHERE, base_url=NAME) as client:
            assert (await client.get(f"{CONTROL}/status", headers={"Authorization": sent})).status_code == 403
