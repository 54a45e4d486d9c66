"""Who may use the controls: this machine, by a name of this machine, and no web page of another origin."""

import httpx
import pytest

from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from tests.asking import client_of
from tests.web.keys import CONTROL, QUEUE

pytestmark = pytest.mark.anyio

OWN_HOSTS = [
    *("127.0.0.1", "127.0.0.1:8787", "127.8.9.10:80", "localhost", "localhost:8787", "LocalHost:1", "[::1]:8787"),
    "a.localhost",
]
FOREIGN_HOSTS = [
    *("example.com", "example.com:8787", "127.0.0.1.example.com", "localhost.example.com", "localhost@example.com"),
    *("192.168.1.5:8787", "0.0.0.0:8787", "[::]:8787", "[2001:db8::1]", "[::1", "2130706433", "0x7f.1", ""),
    *("evil:80@127.0.0.1", "localhost/evil", "localhost?x", "localhost:abc", "[::1%evil]", "evil"),
]
OWN_ORIGINS = ["http://127.0.0.1:8787", "http://localhost:3000", "https://localhost", "http://[::1]:5173"]
FOREIGN_ORIGINS = [
    *("https://example.com", "http://127.0.0.1.example.com", "http://localhost.example.com", "null", "", "file://"),
    *("localhost", "http://[::1", "https://example.com#http://localhost", "https://localhost@example.com"),
    *("http://evil@localhost", "//localhost", "file://localhost"),
]


async def status_of(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    return await client.get(f"{CONTROL}/status", headers=headers)


@pytest.mark.parametrize("host", OWN_HOSTS)
async def test_a_host_of_this_machine_is_welcome(client: httpx.AsyncClient, host: str) -> None:
    assert (await status_of(client, Host=host)).status_code == 200


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
async def test_a_foreign_host_is_refused(client: httpx.AsyncClient, host: str) -> None:
    answer = await status_of(client, Host=host)
    assert answer.status_code == 403
    assert answer.json()["error"].startswith("the emulator's controls answer only to loopback host names")


@pytest.mark.parametrize("origin", OWN_ORIGINS)
async def test_an_origin_of_this_machine_is_welcome(client: httpx.AsyncClient, origin: str) -> None:
    assert (await status_of(client, Origin=origin)).status_code == 200


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
async def test_a_foreign_origin_is_refused(client: httpx.AsyncClient, origin: str) -> None:
    answer = await status_of(client, Origin=origin)
    assert answer.status_code == 403
    assert answer.json()["error"].startswith("the emulator's controls refuse requests from other origins")


async def test_every_origin_is_looked_at(client: httpx.AsyncClient) -> None:
    origins = [("Origin", "http://localhost:8787"), ("Origin", "http://evil.example")]
    assert (await client.get(f"{CONTROL}/status", headers=origins)).status_code == 403


@pytest.mark.parametrize("peer", ["192.0.2.7", "10.0.0.1", "2001:db8::7", "", "unix"])
async def test_another_machine_is_refused_whatever_it_says(deployment: Deployment, peer: str) -> None:
    async with client_of(create_app(deployment), peer=(peer, 4711)) as client:
        answer = await client.post(f"{CONTROL}/reset", headers={"X-Forwarded-For": "127.0.0.1"})
        assert answer.status_code == 403
        assert answer.json()["error"].startswith("the emulator's controls answer only to this machine")
        assert (await client.get("/api/queue", headers=QUEUE)).status_code == 200  # the Worker is for everybody


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.1.2.3", "::1"])
async def test_every_loopback_address_is_this_machine(deployment: Deployment, peer: str) -> None:
    async with client_of(create_app(deployment), peer=(peer, 4711), base_url="http://[::1]:8787") as client:
        assert (await status_of(client)).status_code == 200


@pytest.mark.parametrize("control", ["reset", "seed", "enqueue", "clock", "nothing"])
async def test_a_refused_request_changes_nothing(
    client: httpx.AsyncClient, deployment: Deployment, control: str
) -> None:
    await client.post(f"{CONTROL}/enqueue", json={"task": {"id": "t1"}})
    now_ms = deployment.clock.now_ms()
    answer = await client.post(
        f"{CONTROL}/{control}", headers={"Origin": "https://example.com"}, content=b'[{"key": "a", "value": "1"}]'
    )
    assert answer.status_code == 403
    assert await deployment.emulated().count() == 1
    assert deployment.clock.now_ms() == now_ms


async def test_no_answer_invites_other_origins(client: httpx.AsyncClient) -> None:
    preflight = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    for answer in (await status_of(client, **preflight), await client.options(f"{CONTROL}/seed", headers=preflight)):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_a_method_that_a_control_has_not_is_told_which_it_has(client: httpx.AsyncClient) -> None:
    answer = await client.delete(f"{CONTROL}/seed")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.json() == {"error": "DELETE is not allowed here; allowed: POST"}
    answer = await client.put(f"{CONTROL}/clock")
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize("path", ["/nothing", "/status/", "/status/more", "/Status"])
async def test_an_unknown_control_is_told_which_there_are(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(CONTROL + path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/json")
    for control in ("status", "reset", "seed", "enqueue", "clock"):
        assert control in answer.json()["error"]


async def test_a_control_that_is_read_may_be_asked_for_its_head(client: httpx.AsyncClient) -> None:
    assert (await client.head(f"{CONTROL}/status")).status_code == 200
    assert (await client.head(f"{CONTROL}/clock")).status_code == 200
    assert (await client.head(f"{CONTROL}/reset")).status_code == 405
