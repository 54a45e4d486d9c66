"""HTTP/2 where connections are scarce: requests are answered, and who waits for its client can be spared."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, PingAckReceived, RemoteSettingsChanged, ResponseReceived, StreamEnded
from h2.settings import SettingCodes, Settings
from hypercorn.config import Config
from starlette.types import Message, Receive, Scope, Send

from queue_emulator.web import protocol
from queue_emulator.web.connections import Connections
from queue_emulator.web.serve import listen

_WAIT_S_MAX = 60
_LATER_S = 3600


class Client:
    """An HTTP/2 client that blocks: for a thread of its own."""

    def __init__(self, port: int, window: int = 65_535) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_WAIT_S_MAX)
        self.http = H2Connection(H2Configuration(client_side=True))
        self.http.local_settings = Settings(initial_values={SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.http.initiate_connection()
        self._send()

    def ask(self, path: str, *, whole: bool = True) -> None:
        head = [(":method", "POST"), (":path", path), (":scheme", "http"), (":authority", "localhost")]
        self.http.send_headers(self.http.get_next_available_stream_id(), head, end_stream=whole)
        self._send()

    def heard(self, last: type) -> list[type]:
        """The kinds of what comes, to the first of this one, or to the end of the connection."""
        kinds: list[type] = []
        while last not in kinds and (received := self.socket.recv(65_536)):
            kinds += map(type, self.http.receive_data(received))
            self._send()
        return kinds

    def _send(self) -> None:
        if content := self.http.data_to_send():
            self.socket.sendall(content)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with more than a small window holds; `/busy` works for long, whatever its client does."""
    if scope["path"] == "/busy":
        await asyncio.sleep(_LATER_S)
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass
    answer: tuple[Message, ...] = (
        {"type": "http.response.start", "status": 200, "headers": []},
        {"type": "http.response.body", "body": b"x" * 48_000},
    )
    for each in answer:
        await send(each)


@contextmanager
def serving() -> Iterator[tuple[Connections, int]]:
    protocol.install(print)
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    connections = Connections(app, Config(), print)
    connections.accept(sock, limit=1_000_000, kept=0, log=print)
    yield connections, port


def asked(ask: Callable[[Client], Any], look: Callable[[Connections], Any], *, window: int, short: bool) -> Any:
    """What a client heard, and what is seen of its connection then."""

    async def both() -> Any:
        with serving() as (connections, port):
            connections._short(short)
            client = await asyncio.to_thread(Client, port, window)
            try:
                return await asyncio.to_thread(ask, client), look(connections)
            finally:
                client.socket.close()
                await connections.end(0)

    return asyncio.run(both())


def test_a_request_is_answered_while_others_wait_for_a_connection_and_ends_its_own() -> None:
    def ask(client: Client) -> list[type]:
        client.ask("/")
        return client.heard(ConnectionTerminated)

    heard, _ = asked(ask, lambda _: None, window=65_535, short=True)
    assert [each for each in heard if each in (ResponseReceived, StreamEnded, ConnectionTerminated)] == [
        ResponseReceived,
        StreamEnded,
        ConnectionTerminated,
    ]


@pytest.mark.parametrize(
    ("asks", "window", "spared"),
    [
        ([("/", False)], 65_535, True),  # the rest of its request is missing
        ([("/", True)], 0, True),  # it takes nothing of its answer
        ([("/", True), ("/", False)], 0, True),
        ([("/busy", True)], 65_535, False),
        ([("/busy", True), ("/", False)], 65_535, False),
    ],
)
def test_a_connection_can_be_spared_if_each_of_its_requests_waits_for_the_client(
    asks: list[tuple[str, bool]], window: int, spared: bool
) -> None:
    def ask(client: Client) -> None:
        for path, whole in asks:
            client.ask(path, whole=whole)
        client.http.ping(b"all seen")
        client._send()
        client.heard(PingAckReceived)

    def look(connections: Connections) -> list[bool]:
        return [each.is_slow(each.busy_since_s + _LATER_S) for each in connections._tasks.values()]

    assert asked(ask, look, window=window, short=False)[1] == [spared]


def test_the_end_comes_also_where_a_connection_does_not_hear_of_it() -> None:
    async def deaf() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(_LATER_S)
        await asyncio.sleep(_LATER_S)

    async def end() -> None:
        with serving() as (connections, port):
            client = await asyncio.to_thread(Client, port)
            await asyncio.to_thread(client.heard, RemoteSettingsChanged)
            (connection,) = connections._tasks.values()
            connections._tasks[asyncio.ensure_future(deaf())] = connection
            await connections.end(0)
            client.socket.close()

    asyncio.run(asyncio.wait_for(end(), _WAIT_S_MAX))
