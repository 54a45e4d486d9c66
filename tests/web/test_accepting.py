"""Accepting connections: each goes to a protocol of its own, and is sent on without delay."""

import asyncio
import socket

from queue_emulator.accepting import Acceptor
from queue_emulator.core.repeated_lines import RepeatedLines
from queue_emulator.web.serve import listen


class _Asked(asyncio.Protocol):
    def __init__(self) -> None:
        self.made: asyncio.Future[asyncio.BaseTransport] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.made.set_result(transport)


async def _without_delay() -> int:
    protocol = _Asked()
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    acceptor = Acceptor(listening, lambda: protocol, limit=1_000_000, kept=0, log=print)
    with socket.create_connection(("127.0.0.1", port)):
        transport = await protocol.made
        no_delay: int = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        transport.close()
    acceptor.close()
    acceptor.close()
    return no_delay


def test_small_answers_are_sent_at_once_on_a_connection_that_is_kept() -> None:
    assert asyncio.run(_without_delay()) != 0


def test_the_same_line_is_said_once_a_minute_with_how_often_it_was_due() -> None:
    said: list[str] = []
    now = [0.0]
    log = RepeatedLines(said.append, lambda: now[0])
    for _ in range(3):
        log("it fails")
    log("it fails otherwise")
    assert said == ["it fails", "it fails otherwise"]
    now[0] = 60.0
    log("it fails")
    assert said[2:] == ["it fails (and 2 more times that were not logged)"]
    now[0] = 120.0
    log("it fails")
    assert said[3:] == ["it fails"]
