"""Host and Origin of a control request: exactly a loopback name, or refused."""

import httpx
import pytest

pytestmark = pytest.mark.anyio

STATUS = "/cdn-cgi/emulator/status"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8787", "127.0.0.1:80", "[::1]:8787", "a.localhost"])
async def test_a_loopback_name_is_answered(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get(STATUS, headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil@localhost", "evil:80@127.0.0.1", "localhost/evil", "localhost?x", "localhost:abc", "[::1%evil]", "", "evil"],
)
async def test_anything_else_is_refused(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get(STATUS, headers={"Host": host})).status_code == 403


@pytest.mark.parametrize(
    "origin", ["http://evil@localhost", "//localhost", "file://localhost", "null", "http://localhost.evil"]
)
async def test_an_origin_that_only_looks_like_ours_is_refused(client: httpx.AsyncClient, origin: str) -> None:
    assert (await client.get(STATUS, headers={"Origin": origin})).status_code == 403


async def test_every_origin_is_looked_at(client: httpx.AsyncClient) -> None:
    origins = [("Origin", "http://localhost:8787"), ("Origin", "http://evil.example")]
    assert (await client.get(STATUS, headers=origins)).status_code == 403
