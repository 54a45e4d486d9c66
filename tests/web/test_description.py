"""The description of the Worker's routes under the controls: the file as it is, and a page that loads nothing."""

import base64
import hashlib
import re
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.anyio

CONTROL = "/cdn-cgi/emulator"
REPOSITORY = Path(__file__).resolve().parents[2]


async def test_the_description_is_answered_as_it_lies_in_the_repository(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{CONTROL}/openapi.yaml")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/yaml")
    assert answer.content == (REPOSITORY / "openapi.yaml").read_bytes()
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_page_shows_every_route_and_may_load_nothing_but_its_own_style(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{CONTROL}/openapi")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert len(re.findall("<h3 id='[a-zA-Z]+'><code>(?:GET|POST) /api/", answer.text)) == 11
    (style,) = re.findall("<style>(.*)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = {part.strip() for part in answer.headers["content-security-policy"].split(";")}
    nothing = {f"{name} 'none'" for name in ("default-src", "base-uri", "form-action", "frame-ancestors")}
    assert policy == {*nothing, f"style-src 'sha256-{digest}'"}
    assert len(answer.content) < 100_000


@pytest.mark.parametrize("path", ["openapi.yaml", "openapi"])
async def test_it_is_for_this_machine_only_takes_no_parameter_and_has_no_other_method(
    client: httpx.AsyncClient, path: str
) -> None:
    elsewhere = await client.get(f"{CONTROL}/{path}", headers={"Host": "queue.example.com"})
    assert elsewhere.status_code == 403
    assert (await client.get(f"{CONTROL}/{path}?url=x")).status_code == 400
    assert (await client.post(f"{CONTROL}/{path}")).status_code == 405
    assert (await client.head(f"{CONTROL}/{path}")).status_code == 200


async def test_the_worker_itself_has_no_such_path(client: httpx.AsyncClient) -> None:
    assert (await client.get("/openapi.yaml")).text == "Not found"
