"""The emulator's own port: what reaches the Worker of a location, and what a client is told when it is not there."""

import os
from collections.abc import Iterator

import aiohttp
import httpx
import pytest

from tests.cli import raw_http
from tests.cli.emulator_process import WAIT_S_MAX
from tests.cli.raw_http import HOST
from tests.cli.test_framing import REFUSED
from tests.run.probe_tools import RELOADED, TOOLS, Started, command_of, free_port, project
from tests.run.tool import start

NRT = {"X-Emulator-Location": "NRT"}
(NEWEST,) = (each for each in TOOLS if each.name == "wrangler 4.164")


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """The newest wrangler at two locations, with assets."""
    folder = project(tmp_path_factory.mktemp("front"), NEWEST)
    (folder / "wrangler.toml").write_text((folder / "wrangler.toml").read_text() + '\n[assets]\ndirectory = "public"\n')
    port = free_port()
    options = ("--ephemeral", "--location", "SJC", "--location", "NRT", "--at", "TOKYO=FRA")
    running = start(options, command_of(NEWEST, port), folder, {})
    assert running.url
    yield Started(NEWEST, running, folder, f"http://127.0.0.1:{port}")
    running.stop()


@pytest.mark.parametrize("location", ["SJC", "NRT"])
def test_a_request_reaches_the_worker_of_its_location(started: Started, location: str) -> None:
    answer = started.running.ask("GET", "/colo", headers={"X-Emulator-Location": location})
    assert answer.text == location
    assert answer.headers["cf-ray"].endswith(f"-{location}")


def test_a_request_without_a_location_reaches_the_first(started: Started) -> None:
    assert started.running.ask("GET", "/colo").text == "SJC"


def test_assets_and_redirects_are_as_they_are(started: Started) -> None:
    assert started.running.ask("GET", "/page.html", headers=NRT).status_code == 307  # to its name without an ending
    assert started.running.ask("GET", "/page", headers=NRT).text == "<h1>an asset</h1>\n"
    away = started.running.ask("GET", "/away", headers=NRT)
    assert (away.status_code, away.headers["location"]) == (302, "/version")


def test_bodies_stream_both_ways(started: Started) -> None:
    body = os.urandom(1_000_000)
    answer = started.running.ask("PUT", "/echo", content=iter([body[:10], body[10:]]), headers=NRT)
    assert answer.content == body
    assert answer.headers["x-method"] == "PUT"


def test_a_location_that_there_is_not_is_refused_with_those_that_there_are(started: Started) -> None:
    unknown = started.running.ask("GET", "/colo", headers={"X-Emulator-Location": "XYZ"})
    assert (unknown.status_code, unknown.json()["error"]) == (
        400,
        "Unknown location in X-Emulator-Location; this emulator has SJC, NRT",
    )
    of_a_binding = started.running.ask("GET", "/colo", headers={"X-Emulator-Location": "FRA"})
    assert (of_a_binding.status_code, of_a_binding.json()["error"]) == (
        400,
        "only a binding is at FRA, no Worker: to run a Worker there, add --location FRA",
    )


def test_the_operations_of_a_request_that_runs_alone_are_noted_as_its_own(started: Started) -> None:
    started.kv("FLAGS", "get", "whose", location="NRT")
    last = started.running.ask("GET", "/cdn-cgi/emulator/journal").text.splitlines()[-1]
    assert '"key":"whose"' in last
    assert '"route":"POST /kv"' in last
    started.kv("FLAGS", "get", "whose")
    last = started.running.ask("GET", "/cdn-cgi/emulator/journal").text.splitlines()[-1]
    assert """"route":"not by way of the emulator's port""" in last


def test_no_client_says_where_a_worker_is(started: Started) -> None:
    answer = started.running.ask("GET", "/colo", headers={**NRT, "MF-CF-Blob": '{"colo":"XXX"}'})
    assert answer.text == "NRT"


def test_no_client_says_for_which_url_or_worker_a_request_is(started: Started) -> None:
    """As miniflare's own proxy does: by its headers another URL would be asked than the one that is noted."""
    hostile = {"MF-Original-URL": "http://evil.example/away", "mf-route-override": "nobody", "MF-Anything": "x"}
    for location in ("SJC", "NRT"):
        answer = started.running.ask("GET", "/colo", headers={**hostile, "X-Emulator-Location": location})
        assert (answer.status_code, answer.text) == (200, location)


def test_what_has_no_certain_end_or_host_does_not_reach_the_tool(started: Started) -> None:
    port = int(started.running.url.rpartition(":")[2])
    targets = (b"http://me@127.0.0.1/colo", b"http:///colo", b"http://evil.example/cdn-cgi/emulator/status")
    attacks = [(b"POST /echo HTTP/1.1\r\n" + rest, status) for status, rest in REFUSED.values()]
    attacks += [(b"GET %b HTTP/1.1\r\n%b\r\n" % (each, HOST), 403 if b"evil" in each else 400) for each in targets]
    for attack, status in attacks:
        with raw_http.connect(port) as connection:
            connection.sendall(attack + raw_http.get(b"/colo"))
            assert raw_http.read_answer(connection).status == status
            if status != 403:
                assert connection.recv(1) == b"" or b"http" in attack
        assert started.running.ask("GET", "/colo").text == "SJC"
    assert len(attacks) > 25


def test_requests_that_are_sent_at_once_are_answered_in_their_order(started: Started) -> None:
    port = int(started.running.url.rpartition(":")[2])
    with raw_http.connect(port) as connection:
        asked = [raw_http.get(b"/colo", b"X-Emulator-Location: NRT\r\n"), raw_http.post(b"/echo", b"body", b"")] * 5
        connection.sendall(b"".join(asked))
        answers = raw_http.read_answers(connection, len(asked))
    assert [each.body for each in answers] == [b"NRT", b"body"] * 5


def test_while_a_change_is_brought_in_no_request_that_reads_fails(started: Started) -> None:
    (started.folder / "src" / "version.ts").write_text(RELOADED)
    url, seen = started.running.url, set()
    with httpx.Client(base_url=url, timeout=WAIT_S_MAX, verify=False, trust_env=False, headers=NRT) as client:
        for _ in range(5_000):
            answer = client.get("/version")
            assert answer.status_code == 200, answer.text
            seen.add(answer.text)
            if answer.text == "two":
                break
    assert "two" in seen


@pytest.mark.anyio
async def test_a_websocket_reaches_the_worker_of_its_location_message_by_message(started: Started) -> None:
    started.kv("FLAGS", "put", "socket", "seen")
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{started.running.url}/socket", headers=NRT, max_msg_size=0) as socket,
    ):
        await socket.send_str("socket")
        assert (await socket.receive()).data == "seen"
        data = os.urandom(500_000)
        await socket.send_bytes(data)
        assert (await socket.receive()).data == data
        await socket.send_str("bye")
        closing = await socket.receive()
        assert (closing.type, closing.data, closing.extra) == (aiohttp.WSMsgType.CLOSE, 4000, "so long")


@pytest.mark.anyio
async def test_a_handshake_that_the_worker_does_not_take_gets_the_workers_answer(started: Started) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{started.running.url}/version", headers=NRT)
        assert refused.value.status == 200
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{started.running.url}/socket", headers={"X-Emulator-Location": "XYZ"})
        assert refused.value.status == 400
